from __future__ import annotations

from typing import Any

from models.enums import EventKind
from models.tables import EVENT, OTA_EXECUTION, UPDATE_LOG_LINE
from tests.cast import Cast, thing_id
from tests.gateways import Gateway
from tests.ota import deploy, execution_of, start_job

FIELDS = "otaExecution { id status hasLog logLineCount logUploadedAt log { number occurredAt level message } }"
AT = "2026-01-31T12:00:00+02:00"


def line(message: str, **more: Any) -> dict[str, Any]:
    return {"occurredAt": AT, "level": "info", "message": message, **more}


async def send(cast: Cast, execution: str, *messages: str, replace: bool = False) -> Any:
    given = {"executionId": execution, "lines": [line(each) for each in messages], "replace": replace}
    return (await cast.change("thing", "appendUpdateLog", given, FIELDS))["otaExecution"]


async def test_lines_come_one_after_the_other(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    found = await send(cast, execution, "begun", "half")
    assert found["hasLog"] is True
    assert found["logUploadedAt"] is not None
    assert found["log"][0] == {
        "number": 1,
        "occurredAt": "2026-01-31T10:00:00.000000Z",
        "level": "info",
        "message": "begun",
    }
    found = await send(cast, execution, "done")
    assert [(each["number"], each["message"]) for each in found["log"]] == [(1, "begun"), (2, "half"), (3, "done")]
    assert found["logLineCount"] == 3


async def test_a_log_that_takes_the_place_of_the_other(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    await send(cast, execution, "one", "two")
    found = await send(cast, execution, "anew", replace=True)
    assert [(each["number"], each["message"]) for each in found["log"]] == [(1, "anew")]
    found = await send(cast, execution, replace=True)
    assert (found["log"], found["logLineCount"], found["hasLog"]) == ([], 0, True)


async def test_a_log_comes_and_stays_after_the_end(cast: Cast) -> None:
    deployment = await deploy(cast)
    execution = await execution_of(cast, cast.thing, deployment)
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "FAILURE"})
    found = await send(cast, execution, "what went wrong")
    assert (found["status"], found["hasLog"]) == ("FAILURE", True)
    listed = """query Listed($id: ID!) {
      deployment(id: $id) { status executions { nodes {
        thing { id } status substate createdAt finishedAt deviceType hasLog log { message }
      } } }
    }"""
    seen = (await cast.data("viewer", listed, {"id": deployment}))["deployment"]
    (row,) = seen["executions"]["nodes"]
    assert seen["status"] == "FINISHED"
    assert (row["thing"], row["hasLog"], row["log"]) == (
        {"id": thing_id(cast.thing)},
        True,
        [{"message": "what went wrong"}],
    )


async def test_watchers_are_told(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    before = await cast.count(EVENT, EVENT.c.kind == EventKind.OTA_EXECUTION_CHANGED)
    await send(cast, execution, "a")
    assert await cast.count(EVENT, EVENT.c.kind == EventKind.OTA_EXECUTION_CHANGED) == before + 1


async def test_what_is_refused_changes_nothing(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    await send(cast, execution, "kept")
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"lines": [line("a"), line("x" * 4097)]}, "INVALID_INPUT", ["lines", "1", "message"]),
        ({"lines": [line("a", level="l" * 33)]}, "INVALID_INPUT", ["lines", "0", "level"]),
        ({"executionId": thing_id(cast.thing)}, "INVALID_INPUT", ["executionId"]),
        ({"executionId": "otaexec_" + "0" * 32}, "NOT_FOUND", ["executionId"]),
    ]
    for change, code, path in cases:
        for replace in (False, True):
            given = {"executionId": execution, "lines": [line("b")], "replace": replace} | change
            assert await cast.error("thing", "appendUpdateLog", given) == (code, path), change
    rows = await cast.rows(UPDATE_LOG_LINE.select())
    assert [row.message for row in rows] == ["kept"]


async def test_a_log_of_a_hundred_megabytes_is_refused_before_it_is_read(cast: Cast, gateway: Gateway) -> None:
    await start_job(cast)
    headers = {
        "Content-Type": "application/json",
        "Authorization": str(await cast.token("thing")),
        "Content-Length": str(100 * 1024 * 1024),
    }
    answer = await gateway.request("POST", "/graphql", data=b"{", headers=headers)
    assert answer.status == 413
    assert await cast.count(UPDATE_LOG_LINE) == 0


async def test_who_may_not(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    job = await start_job(cast)
    given = {"executionId": await execution_of(cast, other, job), "lines": [line("a")]}
    codes = {"anonymous": "UNAUTHENTICATED", "thing": "NOT_FOUND", "outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    people = dict.fromkeys(("platform", "owner", "editor", "viewer"), "FORBIDDEN")
    await cast.refused("appendUpdateLog", given, codes | people)
    assert await cast.count(UPDATE_LOG_LINE) == 0
    assert await cast.count(OTA_EXECUTION, OTA_EXECUTION.c.log_uploaded_at.is_not(None)) == 0
