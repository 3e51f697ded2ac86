from __future__ import annotations

from io import BytesIO
from typing import Any

from models.enums import EventKind
from models.tables import EVENT, OTA_EXECUTION
from tests.cast import Cast, thing_id
from tests.gateways import Gateway
from tests.ota import assert_counts, deploy, execution_of, start_job, status_of
from tests.rows import key

FIELDS = """otaExecution {
  status substate progress attempts startedAt finishedAt thing { id }
  job { status counts { pending downloading success failure } } deployment { status counts { success } }
}"""


async def test_a_thing_from_start_to_end(cast: Cast) -> None:
    deployment = await deploy(cast)
    execution = await execution_of(cast, cast.thing, deployment)

    async def report(status: str, **more: Any) -> dict[str, Any]:
        given = {"executionId": execution, "status": status, **more}
        payload = await cast.change("thing", "reportOtaExecution", given, FIELDS)
        found: dict[str, Any] = payload["otaExecution"]
        return found

    found = await report("DOWNLOADING", substate="half of it", progress=50, expectedStatus="PENDING")
    assert (found["status"], found["substate"], found["progress"]) == ("DOWNLOADING", "half of it", 50)
    assert found["thing"] == {"id": thing_id(cast.thing)}
    assert found["startedAt"] is not None
    assert found["job"]["counts"] == {"pending": 0, "downloading": 1, "success": 0, "failure": 0}
    assert found["deployment"]["status"] == "IN_PROGRESS"
    await report("REBOOTING")
    found = await report("SUCCESS")
    assert (found["status"], found["progress"], found["substate"]) == ("SUCCESS", 100, "")
    assert found["finishedAt"] is not None
    assert found["job"] == {
        "status": "FINISHED",
        "counts": {"pending": 0, "downloading": 0, "success": 1, "failure": 0},
    }
    assert found["deployment"] == {"status": "FINISHED", "counts": {"success": 1}}
    assert await report("SUCCESS") == found
    await assert_counts(cast)
    said = [row.detail for row in await cast.rows(EVENT.select()) if row.kind is EventKind.OTA_EXECUTION_CHANGED]
    assert [each["status"] for each in said] == ["PENDING", "DOWNLOADING", "REBOOTING", "SUCCESS"]


async def test_retries(cast: Cast) -> None:
    job = await start_job(cast, retries=1)
    execution = await execution_of(cast, cast.thing, job)
    failed = {"executionId": execution, "status": "FAILURE", "substate": "bad block"}
    found = (await cast.change("thing", "reportOtaExecution", failed, FIELDS))["otaExecution"]
    assert (found["status"], found["attempts"], found["substate"]) == ("PENDING", 1, "bad block")
    assert found["finishedAt"] is None
    assert (await cast.change("thing", "reportOtaExecution", failed, FIELDS))["otaExecution"] == found
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "STARTED"})
    found = (await cast.change("thing", "reportOtaExecution", failed, FIELDS))["otaExecution"]
    assert (found["status"], found["attempts"], found["job"]["status"]) == ("FAILURE", 2, "FINISHED")
    await assert_counts(cast)


async def test_a_person_reports_in_the_stead_of_a_thing(cast: Cast) -> None:
    job = await start_job(cast)
    execution = await execution_of(cast, cast.thing, job)
    payload = await cast.change("editor", "reportOtaExecution", {"executionId": execution, "status": "ABORTED"}, FIELDS)
    assert payload["otaExecution"]["status"] == "ABORTED"
    assert payload["otaExecution"]["deployment"] is None
    await assert_counts(cast)


async def test_what_is_refused_changes_nothing(cast: Cast) -> None:
    job = await start_job(cast)
    execution = await execution_of(cast, cast.thing, job)
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"status": "ABORTED"}, "FORBIDDEN", ["status"]),
        ({"status": "PENDING"}, "FORBIDDEN", ["status"]),
        ({"status": "NO_ARTIFACT"}, "FORBIDDEN", ["status"]),
        ({"status": "DECOMMISSIONED"}, "FORBIDDEN", ["status"]),
        ({"expectedStatus": "DOWNLOADING"}, "CONFLICT", ["expectedStatus"]),
        ({"progress": 101}, "INVALID_INPUT", ["progress"]),
        ({"substate": "x" * 1025}, "INVALID_INPUT", ["substate"]),
        ({"executionId": thing_id(cast.thing)}, "INVALID_INPUT", ["executionId"]),
        ({"executionId": "otaexec_" + "0" * 32}, "NOT_FOUND", ["executionId"]),
    ]
    for change, code, path in cases:
        given = {"executionId": execution, "status": "INSTALLING"} | change
        assert await cast.error("thing", "reportOtaExecution", given) == (code, path), change
    assert await cast.value(OTA_EXECUTION.c.version, OTA_EXECUTION.c.id == key(execution)) == 1


async def test_who_may_not(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    job = await start_job(cast)
    execution = await execution_of(cast, other, job)
    report = {"executionId": execution, "status": "SUCCESS"}
    codes = {"anonymous": "UNAUTHENTICATED", "viewer": "FORBIDDEN", "outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    await cast.refused("reportOtaExecution", report, codes | {"thing": "NOT_FOUND"})
    assert await status_of(cast, execution) == "PENDING"


async def test_reports_that_come_again(cast: Cast) -> None:
    """An earlier step is taken for a step back, as long as the update is open; after the end nothing is."""
    execution = await execution_of(cast, cast.thing, await start_job(cast))

    async def report(status: str, **more: Any) -> str:
        given = {"executionId": execution, "status": status, **more}
        payload = await cast.change("thing", "reportOtaExecution", given, "otaExecution { status }")
        return str(payload["otaExecution"]["status"])

    assert [await report(status) for status in ("DOWNLOADING", "REBOOTING", "DOWNLOADING")][-1] == "DOWNLOADING"
    stale = {"executionId": execution, "status": "REBOOTING", "expectedStatus": "INSTALLING"}
    assert await cast.error("thing", "reportOtaExecution", stale) == ("CONFLICT", ["expectedStatus"])
    assert await report("SUCCESS") == "SUCCESS"
    before = await cast.rows(OTA_EXECUTION.select())
    late = {"executionId": execution, "status": "DOWNLOADING"}
    assert await cast.error("thing", "reportOtaExecution", late) == ("CONFLICT", ["status"])
    assert await cast.rows(OTA_EXECUTION.select()) == before
    await assert_counts(cast)


async def test_what_is_no_status_and_what_is_too_much(cast: Cast, gateway: Gateway) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    before = await cast.rows(OTA_EXECUTION.select())
    document = "mutation Report($input: ReportOtaExecutionInput!) { reportOtaExecution(input: $input) { __typename } }"
    unknown = {"input": {"executionId": execution, "status": "EXPLODED"}}
    answer = await gateway.graphql(document, unknown, token=await cast.token("thing"))
    assert answer.codes == ["BAD_USER_INPUT"]
    body = BytesIO(b'{"query": "' + document.encode() + b'", "variables": {"x": "' + b"x" * 5_000_000 + b'"}}')
    headers = {"Content-Type": "application/json", "Authorization": str(await cast.token("thing"))}
    refused = await gateway.request("POST", "/graphql", data=body, headers=headers)
    assert refused.status == 413
    assert await cast.rows(OTA_EXECUTION.select()) == before
