"""`events`: all kinds in one stream, as a union, each through its own fragment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import Cast, group_id, org_id, thing_id, user_id
from tests.client import Subscription, SubscriptionRefused
from tests.ota import deploy, execution_of

EVERYTHING = """
subscription ($scope: EventScopeInput, $kinds: [EventKind!], $after: String) {
  events(scope: $scope, kinds: $kinds, after: $after) {
    __typename
    ...Common
    ... on ThingStateEvent { patch version }
    ... on ThingConnectivityEvent { connected reason }
    ... on ThingEvent { name lifecycle thing { name } }
    ... on OtaExecutionEvent { status execution { status } }
    ... on DeploymentEvent { deleted deployment { name } }
    ... on OtaJobEvent { deleted otaJob { name } }
    ... on MembershipEvent { change role user { name } }
  }
}
fragment Common on Event { cursor kind occurredAt coalesced }
"""


async def event(events: Subscription) -> dict[str, Any]:
    received: dict[str, Any] = (await events.next())["events"]
    return received


def own(received: dict[str, Any]) -> dict[str, Any]:
    """What an event has beyond what all have."""
    return {name: value for name, value in received.items() if name not in {"cursor", "occurredAt", "coalesced"}}


async def test_all_kinds_come_in_one_stream(cast: Cast) -> None:
    async with cast.gateway.subscribe(EVERYTHING, token=await cast.token("platform")) as events:
        report = {"thingId": thing_id(cast.thing), "reported": {"a": 1}}
        await cast.change("editor", "reportThingState", report)
        first = [await event(events) for _ in range(2)]
        assert {each["kind"]: own(each) for each in first} == {
            "THING_STATE_CHANGED": {
                "__typename": "ThingStateEvent",
                "kind": "THING_STATE_CHANGED",
                "patch": {"a": 1},
                "version": 1,
            },
            "THING_CONNECTIVITY_CHANGED": {
                "__typename": "ThingConnectivityEvent",
                "kind": "THING_CONNECTIVITY_CHANGED",
                "connected": True,
                "reason": "REPORT",
            },
        }
        await cast.change(
            "editor", "changeThingLifecycle", {"ids": [thing_id(cast.thing)], "lifecycle": "INSTALLED", "reason": "x"}
        )
        step = {"name": None, "lifecycle": "INSTALLED", "thing": {"name": "Pump"}}
        assert own(await event(events)) == {"__typename": "ThingEvent", "kind": "THING_LIFECYCLE_CHANGED", **step}
        await deploy(cast)
        campaign = [await event(events) for _ in range(3)]
        assert {each["__typename"]: own(each) for each in campaign} == {
            "OtaExecutionEvent": {
                "__typename": "OtaExecutionEvent",
                "kind": "OTA_EXECUTION_CHANGED",
                "status": "PENDING",
                "execution": {"status": "PENDING"},
            },
            "OtaJobEvent": {
                "__typename": "OtaJobEvent",
                "kind": "OTA_JOB_CHANGED",
                "deleted": False,
                "otaJob": {"name": "June"},
            },
            "DeploymentEvent": {
                "__typename": "DeploymentEvent",
                "kind": "DEPLOYMENT_CHANGED",
                "deleted": False,
                "deployment": {"name": "June"},
            },
        }
        members = [{"email": "loner@example.com", "role": "VIEWER"}]
        await cast.change("owner", "addMembers", {"organizationId": org_id(cast.acme), "members": members})
        added = {"change": "ADDED", "role": "VIEWER", "user": {"name": "Loner"}}
        last = await event(events)
        assert own(last) == {"__typename": "MembershipEvent", "kind": "MEMBERSHIP_CHANGED", **added}
        assert not last["coalesced"]
        cursors = [each["cursor"] for each in (*first, *campaign, last)]
        assert len(set(cursors)) == len(cursors)


async def test_kinds_are_chosen(cast: Cast) -> None:
    variables = {"kinds": ["THING_DELETED", "THING_UPDATED"], "scope": {"groupId": group_id(cast.group)}}
    (guest,) = await cast.add_things(1)
    async with cast.gateway.subscribe(EVERYTHING, variables, token=await cast.token("viewer")) as events:
        await cast.change("editor", "reportThingState", {"thingId": thing_id(cast.thing), "reported": {}})
        await cast.change("editor", "updateThings", {"things": [{"id": thing_id(guest), "name": "outside"}]})
        await cast.change("editor", "updateThings", {"things": [{"id": thing_id(cast.thing), "name": "Pump 2"}]})
        await cast.change("admin", "deleteThings", {"ids": [thing_id(cast.thing)]})
        updated, deleted = await event(events), await event(events)
    assert (updated["kind"], updated["name"]) == ("THING_UPDATED", None)
    assert own(deleted) == {
        "__typename": "ThingEvent",
        "kind": "THING_DELETED",
        "name": "Pump 2",
        "lifecycle": None,
        "thing": None,
    }


async def test_what_was_missed_of_any_kind_is_replayed_in_order(cast: Cast) -> None:
    token = await cast.token("platform")
    async with cast.gateway.subscribe(EVERYTHING, token=token) as events:
        await cast.change("editor", "updateThings", {"things": [{"id": thing_id(cast.thing), "name": "1"}]})
        cursor = (await event(events))["cursor"]
    campaign = await deploy(cast)
    report = {"executionId": await execution_of(cast, cast.thing, campaign), "status": "SUCCESS"}
    await cast.change("editor", "reportOtaExecution", report)
    removal = {"organizationId": org_id(cast.acme), "userIds": [user_id(cast.people["viewer"])]}
    await cast.change("owner", "removeMembers", removal)
    async with cast.gateway.subscribe(EVERYTHING, {"after": cursor}, token=token) as events:
        kinds = [(await event(events))["kind"] for _ in range(7)]
    assert sorted(kinds[:3]) == sorted(kinds[3:6]) == ["DEPLOYMENT_CHANGED", "OTA_EXECUTION_CHANGED", "OTA_JOB_CHANGED"]
    assert kinds[6] == "MEMBERSHIP_CHANGED"


@pytest.mark.parametrize(
    "variables",
    [
        {"kinds": []},
        {"scope": {"thingIds": []}},
        {"scope": {"filter": {"search": "a" * 1025}}},
        {"scope": {"groupId": "org_" + "0" * 32}},
        {"after": "nothing"},
    ],
)
async def test_what_cannot_be_watched_is_refused(cast: Cast, variables: dict[str, Any]) -> None:
    async with cast.gateway.subscribe(EVERYTHING, variables, token=await cast.token("viewer")) as events:
        with pytest.raises(SubscriptionRefused) as refusal:
            await event(events)
    assert refusal.value.codes == ["BAD_USER_INPUT"]
