"""Ending OTA jobs that are out of time (rainmaker.ota.job-timeout)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update

from models.columns import now
from models.enums import EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.store import Store
from models.tables import OTA_EXECUTION, OTA_JOB
from services.access import ANONYMOUS
from services.count_shifts import OPEN_JOB, active_of
from services.duties import do_each
from services.endings import BATCH, end_batches, record_ended
from services.execution_counts import shift
from services.execution_events import record
from services.settlements import finish_deployment
from services.unit_of_work import UnitOfWork, unit_of_work

JOBS: Final = 100


class Expiries:
    """The duty that ends what is out of time: executions end EXPIRED, `batch` of them in a transaction, then the job.

    A batch claims executions that nobody else holds; what a process leaves undone, the next look of any process does.
    """

    name = "end of OTA jobs that are out of time"

    def __init__(
        self,
        store: Store,
        committed: Callable[[], None],
        clock: Callable[[], datetime] = now,
        *,
        batch: int = BATCH,
    ) -> None:
        """`committed` is called after each commit that left events."""
        self._store = store
        self._committed = committed
        self._clock = clock
        self._batch = batch

    async def run(self) -> int:
        """End all that is out of time, as far as nobody else holds it; returns how many executions and jobs."""
        return await do_each(await self._due(), self._end)

    async def _end(self, job_id: UUID) -> int:
        number, ended, is_left = 0, self._batch, True
        while ended == self._batch and is_left:
            async with unit_of_work(self._store, ANONYMOUS, self._committed, self._clock) as work:
                ended = await expire_some(work, job_id, self._batch)
                is_left = not await finish_job(work, job_id)
            number += ended + int(not is_left)
        return number

    async def _due(self) -> list[UUID]:
        statement = select(OTA_JOB.c.id).where(_is_over(self._clock())).order_by(OTA_JOB.c.expires_at).limit(JOBS)
        async with self._store.read() as connection:
            return list((await connection.execute(statement)).scalars())


def _is_over(moment: datetime) -> ColumnElement[bool]:
    """Out of time, and not ended: open, or cancelled while things are in the middle of an update."""
    return and_(
        OTA_JOB.c.finished_at.is_(None),
        OTA_JOB.c.expires_at <= moment,
        or_(OTA_JOB.c.status.in_(OPEN_JOB), active_of(OTA_JOB) > 0),
    )


async def expire_some(work: UnitOfWork, job_id: UUID, most: int) -> int:
    """End up to `most` of the open executions of a job as EXPIRED; returns how many."""
    ended = await end_batches(work, OTA_EXECUTION.c.job_id == job_id, Status.EXPIRED, most=most)
    await shift(work, ended.jobs, ended.deployments, begins=False)
    record_ended(work, ended)
    return ended.number


async def finish_job(work: UnitOfWork, job_id: UUID) -> bool:
    """Finish a job that is out of time, and has nothing open, as no count does: one that is dynamic, or empty."""
    finished = (
        update(OTA_JOB)
        .where(
            OTA_JOB.c.id == job_id,
            _is_over(work.moment),
            OTA_JOB.c.status.in_(OPEN_JOB),
            active_of(OTA_JOB) == 0,
        )
        .values(status=OtaJobStatus.FINISHED, finished_at=work.moment, paused_at=None, updated_at=work.moment)
        .returning(OTA_JOB.c.organization_id, OTA_JOB.c.deployment_id)
    )
    row = (await work.session.execute(finished)).one_or_none()
    if row is None:
        return False
    record(work, EventKind.OTA_JOB_CHANGED, row.organization_id, job_id)
    if row.deployment_id is not None:
        await finish_deployment(work, row.deployment_id)
    return True
