"""What `createDeployment` would do, asked before."""

from __future__ import annotations

from typing import Any

from models.tables import DEPLOYMENT, EVENT, OTA_EXECUTION, OTA_JOB
from tests.cast import Cast, org_id, thing_id
from tests.ota import deploy, upload

PREVIEW = """query ($input: DeploymentPreviewInput!) { deploymentPreview(input: $input) {
  thingCount artifacts { artifact { id } count } leftOut { reason count } phases
} }"""


async def test_what_would_be_and_then_is(cast: Cast) -> None:
    red, blue, plain = await cast.add_things(3)
    for thing, kind in ((red, "red"), (blue, "blue")):
        attribute = {"scope": "INVENTORY", "name": "device_type", "value": kind}
        await cast.change("editor", "updateThings", {"things": [{"id": thing_id(thing), "attributes": [attribute]}]})
    artifact, release = await upload(cast, compatibleTypes=["red"])
    phases = [{"count": 1}, {"percent": 50, "afterSuccessPercent": 90}]
    given = {"organizationId": org_id(cast.acme), "releaseId": release, "target": {"all": True}, "phases": phases}
    events = await cast.count(EVENT)
    seen = (await cast.data("editor", PREVIEW, {"input": given}))["deploymentPreview"]
    assert seen["thingCount"] == 4
    assert seen["phases"] == [1, 2]
    assert sum(each["count"] for each in seen["artifacts"] + seen["leftOut"]) == 4
    assert {"reason": "NO_PHASE", "count": 1} in seen["leftOut"]
    for table in (DEPLOYMENT, OTA_JOB, OTA_EXECUTION):
        assert await cast.count(table) == 0
    assert await cast.count(EVENT) == events
    whole = (await cast.data("editor", PREVIEW, {"input": {**given, "phases": None}}))["deploymentPreview"]
    assert whole == {
        "thingCount": 4,
        "artifacts": [{"artifact": None, "count": 2}, {"artifact": {"id": artifact}, "count": 1}],
        "leftOut": [{"reason": "NO_ARTIFACT_FOR_TYPE", "count": 1}],
        "phases": [4],
    }
    await deploy(cast, releaseId=release)
    made = {row.thing_id: row for row in await cast.rows(OTA_EXECUTION.select())}
    assert [made[thing].artifact_id is None for thing in (red, blue, plain, cast.thing)] == [False, True, True, True]
    assert [thing for thing, row in made.items() if row.status.value == "NO_ARTIFACT"] == [blue]


async def test_what_creation_would_refuse(cast: Cast) -> None:
    _, release = await upload(cast)
    good: dict[str, Any] = {"organizationId": org_id(cast.acme), "releaseId": release, "target": {"all": True}}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("editor", {"target": {}}, "INVALID_INPUT"),
        ("editor", {"phases": []}, "INVALID_INPUT"),
        ("editor", {"phases": [{"percent": 5}]}, "INVALID_INPUT"),
        ("editor", {"releaseId": "release_" + "0" * 32}, "NOT_FOUND"),
        ("editor", {"organizationId": "org_" + "0" * 32}, "NOT_FOUND"),
        ("outsider", {}, "NOT_FOUND"),
        ("viewer", {}, "FORBIDDEN"),
        ("thing", {}, "FORBIDDEN"),
        ("anonymous", {}, "UNAUTHENTICATED"),
    ]
    for caller, change, code in cases:
        token = await cast.token(caller)
        answer = await cast.gateway.graphql(PREVIEW, {"input": {**good, **change}}, token=token)
        assert answer.codes == [code], (caller, change)
