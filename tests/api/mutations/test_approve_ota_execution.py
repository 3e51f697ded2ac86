from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from models.columns import now
from models.tables import OTA_EXECUTION, OTA_JOB
from tests.cast import Cast, user_id
from tests.ota import assert_counts, deploy, execution_of, start_job, status_of
from tests.rows import key

FIELDS = "otaExecution { status approvedAt approvedBy { id } job { counts { awaitingApproval triggered } } }"


async def test_a_person_consents(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await deploy(cast, approval=True))
    assert await status_of(cast, execution) == "AWAITING_APPROVAL"
    found = (await cast.change("editor", "approveOtaExecution", {"id": execution}, FIELDS))["otaExecution"]
    assert (found["status"], found["approvedBy"]) == ("TRIGGERED", {"id": user_id(cast.people["editor"])})
    assert found["approvedAt"] is not None
    assert found["job"]["counts"] == {"awaitingApproval": 0, "triggered": 1}
    await assert_counts(cast)


async def test_what_waits_for_no_consent(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast))
    assert await cast.error("editor", "approveOtaExecution", {"id": execution}) == ("WRONG_STATE", ["id"])
    assert await status_of(cast, execution) == "PENDING"
    await cast.change("thing", "reportOtaExecution", {"executionId": execution, "status": "SUCCESS"})
    assert await cast.error("editor", "approveOtaExecution", {"id": execution}) == ("CONFLICT", ["id"])


async def test_not_twice(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast, approval=True))
    await cast.change("editor", "approveOtaExecution", {"id": execution})
    for again in ("approveOtaExecution", "rejectOtaExecution"):
        assert await cast.error("editor", again, {"id": execution}) == ("WRONG_STATE", ["id"])
    assert await status_of(cast, execution) == "TRIGGERED"


@pytest.mark.parametrize("closed", [{"status": "SCHEDULED"}, {"status": "CANCELLED"}, {"expires_at": True}])
async def test_a_job_that_is_not_open(cast: Cast, closed: dict[str, object]) -> None:
    job = await start_job(cast, approval=True)
    execution = await execution_of(cast, cast.thing, job)
    values = {"expires_at": now() - timedelta(seconds=1)} if "expires_at" in closed else closed
    async with cast.store.write() as session:
        await session.execute(update(OTA_JOB).where(OTA_JOB.c.id == key(job)).values(**values))
    assert await cast.error("editor", "approveOtaExecution", {"id": execution}) == ("WRONG_STATE", ["id"])
    assert await status_of(cast, execution) == "AWAITING_APPROVAL"


async def test_ids_that_are_none(cast: Cast) -> None:
    assert await cast.error("editor", "approveOtaExecution", {"id": "otaexec_x"}) == ("INVALID_INPUT", ["id"])
    assert await cast.error("editor", "approveOtaExecution", {"id": "otaexec_" + "0" * 32}) == ("NOT_FOUND", ["id"])


async def test_who_may_not(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast, approval=True))
    codes = {"anonymous": "UNAUTHENTICATED", "thing": "FORBIDDEN", "viewer": "FORBIDDEN"}
    nobody = {"outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    await cast.refused("approveOtaExecution", {"id": execution}, codes | nobody)
    assert await cast.count(OTA_EXECUTION, OTA_EXECUTION.c.approved_at.is_not(None)) == 0
    assert await status_of(cast, execution) == "AWAITING_APPROVAL"
