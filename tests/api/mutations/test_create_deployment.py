from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gateway import PARTS
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from resolvers.ota_targets import compile_target
from services.joins import JoinDuty
from tests.cast import Cast, group_id, org_id, refusals, thing_id, user_id
from tests.ota import assert_counts, declare, deploy, execution_of, status_of, upload

FIELDS = """deployment {
  name description status target priority retries counts { total pending noArtifact }
  organization { id } release { id } createdBy { id }
  jobs { nodes { phase status priority retries counts { total pending noArtifact } executions { totalCount } } }
  executions { nodes { status progress attempts thing { id } artifact { id } } }
}"""


async def name_type(cast: Cast, thing: UUID, kind: str) -> None:
    """Have a thing say what it is."""
    attribute = {"scope": "INVENTORY", "name": "device_type", "value": kind}
    await cast.change("editor", "updateThings", {"things": [{"id": thing_id(thing), "attributes": [attribute]}]})


async def test_one_execution_for_each_thing(cast: Cast) -> None:
    artifact, release = await upload(cast)
    given = {
        "organizationId": org_id(cast.acme),
        "releaseId": release,
        "name": "June",
        "description": "Quieter.",
        "target": {"thingIds": [thing_id(cast.thing)]},
        "priority": 2,
        "retries": 3,
    }
    payload = await cast.change("editor", "createDeployment", given, FIELDS)
    counts = {"total": 1, "pending": 1, "noArtifact": 0}
    assert payload["deployment"] == {
        "name": "June",
        "description": "Quieter.",
        "status": "PENDING",
        "target": {"thingIds": [thing_id(cast.thing)], "thingCount": 1},
        "priority": 2,
        "retries": 3,
        "counts": counts,
        "organization": {"id": org_id(cast.acme)},
        "release": {"id": release},
        "createdBy": {"id": user_id(cast.people["editor"])},
        "jobs": {
            "nodes": [
                {
                    "phase": 1,
                    "status": "IN_PROGRESS",
                    "priority": 2,
                    "retries": 3,
                    "counts": counts,
                    "executions": {"totalCount": 1},
                }
            ]
        },
        "executions": {
            "nodes": [
                {
                    "status": "PENDING",
                    "progress": 0,
                    "attempts": 0,
                    "thing": {"id": thing_id(cast.thing)},
                    "artifact": {"id": artifact},
                }
            ]
        },
    }
    await assert_counts(cast)


async def test_artifacts_are_picked_by_device_type(cast: Cast) -> None:
    """The inventory attribute `device_type` counts; without it, the thing's type in the fleet."""
    red, plain, blue = await cast.add_things(3)
    for thing, kind in ((red, "red"), (blue, "blue")):
        await name_type(cast, thing, kind)
    for_red, release = await upload(cast, compatibleTypes=["red"])
    for_devices, _ = await upload(cast, compatibleTypes=["DEVICE"])
    target = {"thingIds": [thing_id(key) for key in (red, plain, blue)]}
    deployment = await deploy(cast, releaseId=release, target=target)
    query = """query ($id: ID!) { deployment(id: $id) {
      counts { pending noArtifact } executions { nodes { status finishedAt thing { id } artifact { id } } }
    } }"""
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    assert found["counts"] == {"pending": 2, "noArtifact": 1}
    by_thing = {node["thing"]["id"]: node for node in found["executions"]["nodes"]}
    assert by_thing[thing_id(red)]["artifact"] == {"id": for_red}
    assert by_thing[thing_id(plain)]["artifact"] == {"id": for_devices}
    assert by_thing[thing_id(blue)]["artifact"] is None
    assert by_thing[thing_id(blue)]["status"] == "NO_ARTIFACT"
    assert by_thing[thing_id(blue)]["finishedAt"] is not None


async def test_nothing_fits_is_finished_at_once(cast: Cast) -> None:
    await name_type(cast, cast.thing, "red")
    _, release = await upload(cast, compatibleTypes=["unheard of"])
    deployment = await deploy(cast, releaseId=release)
    query = "query ($id: ID!) { deployment(id: $id) { status jobs { nodes { status } } } }"
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    assert found == {"status": "FINISHED", "jobs": {"nodes": [{"status": "FINISHED"}]}}


async def test_kinds_of_targets(cast: Cast) -> None:
    """Groups bring the things of groups below them; filters and `all` stay inside the organization."""
    guest, *_ = await cast.add_things(2)
    await cast.add_things(1, organization=cast.other)
    above = {"organizationId": org_id(cast.acme), "name": "Site"}
    site = (await cast.change("editor", "createGroup", above, "group { id }"))["group"]["id"]
    await cast.change("editor", "moveGroup", {"id": group_id(cast.group), "parentId": site})
    _, release = await upload(cast)
    named = {"filter": {"name": {"eq": "Pump"}, "or": [{"type": ["DEVICE"]}, {"tag": {"eq": "x"}}]}}
    cases: list[tuple[dict[str, Any], int, dict[str, Any]]] = [
        ({"all": True}, 3, {"all": True}),
        ({"groupIds": [site]}, 1, {"groupIds": [site]}),
        (
            {"groupIds": [site], "thingIds": [thing_id(guest), thing_id(cast.thing)]},
            2,
            {"groupIds": [site], "thingIds": [thing_id(guest), thing_id(cast.thing)], "thingCount": 2},
        ),
        (named, 1, named),
    ]
    for target, things, document in cases:
        deployment = await deploy(cast, releaseId=release, target=target)
        query = "query ($id: ID!) { deployment(id: $id) { counts { total } target } }"
        found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
        assert found == {"counts": {"total": things}, "target": document}


