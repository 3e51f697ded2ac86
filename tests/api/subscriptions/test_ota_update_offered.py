"""`otaUpdateOffered`: people are told, once for each thing, that an update waits for their consent."""

from __future__ import annotations

from typing import Any

from models.enums import EventKind
from models.tables import EVENT
from tests.cast import Cast, group_id, org_id, thing_id
from tests.client import Subscription
from tests.ota import deploy, execution_of, start_job, upload

OFFERS = """
subscription ($scope: EventScopeInput, $after: String) {
  otaUpdateOffered(scope: $scope, after: $after) {
    cursor kind coalesced occurredAt executionId thing { id }
    execution { status job { description artifact { artifactVersion } } }
  }
}
"""
EVERYTHING = """
subscription ($after: String) {
  events(kinds: [OTA_UPDATE_OFFERED], after: $after) {
    __typename ... on OtaUpdateOfferedEvent { executionId thing { id } }
  }
}
"""
WAITS = {"approval": True, "notify": True}


async def offered(events: Subscription) -> dict[str, Any]:
    """The next offer, without what is new each time."""
    event: dict[str, Any] = (await events.next())["otaUpdateOffered"]
    assert event.pop("occurredAt")
    return event


async def test_people_and_the_thing_are_told_of_each_update(cast: Cast) -> None:
    """rainmaker.ota.job-notify-users."""
    (other,) = await cast.add_things(1)
    artifact, _ = await upload(cast, version="2.0")
    viewer, editor, thing = [await cast.token(name) for name in ("viewer", "editor", "thing")]
    mine = {"scope": {"thingIds": [thing_id(cast.thing)]}}
    async with (
        cast.gateway.subscribe(OFFERS, token=viewer) as all_of_them,
        cast.gateway.subscribe(OFFERS, {"scope": {"groupId": group_id(cast.group)}}, token=editor) as of_the_group,
        cast.gateway.subscribe(OFFERS, mine, token=viewer) as of_one,
        cast.gateway.subscribe(OFFERS, token=thing) as own,
        cast.gateway.subscribe(EVERYTHING, token=viewer) as everything,
    ):
        job = await start_job(cast, artifactId=artifact, description="Quieter.", **WAITS)
        pump, second = [await execution_of(cast, each, job) for each in (cast.thing, other)]
        told = [await offered(all_of_them) for _ in range(2)]
        assert {event["executionId"]: event["thing"]["id"] for event in told} == {
            pump: thing_id(cast.thing),
            second: thing_id(other),
        }
        said = {"description": "Quieter.", "artifact": {"artifactVersion": "2.0"}}
        for event in told:
            assert event["execution"] == {"status": "AWAITING_APPROVAL", "job": said}
            assert (event["kind"], event["coalesced"]) == ("OTA_UPDATE_OFFERED", False)
        expected = next(event for event in told if event["executionId"] == pump)
        assert await offered(of_the_group) == await offered(of_one) == expected
        assert (await offered(own))["executionId"] == pump
        found = [(await everything.next())["events"] for _ in range(2)]
        assert {each["executionId"] for each in found} == {pump, second}
        assert {each["__typename"] for each in found} == {"OtaUpdateOfferedEvent"}
    # What was told is in the log, for those who were away.
    async with cast.gateway.subscribe(OFFERS, {"after": told[0]["cursor"]}, token=viewer) as later:
        assert (await offered(later))["executionId"] == told[1]["executionId"]


async def test_nobody_is_told_where_nobody_is_to_be(cast: Cast) -> None:
    """Not of jobs without `notify`, not in other organizations, and not of things outside the scope."""
    (other,) = await cast.add_things(1)
    artifact, release = await upload(cast)
    elsewhere = {"scope": {"thingIds": [thing_id(other)]}}
    outsider, viewer = await cast.token("outsider"), await cast.token("viewer")
    async with (
        cast.gateway.subscribe(OFFERS, token=outsider) as of_others,
        cast.gateway.subscribe(OFFERS, elsewhere, token=viewer) as of_another,
    ):
        target = {"target": {"thingIds": [thing_id(cast.thing)]}}
        await start_job(cast, artifactId=artifact, approval=True, **target)
        await start_job(cast, artifactId=artifact, **target)
        await deploy(cast, releaseId=release, approval=True, **target)
        assert await cast.count(EVENT, EVENT.c.kind == EventKind.OTA_UPDATE_OFFERED) == 0
        # Those that wait are seen by whoever asks.
        asked = await cast.data("viewer", "{ otaExecutions(filter: { status: AWAITING_APPROVAL }) { totalCount } }")
        assert asked["otaExecutions"]["totalCount"] == 2
        await start_job(cast, artifactId=artifact, **WAITS, **target)
        assert await cast.count(EVENT, EVENT.c.kind == EventKind.OTA_UPDATE_OFFERED) == 1
        # The next one is the first that any of them hears of.
        job = await start_job(cast, artifactId=artifact, target={"thingIds": [thing_id(other)]}, **WAITS)
        assert (await offered(of_another))["executionId"] == await execution_of(cast, other, job)
        await of_others.settle()
        assert not of_others.has_news


async def test_a_deployment_tells_when_its_phase_starts(cast: Cast) -> None:
    _, release = await upload(cast)
    async with cast.gateway.subscribe(OFFERS, token=await cast.token("viewer")) as offers:
        campaign = await deploy(cast, releaseId=release, **WAITS)
        event = await offered(offers)
        assert event["executionId"] == await execution_of(cast, cast.thing, campaign)
        # Consent ends the waiting; it is no other offer.
        await cast.change("admin", "approveOtaExecution", {"id": event["executionId"]})
    assert await cast.count(EVENT, EVENT.c.kind == EventKind.OTA_UPDATE_OFFERED) == 1


async def test_notify_goes_with_approval(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    given = {"organizationId": org_id(cast.acme), "name": "x", "artifactId": artifact, "target": {"all": True}}
    code, path = await cast.error("editor", "createOtaJob", {**given, "notify": True})
    assert code == "INVALID_INPUT"
    assert path is not None
    assert await cast.count(EVENT, EVENT.c.kind == EventKind.OTA_UPDATE_OFFERED) == 0
