"""What follows for others when a job or deployment has ended or stopped: against the order of locks, not waiting.

Rows that somebody else holds are left to them: they come to the rows that are held here next, see how those stand by
then, and come here themselves. What nobody comes for is found by `services.leftovers`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update

from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_JOB
from services.count_shifts import DEPLOYMENT_COUNTS, JOB_COUNTS, OPEN_DEPLOYMENT, OPEN_JOB, active_of
from services.endings import Ended, end_batches, of_jobs
from services.execution_events import record
from services.unit_of_work import UnitOfWork
from sql.sets import member_of


async def pause_jobs(work: UnitOfWork, deployment_id: UUID, *, known: Collection[UUID] = ()) -> None:
    """Pause what goes on, or waits for its time, in a paused deployment; `known` jobs need no event of theirs."""
    goes_on = OTA_JOB.c.status.in_((OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS))
    free = await _take(work, OTA_JOB.c.deployment_id == deployment_id, goes_on)
    await _change(work, free, goes_on, {"status": OtaJobStatus.PAUSED, "paused_at": work.moment}, known=known)


async def close_jobs(work: UnitOfWork, condition: ColumnElement[bool]) -> Ended:
    """End what is open in jobs that are FINISHED, or whose deployment is: executions are ABORTED, jobs are FINISHED.

    The condition is about jobs; who calls this records the event of their deployment.
    """
    jobs = await _take(work, condition, OTA_JOB.c.status.in_(OPEN_JOB) | (active_of(OTA_JOB) > 0))
    ended = await end_batches(work, of_jobs(jobs), Status.ABORTED)
    await JOB_COUNTS.run(work, ended.jobs, begins=False, stops={})
    await DEPLOYMENT_COUNTS.run(work, ended.deployments, begins=False, stops={})
    changes = {"status": OtaJobStatus.FINISHED, "finished_at": work.moment, "paused_at": None}
    await _change(work, jobs, OTA_JOB.c.status.in_(OPEN_JOB), changes)
    return ended


async def finish_deployment(work: UnitOfWork, deployment_id: UUID) -> None:
    """Finish a deployment of which all phases have ended, also a dynamic one, which no count finishes."""
    row = DEPLOYMENT.c
    goes_on = exists().where(OTA_JOB.c.deployment_id == row.id, OTA_JOB.c.status.in_(OPEN_JOB))
    statement = (
        update(DEPLOYMENT)
        .where(row.id == deployment_id, row.status.in_(OPEN_DEPLOYMENT), active_of(DEPLOYMENT) == 0, ~goes_on)
        .values(status=DeploymentStatus.FINISHED, finished_at=work.moment, paused_at=None, updated_at=work.moment)
        .returning(row.organization_id)
    )
    for organization_id in (await work.session.execute(statement)).scalars().all():
        record(work, EventKind.DEPLOYMENT_CHANGED, organization_id, deployment_id)


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