async def test_a_later_start(cast: Cast) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    deployment = await deploy(cast, startsAt=tomorrow)
    query = "query ($id: ID!) { deployment(id: $id) { status jobs { nodes { status } } } }"
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    assert found == {"status": "SCHEDULED", "jobs": {"nodes": [{"status": "SCHEDULED"}]}}
    execution = await execution_of(cast, cast.thing, deployment)
    early = {"executionId": execution, "status": "DOWNLOADING"}
    assert await cast.error("thing", "reportOtaExecution", early) == ("WRONG_STATE", ["executionId"])
    assert await status_of(cast, execution) == "PENDING"


RULES = """deployment {
  approval notify shareFile force dynamic maxThings timeoutSeconds windowStart windowEnd stopFailures stopPercent
  stopMinimum metadata startsAt expiresAt initialThingCount
  jobs { nodes { phase phasePercent phaseCount afterSuccessPercent plannedCount startsAt status approval metadata } }
}"""


async def test_rules_and_phases(cast: Cast) -> None:
    await cast.add_things(9)
    _, release = await upload(cast)
    tomorrow = "2126-01-01T00:00:00.000000Z"
    given = {
        "organizationId": org_id(cast.acme),
        "releaseId": release,
        "name": "June",
        "target": {"all": True},
        "approval": True,
        "notify": True,
        "shareFile": True,
        "timeoutSeconds": 3600,
        "window": {"start": 1380, "end": 120},
        "stop": {"failures": 3, "percent": 20, "minimum": 4},
        "metadata": {"validity": {"start": 1, "end": 2}, "anything": ["x", None]},
        "phases": [{"percent": 20}, {"count": 5, "startsAt": tomorrow}, {"afterSuccessPercent": 95}],
    }
    made = (await cast.change("editor", "createDeployment", given, RULES))["deployment"]
    jobs = made.pop("jobs")["nodes"]
    starts_at, now = made.pop("startsAt"), jobs[0]["startsAt"]
    assert starts_at == now
    assert made == {
        "approval": True,
        "notify": True,
        "shareFile": True,
        "force": False,
        "dynamic": False,
        "maxThings": None,
        "timeoutSeconds": 3600,
        "windowStart": 1380,
        "windowEnd": 120,
        "stopFailures": 3,
        "stopPercent": 20,
        "stopMinimum": 4,
        "metadata": given["metadata"],
        "expiresAt": None,
        "initialThingCount": 10,
    }
    rules = {"approval": True, "metadata": given["metadata"]}
    sizes = {"phasePercent": None, "phaseCount": None, "afterSuccessPercent": None}
    assert sorted(jobs, key=lambda job: int(job["phase"])) == [
        {"phase": 1, **sizes, "phasePercent": 20, "plannedCount": 2, "startsAt": now, "status": "IN_PROGRESS", **rules},
        {"phase": 2, **sizes, "phaseCount": 5, "plannedCount": 5, "startsAt": tomorrow, "status": "SCHEDULED", **rules},
        {
            "phase": 3,
            **sizes,
            "afterSuccessPercent": 95,
            "plannedCount": 3,
            "startsAt": tomorrow,
            "status": "SCHEDULED",
            **rules,
        },
    ]
    statuses = {row.status.value for row in await cast.rows(OTA_EXECUTION.select())}
    assert statuses == {"AWAITING_APPROVAL"}
    await assert_counts(cast)


