"""Starting OTA jobs whose time has come, each once, whichever process looks first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, case, exists, or_, select, update

from models.columns import now
from models.counts import count_column
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.store import Store
from models.tables import DEPLOYMENT, OTA_JOB
from services.access import ANONYMOUS
from services.count_shifts import active_of
from services.duties import do_each
from services.execution_events import record
from services.execution_moves import ENDED
from services.unit_of_work import UnitOfWork, unit_of_work

Begin = Callable[[UnitOfWork, UUID], Awaitable[None]]
"""What the start of a job means for its things, in the same transaction."""

JOBS: Final = 100
"""In one look."""
_WAITS: Final = (OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS)
_STOPPED: Final = (DeploymentStatus.PAUSED, DeploymentStatus.FINISHED)


class JobStarts:
    """The duty that starts jobs: a job has started when `begun_at` is set, which one transaction can do only once."""

    name = "start of OTA jobs"

    def __init__(
        self, store: Store, committed: Callable[[], None], begin: Begin, clock: Callable[[], datetime] = now
    ) -> None:
        """`committed` is called after each commit that left events."""
        self._store = store
        self._committed = committed
        self._begin = begin
        self._clock = clock

    async def run(self) -> int:
        """Start all that is due, each job in a transaction of its own; without any, nothing is written."""
        begun = await do_each(await self._find(_due), self._start)
        if await self._find(_held):
            async with self._work() as work:
                await _tell_held(work)
        return begun

    async def _find(self, condition: Callable[[FromClause, FromClause, datetime], ColumnElement[bool]]) -> list[UUID]:
        job, before = OTA_JOB.alias("waiting"), OTA_JOB.alias("before")
        first = select(job.c.id).where(condition(job, before, self._clock())).order_by(job.c.starts_at, job.c.id)
        async with self._store.read() as connection:
            return list((await connection.execute(first.limit(JOBS))).scalars())

    async def _start(self, job_id: UUID) -> int:
        async with self._work() as work:
            return int(await self._claim(work, job_id))

    async def _claim(self, work: UnitOfWork, job_id: UUID) -> bool:
        """Start a job unless another process has done it, or is doing it, since it was found."""
        job, before = OTA_JOB.alias("waiting"), OTA_JOB.alias("before")
        free = (
            select(job.c.id)
            .where(job.c.id == job_id, _due(job, before, work.moment))
            .with_for_update(of=job, skip_locked=True, key_share=True)
            .scalar_subquery()
        )
        claim = (
            update(OTA_JOB)
            .where(OTA_JOB.c.id == free)
            .values(status=OtaJobStatus.IN_PROGRESS, begun_at=work.moment, stop_reason="", updated_at=work.moment)
            .returning(OTA_JOB.c.organization_id, OTA_JOB.c.deployment_id)
        )
        begun = (await work.session.execute(claim)).one_or_none()
        if begun is None:
            return False
        record(work, EventKind.OTA_JOB_CHANGED, begun.organization_id, job_id, started=True)
        await self._begin(work, job_id)
        if begun.deployment_id is not None:
            await _begin_deployment(work, begun.deployment_id)
        return True

    def _work(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return unit_of_work(self._store, ANONYMOUS, self._committed, self._clock)


def _due(job: FromClause, before: FromClause, moment: datetime) -> ColumnElement[bool]:
    stopped = exists().where(DEPLOYMENT.c.id == job.c.deployment_id, DEPLOYMENT.c.status.in_(_STOPPED))
    return and_(
        _waits(job, moment), ~stopped, or_(job.c.after_success_percent.is_(None), _gate(job, before, opens=True))
    )


def _held(job: FromClause, before: FromClause, moment: datetime) -> ColumnElement[bool]:
    """Its time has come, the phase before has ended, and too little of that has succeeded; nobody was told yet."""
    return and_(_waits(job, moment), job.c.stop_reason == "", _gate(job, before, opens=False))


def _waits(job: FromClause, moment: datetime) -> ColumnElement[bool]:
    return and_(job.c.begun_at.is_(None), job.c.status.in_(_WAITS), job.c.starts_at <= moment)


def _gate(job: FromClause, before: FromClause, *, opens: bool) -> ColumnElement[bool]:
    """Whether the phase before has ended for all its things, with enough success or (`opens` False) without."""
    success, completed = _completed(before)
    enough = 100 * success >= job.c.after_success_percent * completed
    return exists().where(
        before.c.deployment_id == job.c.deployment_id,
        before.c.phase == job.c.phase - 1,
        active_of(before) == 0,
        enough if opens else ~enough,
    )


def _completed(before: FromClause) -> tuple[ColumnElement[int], ColumnElement[int]]:
    success, failure = (before.c[count_column(status)] for status in (Status.SUCCESS, Status.FAILURE))
    return success, success + failure


async def _begin_deployment(work: UnitOfWork, deployment_id: UUID) -> None:
    """A deployment may start when the first of its jobs has (mender.ota.deployment-status-lifecycle)."""
    row = DEPLOYMENT.c
    has_ended = or_(*(row[count_column(status)] > 0 for status in ENDED))
    status = case((has_ended, DeploymentStatus.IN_PROGRESS), else_=DeploymentStatus.PENDING)
    statement = (
        update(DEPLOYMENT)
        .where(row.id == deployment_id, row.status == DeploymentStatus.SCHEDULED)
        .values(status=status, updated_at=work.moment)
        .returning(row.organization_id)
    )
    for organization_id in (await work.session.execute(statement)).scalars().all():
        record(work, EventKind.DEPLOYMENT_CHANGED, organization_id, deployment_id)


async def _tell_held(work: UnitOfWork) -> None:
    """Say on a phase, and on its deployment, that it waits for what will not come by itself."""
    job, before = OTA_JOB.alias("waiting"), OTA_JOB.alias("before")
    success, completed = _completed(before)
    is_before = and_(before.c.deployment_id == job.c.deployment_id, before.c.phase == job.c.phase - 1)
    held: Any = (
        select(
            job.c.id,
            job.c.organization_id,
            job.c.deployment_id,
            job.c.phase,
            job.c.after_success_percent,
            success.label("success"),
            completed.label("completed"),
        )
        .join_from(job, before, is_before)
        .where(_held(job, OTA_JOB.alias("gate"), work.moment))
        .with_for_update(of=job, skip_locked=True, key_share=True)
    )
    for row in (await work.session.execute(held)).all():
        reason = (
            f"phase {row.phase} waits: {row.success} of {row.completed} of the phase before have succeeded, "
            f"it asks for {row.after_success_percent} percent"
        )
        told = {"stop_reason": reason, "updated_at": work.moment}
        await work.session.execute(update(OTA_JOB).where(OTA_JOB.c.id == row.id).values(told))
        record(work, EventKind.OTA_JOB_CHANGED, row.organization_id, row.id)
        await work.session.execute(update(DEPLOYMENT).where(DEPLOYMENT.c.id == row.deployment_id).values(told))
        record(work, EventKind.DEPLOYMENT_CHANGED, row.organization_id, row.deployment_id)
