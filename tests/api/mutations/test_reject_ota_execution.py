from __future__ import annotations

from models.tables import OTA_EXECUTION
from tests.cast import Cast
from tests.ota import assert_counts, execution_of, start_job, status_of

FIELDS = "otaExecution { status approvedAt approvedBy { id } finishedAt job { status counts { rejected } } }"


async def test_a_person_refuses(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast, approval=True))
    found = (await cast.change("editor", "rejectOtaExecution", {"id": execution}, FIELDS))["otaExecution"]
    assert (found["status"], found["approvedAt"], found["approvedBy"]) == ("REJECTED", None, None)
    assert found["finishedAt"] is not None
    assert found["job"] == {"status": "FINISHED", "counts": {"rejected": 1}}
    assert await cast.error("editor", "approveOtaExecution", {"id": execution}) == ("CONFLICT", ["id"])
    await assert_counts(cast)


async def test_what_waits_for_no_consent(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    assert await cast.error("editor", "rejectOtaExecution", {"id": execution}) == ("WRONG_STATE", ["id"])
    assert await status_of(cast, execution) == "PENDING"


async def test_who_may_not(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast, approval=True))
    codes = {"anonymous": "UNAUTHENTICATED", "thing": "FORBIDDEN", "viewer": "FORBIDDEN"}
    nobody = {"outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    await cast.refused("rejectOtaExecution", {"id": execution}, codes | nobody)
    assert await cast.count(OTA_EXECUTION, OTA_EXECUTION.c.finished_at.is_not(None)) == 0
