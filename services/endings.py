"""Ending open executions, and the jobs that they are in: set by set, never one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from models import OtaJobRow
from models.enums import EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_EXECUTION, OTA_JOB
from services.bulk import allow_time
from services.count_shifts import OPEN_JOB, is_active
from services.execution_events import record, record_changes, record_job
from services.unit_of_work import UnitOfWork
from sql.sets import member_of

BATCH: Final = 2_000
"""Executions in one statement."""


@dataclass(slots=True)
class Ended:
    """What has ended: how many, and what that does to the counts of their jobs and deployments."""

    number: int = 0
    organizations: dict[UUID, UUID] = field(default_factory=dict)
    jobs: dict[UUID, Counter[Status]] = field(default_factory=lambda: defaultdict(Counter))
    deployments: dict[UUID, Counter[Status]] = field(default_factory=lambda: defaultdict(Counter))

    def note(self, rows: Sequence[Any], landing: Status) -> None:
        """Count rows with `organization_id`, `job_id`, `deployment_id` and the `status` that they had."""
        self.number += len(rows)
        for row in rows:
            for counts, key in ((self.jobs, row.job_id), (self.deployments, row.deployment_id)):
                if key is not None:
                    counts[key][row.status] -= 1
                    counts[key][landing] += 1
                    self.organizations[key] = row.organization_id


_SEEN: Final = tuple(OTA_EXECUTION.c[name] for name in ("id", "organization_id", "job_id", "deployment_id", "status"))


def record_ended(work: UnitOfWork, ended: Ended) -> None:
    """Note that the counts of all the jobs and deployments have changed."""
    kinds = ((EventKind.OTA_JOB_CHANGED, ended.jobs), (EventKind.DEPLOYMENT_CHANGED, ended.deployments))
    for kind, counts in kinds:
        for key in counts:
            record(work, kind, ended.organizations[key], key)


def of_jobs(job_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """The condition that an execution is in one of the jobs."""
    return member_of(OTA_EXECUTION.c.job_id, job_ids)


async def end_executions(
    work: UnitOfWork, condition: ColumnElement[bool], landing: Status, sources: ColumnElement[bool] | None = None
) -> None:
    """Move every active execution that meets the condition, and has one of the `sources`, to `landing`; no counts.

    A report that came first is waited for and keeps its result; one that comes later finds an ended execution.
    """
    statement = (
        update(OTA_EXECUTION)
        .where(condition, is_active() if sources is None else sources)
        .values(_ending(work, landing))
    )
    await allow_time(work)
    await work.session.execute(statement)
    just_ended = (OTA_EXECUTION.c.status == landing) & (OTA_EXECUTION.c.finished_at == work.moment)
    await record_changes(work, condition & just_ended, (landing,))


async def end_batches(
    work: UnitOfWork, condition: ColumnElement[bool], landing: Status, *, most: int | None = None
) -> Ended:
    """End active executions that meet the condition and that nobody else holds, `most` of them; no counts.

    For those who hold locks of jobs already: nothing is waited for. Two statements and their events for each 2,000;
    the events come behind those that are recorded, because an execution may have moved in this transaction before.
    """
    ended, columns = Ended(), OTA_EXECUTION.c
    last: UUID | None = None
    await allow_time(work)
    while most is None or ended.number < most:
        size = BATCH if most is None else min(BATCH, most - ended.number)
        free = select(*_SEEN).where(condition, is_active())
        if last is not None:
            free = free.where(columns.id > last)
        locked = free.order_by(columns.id).limit(size).with_for_update(skip_locked=True, key_share=True)
        rows = (await work.session.execute(locked)).all()
        if not rows:
            break
        taken = member_of(columns.id, [row.id for row in rows])
        await work.session.execute(update(OTA_EXECUTION).where(taken).values(_ending(work, landing)))
        work.telling.append(partial(record_changes, work, taken, (landing,)))
        ended.note(rows, landing)
        last = rows[-1].id
    return ended


def _ending(work: UnitOfWork, landing: Status) -> dict[str, Any]:
    return {
        "status": landing,
        "finished_at": work.moment,
        "updated_at": work.moment,
        "version": OTA_EXECUTION.c.version + 1,
    }


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


def cancel_jobs(work: UnitOfWork, jobs: Sequence[OtaJobRow]) -> None:
    """Cancel the open ones of locked jobs; each has ended when no execution of it is active any more."""
    for job in jobs:
        if job.status not in OPEN_JOB:
            continue
        job.status = OtaJobStatus.CANCELLED
        job.cancelled_at = job.updated_at = work.moment
        job.paused_at = None
        job.version += 1
        record_job(work, job)