async def test_a_dynamic_one_is_joined_by_what_comes_to_meet_its_filter(cast: Cast) -> None:
    """Its stored target is read back, whatever the filter says."""
    _, release = await upload(cast)
    wanted = {
        "and": [{"type": ["DEVICE"]}, {"not": {"tag": {"eq": "old"}}}],
        "attribute": {"scope": "INVENTORY", "name": "fw", "text": {"in": ["1.0", "1.1"]}},
        "createdAt": {"gt": "2020-01-01T00:00:00Z"},
        "connected": False,
    }
    rules = {"dynamic": True, "maxThings": 100}
    deployment = await deploy(cast, releaseId=release, target={"filter": wanted}, **rules)
    duty = JoinDuty(cast.store, cast.gateway.application[PARTS].tail.wake, compile_target)
    assert await duty.run() == 0
    good, old, unlike, away = await cast.add_things(4)
    await cast.add_things(1, organization=cast.other)
    for thing, version, tags in ((good, "1.0", []), (old, "1.1", ["old"]), (unlike, "2.0", [])):
        attribute = {"scope": "INVENTORY", "name": "fw", "value": version}
        patch = {"id": thing_id(thing), "attributes": [attribute], "tags": tags}
        await cast.change("editor", "updateThings", {"things": [patch]})
    assert away not in {good, old, unlike}
    assert await duty.run() == 1
    assert await duty.run() == 0
    query = """query ($id: ID!) { deployment(id: $id) {
      dynamic maxThings initialThingCount status target executions { nodes { thing { id } } }
    } }"""
    found = (await cast.data("viewer", query, {"id": deployment}))["deployment"]
    stored = {**wanted, "createdAt": {"gt": "2020-01-01T00:00:00.000000Z"}}
    assert found == {
        "dynamic": True,
        "maxThings": 100,
        "initialThingCount": 0,
        "status": "PENDING",
        "target": {"filter": stored},
        "executions": {"nodes": [{"thing": {"id": thing_id(good)}}]},
    }
    await assert_counts(cast)


async def test_bad_input_makes_nothing(cast: Cast) -> None:
    _, release = await upload(cast)
    empty = (await declare(cast, releaseName="2.0"))["artifact"]["release"]["id"]
    (strange,) = await cast.add_things(1, organization=cast.other)
    mine = thing_id(cast.thing)
    good = {"organizationId": org_id(cast.acme), "releaseId": release, "name": "June", "target": {"all": True}}
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"target": {}}, "INVALID_INPUT", ["target"]),
        ({"target": {"thingIds": []}}, "INVALID_INPUT", ["target"]),
        ({"target": {"thingIds": [mine], "all": True}}, "INVALID_INPUT", ["target"]),
        ({"target": {"filter": {"name": {"eq": "nobody"}}}}, "INVALID_INPUT", ["target"]),
        ({"target": {"thingIds": [mine, thing_id(strange)]}}, "NOT_FOUND", ["target", "thingIds", "1"]),
        ({"target": {"thingIds": [org_id(cast.acme)]}}, "INVALID_INPUT", ["target", "thingIds", "0"]),
        ({"target": {"groupIds": ["group_" + "0" * 32]}}, "NOT_FOUND", ["target", "groupIds", "0"]),
        ({"releaseId": "release_" + "0" * 32}, "NOT_FOUND", ["releaseId"]),
        ({"releaseId": empty}, "WRONG_STATE", ["releaseId"]),
        ({"organizationId": org_id(cast.north)}, "NOT_FOUND", ["releaseId"]),
        ({"organizationId": org_id(cast.other)}, "NOT_FOUND", ["organizationId"]),
        ({"name": " "}, "INVALID_INPUT", ["name"]),
        ({"priority": 11}, "INVALID_INPUT", ["priority"]),
        ({"retries": -1}, "INVALID_INPUT", ["retries"]),
        ({"approval": True, "force": True}, "INVALID_INPUT", ["force"]),
        ({"notify": True}, "INVALID_INPUT", ["notify"]),
        ({"shareFile": True}, "INVALID_INPUT", ["shareFile"]),
        ({"maxThings": 3}, "INVALID_INPUT", ["maxThings"]),
        ({"dynamic": True, "maxThings": 0}, "INVALID_INPUT", ["maxThings"]),
        ({"dynamic": True, "target": {"thingIds": [mine]}}, "INVALID_INPUT", ["dynamic"]),
        ({"timeoutSeconds": 0}, "INVALID_INPUT", ["timeoutSeconds"]),
        ({"window": {"start": 0, "end": 1441}}, "INVALID_INPUT", ["window", "end"]),
        ({"stop": {"percent": 101}}, "INVALID_INPUT", ["stop", "percent"]),
        ({"stop": {}}, "INVALID_INPUT", ["stop"]),
        ({"metadata": [1]}, "INVALID_INPUT", ["metadata"]),
        ({"phases": []}, "INVALID_INPUT", ["phases"]),
        ({"phases": [{"percent": 50}]}, "INVALID_INPUT", ["phases", "0"]),
        ({"phases": [{"percent": 60}, {"percent": 41, "afterSuccessPercent": 1}]}, "INVALID_INPUT", ["phases"]),
        ({"phases": [{}] * 101}, "LIMIT_REACHED", ["phases"]),
    ]
    for change, code, path in cases:
        assert await cast.error("editor", "createDeployment", good | change) == (code, path), change
    for table in (DEPLOYMENT, OTA_JOB, OTA_EXECUTION):
        assert await cast.count(table) == 0


async def test_who_may_not(cast: Cast) -> None:
    _, release = await upload(cast)
    given = {"organizationId": org_id(cast.acme), "releaseId": release, "name": "June", "target": {"all": True}}
    await cast.refused("createDeployment", given, refusals(viewer="FORBIDDEN"))
    assert await cast.count(DEPLOYMENT) == 0
