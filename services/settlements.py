"""What follows for others when a job or deployment has ended or stopped: against the order of locks, not waiting.

Rows that somebody else holds are left to them: they come to the rows that are held here next, see how those stand by
then, and come here themselves. What nobody comes for is found by `services.leftovers`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from models.enums import EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_JOB
from services.count_shifts import DEPLOYMENT_COUNTS, JOB_COUNTS, OPEN_JOB, Standing, active_of
from services.endings import end_batches, of_jobs
from services.execution_events import record
from services.unit_of_work import UnitOfWork
from sql.sets import member_of


async def pause_jobs(work: UnitOfWork, deployment_id: UUID, *, known: Collection[UUID] = ()) -> None:
    """Pause what goes on, or waits for its time, in a paused deployment; `known` jobs need no event of theirs."""
    goes_on = OTA_JOB.c.status.in_((OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS))
    free = await _take(work, OTA_JOB.c.deployment_id == deployment_id, goes_on)
    await _change(work, free, goes_on, {"status": OtaJobStatus.PAUSED, "paused_at": work.moment}, known=known)


async def close_deployment(work: UnitOfWork, deployment: Standing) -> None:
    """End what is open in a deployment that is FINISHED: executions are ABORTED, jobs are FINISHED."""
    mine = OTA_JOB.c.deployment_id == deployment.id
    free = await _take(work, mine, OTA_JOB.c.status.in_(OPEN_JOB) | (active_of(OTA_JOB) > 0))
    await _close(work, free)


async def close_job(work: UnitOfWork, job: Standing) -> None:
    """End what is open in a job that is FINISHED."""
    await _close(work, await _take(work, OTA_JOB.c.id == job.id))


async def _close(work: UnitOfWork, jobs: list[UUID]) -> None:
    ended = await end_batches(work, of_jobs(jobs), Status.ABORTED)
    await JOB_COUNTS.run(work, ended.jobs, begins=False, stops={})
    await DEPLOYMENT_COUNTS.run(work, ended.deployments, begins=False, stops={})
    changes = {"status": OtaJobStatus.FINISHED, "finished_at": work.moment, "paused_at": None}
    await _change(work, jobs, OTA_JOB.c.status.in_(OPEN_JOB), changes)


async def _take(work: UnitOfWork, *conditions: ColumnElement[bool]) -> list[UUID]:
    """Lock those of the jobs that nobody else holds."""
    free = select(OTA_JOB.c.id).where(*conditions).with_for_update(skip_locked=True, key_share=True)
    return list((await work.session.execute(free)).scalars())


async def _change(
    work: UnitOfWork,
    jobs: list[UUID],
    condition: ColumnElement[bool],
    changes: dict[str, Any],
    *,
    known: Collection[UUID] = (),
) -> None:
    if not jobs:
        return
    statement = (
        update(OTA_JOB)
        .where(member_of(OTA_JOB.c.id, jobs), condition)
        .values(**changes, updated_at=work.moment, version=OTA_JOB.c.version + 1)
        .returning(OTA_JOB.c.organization_id, OTA_JOB.c.id)
    )
    for organization_id, key in (await work.session.execute(statement)).all():
        if key not in known:
            record(work, EventKind.OTA_JOB_CHANGED, organization_id, key)
