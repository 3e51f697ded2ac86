"""Ending what is open in jobs at once: one statement for all their executions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update

from models import OtaJobRow
from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus
from models.tables import OTA_EXECUTION, OTA_JOB
from services.bulk import allow_time
from services.execution_counts import OPEN_JOB, add, ending, is_active
from services.execution_events import record_changes, record_job
from services.unit_of_work import UnitOfWork


async def end_executions(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Move every active execution that meets the condition to ABORTED.

    A report that came first is waited for and keeps its result; one that comes later finds an ended execution. Once
    the rows of the jobs are locked, their counts say exactly what was moved here, because every report moves them in
    the transaction that was waited for.
    """
    statement = (
        update(OTA_EXECUTION)
        .where(condition, is_active())
        .values(
            status=Status.ABORTED,
            finished_at=work.moment,
            updated_at=work.moment,
            version=OTA_EXECUTION.c.version + 1,
        )
    )
    await allow_time(work)
    await work.session.execute(statement)
    just_ended = (OTA_EXECUTION.c.status == Status.ABORTED, OTA_EXECUTION.c.finished_at == work.moment)
    await record_changes(work, condition & just_ended[0] & just_ended[1], (Status.ABORTED,))


async def lock_jobs(work: UnitOfWork, condition: ColumnElement[bool]) -> Sequence[OtaJobRow]:
    """Lock jobs in the order of their ids and load them as they are now."""
    statement = (
        select(OtaJobRow)
        .where(condition)
        .order_by(OTA_JOB.c.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await work.session.execute(statement)).scalars().all()


def end_jobs(work: UnitOfWork, jobs: Sequence[OtaJobRow]) -> Counter[Status]:
    """Cancel the open ones of locked jobs whose executions were just ended; returns what that does to the counts."""
    total: Counter[Status] = Counter()
    for job in jobs:
        if job.status not in OPEN_JOB:
            continue
        deltas = ending(job, Status.ABORTED)
        add(job, deltas)
        total.update(deltas)
        job.status = OtaJobStatus.CANCELLED
        job.finished_at = job.updated_at = work.moment
        job.version += 1
        record_job(work, job)
    return total
