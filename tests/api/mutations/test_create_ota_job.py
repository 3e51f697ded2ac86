from __future__ import annotations

from typing import Any

from sqlalchemy import update

from models.columns import now
from models.tables import ARTIFACT, OTA_EXECUTION, OTA_JOB
from tests.cast import Cast, group_id, org_id, refusals, thing_id
from tests.ota import assert_counts, declare, execution_of, status_of, upload

FIELDS = """otaJob {
  name status phase priority retries deployment { id } artifact { id } organization { id } counts { pending noArtifact }
  executions { nodes { status thing { id } artifact { id } deployment { id } } }
}"""


async def test_one_artifact_to_things(cast: Cast) -> None:
    (red,) = await cast.add_things(1)
    for thing, kind in ((red, "red"), (cast.thing, "blue")):
        attribute = {"scope": "INVENTORY", "name": "device_type", "value": kind}
        await cast.change("editor", "updateThings", {"things": [{"id": thing_id(thing), "attributes": [attribute]}]})
    artifact, _ = await upload(cast, compatibleTypes=["red"])
    given = {"organizationId": org_id(cast.acme), "artifactId": artifact, "name": "One", "target": {"all": True}}
    payload = await cast.change("editor", "createOtaJob", {**given, "priority": 1, "retries": 2}, FIELDS)
    job = payload["otaJob"]
    nodes = {node.pop("thing")["id"]: node for node in job.pop("executions")["nodes"]}
    assert job == {
        "name": "One",
        "status": "IN_PROGRESS",
        "phase": 1,
        "priority": 1,
        "retries": 2,
        "deployment": None,
        "artifact": {"id": artifact},
        "organization": {"id": org_id(cast.acme)},
        "counts": {"pending": 1, "noArtifact": 1},
    }
    assert nodes == {
        thing_id(red): {"status": "PENDING", "artifact": {"id": artifact}, "deployment": None},
        thing_id(cast.thing): {"status": "NO_ARTIFACT", "artifact": None, "deployment": None},
    }
    await assert_counts(cast)


async def test_bad_input_makes_nothing(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    waiting = (await declare(cast, version="2"))["artifact"]["id"]
    (strange,) = await cast.add_things(1, organization=cast.other)
    good = {"organizationId": org_id(cast.acme), "artifactId": artifact, "name": "One", "target": {"all": True}}
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"target": {}}, "INVALID_INPUT", ["target"]),
        ({"target": {"thingIds": [thing_id(strange)]}}, "NOT_FOUND", ["target", "thingIds", "0"]),
        ({"artifactId": "artifact_" + "0" * 32}, "NOT_FOUND", ["artifactId"]),
        ({"artifactId": waiting}, "WRONG_STATE", ["artifactId"]),
        ({"organizationId": org_id(cast.north)}, "NOT_FOUND", ["artifactId"]),
        ({"name": ""}, "INVALID_INPUT", ["name"]),
        ({"priority": 0}, "INVALID_INPUT", ["priority"]),
        ({"retries": 101}, "INVALID_INPUT", ["retries"]),
    ]
    cases += [
        ({"signing": {}}, "INVALID_INPUT", ["signing"]),
        ({"signing": {"keyIds": ["signingkey_" + "0" * 32]}}, "NOT_FOUND", ["signing", "keyIds", "0"]),
        ({"signing": {"keyIds": [artifact]}}, "INVALID_INPUT", ["signing", "keyIds", "0"]),
        ({"signing": {"keyIds": [], "automatic": True}}, "INVALID_INPUT", ["signing"]),
        ({"approval": True, "force": True}, "INVALID_INPUT", ["force"]),
        ({"timeoutSeconds": -1}, "INVALID_INPUT", ["timeoutSeconds"]),
    ]
    for change, code, path in cases:
        assert await cast.error("editor", "createOtaJob", good | change) == (code, path), change
    assert await cast.count(OTA_JOB) == await cast.count(OTA_EXECUTION) == 0


OWN = (
    "subscription { otaExecutionChanged { status execution { job { force } artifact { id } } thing { id connected } } }"
)


async def test_a_forced_job_is_sent_to_who_is_connected(cast: Cast) -> None:
    """rainmaker.ota.job-force-push: a thing that listens is told at once, and others when they ask."""
    (away,) = await cast.add_things(1)
    artifact, _ = await upload(cast)
    given = {"organizationId": org_id(cast.acme), "artifactId": artifact, "name": "Now", "target": {"all": True}}
    async with cast.gateway.subscribe(OWN, token=await cast.token("thing")) as events:
        await cast.change("thing", "reportThingState", {"reported": {"on": True}})
        payload = await cast.change("editor", "createOtaJob", {**given, "force": True}, "otaJob { id force }")
        told = (await events.next())["otaExecutionChanged"]
    job = payload["otaJob"]["id"]
    assert payload["otaJob"]["force"] is True
    assert told == {
        "status": "TRIGGERED",
        "execution": {"job": {"force": True}, "artifact": {"id": artifact}},
        "thing": {"id": thing_id(cast.thing), "connected": True},
    }
    statuses = [await status_of(cast, await execution_of(cast, thing, job)) for thing in (cast.thing, away)]
    assert statuses == ["TRIGGERED", "PENDING"]
    plain = await cast.change("editor", "createOtaJob", given, "otaJob { force counts { triggered pending } }")
    assert plain["otaJob"] == {"force": False, "counts": {"triggered": 0, "pending": 2}}
    await assert_counts(cast)


async def test_an_archived_artifact_is_not_brought(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    async with cast.store.write() as session:
        await session.execute(update(ARTIFACT).values(archived_at=now()))
    given = {"organizationId": org_id(cast.acme), "artifactId": artifact, "name": "One", "target": {"all": True}}
    assert await cast.error("editor", "createOtaJob", given) == ("WRONG_STATE", ["artifactId"])
    assert await cast.count(OTA_JOB) == 0


async def test_a_thing_reached_twice_counts_once(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    mine = thing_id(cast.thing)
    target = {"thingIds": [mine, mine], "groupIds": [group_id(cast.group)]}
    given = {"organizationId": org_id(cast.acme), "artifactId": artifact, "name": "One", "target": target}
    rules = {"description": "Less noise.", "force": True, "signing": {"automatic": True}, "timeoutSeconds": 60}
    fields = "description force signing plannedCount target counts { total } status signingKeys { totalCount }"
    payload = await cast.change("editor", "createOtaJob", {**given, **rules}, f"otaJob {{ {fields} }}")
    assert payload["otaJob"] == {
        "description": "Less noise.",
        "force": True,
        "signing": "AUTOMATIC",
        "plannedCount": 1,
        "target": {"thingIds": [mine, mine], "thingCount": 2, "groupIds": [group_id(cast.group)]},
        "counts": {"total": 1},
        "status": "IN_PROGRESS",
        "signingKeys": {"totalCount": 0},
    }


async def test_who_may_not(cast: Cast) -> None:
    artifact, _ = await upload(cast)
    given = {"organizationId": org_id(cast.acme), "artifactId": artifact, "name": "One", "target": {"all": True}}
    await cast.refused("createOtaJob", given, refusals(viewer="FORBIDDEN"))
    assert await cast.count(OTA_JOB) == 0
