"""What was left to others, who then did not come: found by looking, and brought to where it belongs.

See `services.settlements`: what ends or stops takes only the rows that nobody holds. Who holds one comes to the counts
next, as a rule, and does the rest; who had only looked at it does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select

from models.columns import now
from models.counts import count_column
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.store import Store
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.access import ANONYMOUS
from services.count_shifts import OPEN_DEPLOYMENT, OPEN_JOB, active_of
from services.duties import do_each
from services.endings import end_batches, record_ended
from services.execution_counts import shift
from services.execution_events import record
from services.settlements import close_jobs, finish_deployment, pause_jobs
from services.stops import NOT_BEGUN
from services.unit_of_work import UnitOfWork, unit_of_work

Mend = Callable[[UnitOfWork, UUID], Awaitable[None]]


class Leftovers:
    """The duty that looks for what is not as it should be by the rules of its job or deployment."""

    name = "what ended and paused campaigns have left"

    def __init__(self, store: Store, committed: Callable[[], None], clock: Callable[[], datetime] = now) -> None:
        """`committed` is called after each commit that left events."""
        self._store = store
        self._committed = committed
        self._clock = clock

    async def run(self) -> int:
        """Look once, and put right what is found, one job or deployment in each transaction; returns how many."""
        number = 0
        for statement, mend in (
            (_running_though_paused(), _pause),
            (_open_though_ended(), _close),
            (_waiting_though_cancelled(), _abort),
            (_all_phases_ended(), finish_deployment),
        ):
            number += await do_each(await self._find(statement), partial(self._mend, mend))
        return number

    async def _mend(self, mend: Mend, key: UUID) -> int:
        async with unit_of_work(self._store, ANONYMOUS, self._committed, self._clock) as work:
            await mend(work, key)
        return 1

    async def _find(self, statement: Any) -> list[UUID]:
        async with self._store.read() as connection:
            return list((await connection.execute(statement.limit(100))).scalars())


def _of_deployment(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(DEPLOYMENT.c.id == OTA_JOB.c.deployment_id, *conditions)


def _running_though_paused() -> Any:
    goes_on = OTA_JOB.c.status.in_((OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS))
    paused = DEPLOYMENT.c.status == DeploymentStatus.PAUSED
    return select(DEPLOYMENT.c.id).where(paused, exists().where(OTA_JOB.c.deployment_id == DEPLOYMENT.c.id, goes_on))


def _open_though_ended() -> Any:
    finished = _of_deployment(DEPLOYMENT.c.status == DeploymentStatus.FINISHED)
    is_finished = OTA_JOB.c.status == OtaJobStatus.FINISHED
    is_left = or_(is_finished & (active_of(OTA_JOB) > 0), finished & OTA_JOB.c.status.in_(OPEN_JOB))
    return select(OTA_JOB.c.id).where(is_left)


def _waiting_though_cancelled() -> Any:
    waits = or_(*(OTA_JOB.c[count_column(status)] > 0 for status in NOT_BEGUN))
    return select(OTA_JOB.c.id).where(OTA_JOB.c.status == OtaJobStatus.CANCELLED, waits)


def _all_phases_ended() -> Any:
    goes_on = exists().where(OTA_JOB.c.deployment_id == DEPLOYMENT.c.id, OTA_JOB.c.status.in_(OPEN_JOB))
    is_open = DEPLOYMENT.c.status.in_(OPEN_DEPLOYMENT)
    return select(DEPLOYMENT.c.id).where(is_open, active_of(DEPLOYMENT) == 0, ~goes_on)


async def _pause(work: UnitOfWork, deployment_id: UUID) -> None:
    await pause_jobs(work, deployment_id)


async def _close(work: UnitOfWork, job_id: UUID) -> None:
    ended = await close_jobs(work, OTA_JOB.c.id == job_id)
    for key in ended.deployments:
        record(work, EventKind.DEPLOYMENT_CHANGED, ended.organizations[key], key)


async def _abort(work: UnitOfWork, job_id: UUID) -> None:
    """End what has joined a job in the moment in which it was cancelled."""
    waits = OTA_EXECUTION.c.status.in_(NOT_BEGUN)
    ended = await end_batches(work, (OTA_EXECUTION.c.job_id == job_id) & waits, Status.ABORTED)
    await shift(work, ended.jobs, ended.deployments, begins=False)
    record_ended(work, ended)
