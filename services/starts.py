"""Jobs and deployments that wait for their time: every process looks, and the statement lets one of them begin it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.exc import SQLAlchemyError

from models.columns import now
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.store import Store
from models.tables import DEPLOYMENT, OTA_JOB
from services.access import ANONYMOUS
from services.errors import FleetError
from services.execution_events import record
from services.unit_of_work import UnitOfWork, unit_of_work

LOOK_SECONDS: Final = 10.0
_KINDS: Final = (
    (OTA_JOB, OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS, EventKind.OTA_JOB_CHANGED),
    (DEPLOYMENT, DeploymentStatus.SCHEDULED, DeploymentStatus.PENDING, EventKind.DEPLOYMENT_CHANGED),
)

log = structlog.get_logger("fleetgraph.starts")


class Starts:
    """Begins what is due, every few seconds; one per process."""

    def __init__(self, store: Store, committed: Callable[[], None], *, seconds: float = LOOK_SECONDS) -> None:
        """`committed` is called when something has begun; `seconds` lie between two looks."""
        self._seconds = seconds
        self._store = store
        self._committed = committed
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look(), name="background: start of what is due")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def begin_due(self) -> int:
        """Begin the jobs and deployments whose time has come; returns how many. Without any, nothing is written."""
        if not await self._is_any_due():
            return 0
        begun = 0
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            for table, waiting, running, kind in _KINDS:
                begun += await _begin(work, table, waiting, running, kind)
        return begun

    async def _is_any_due(self) -> bool:
        async with self._store.read() as connection:
            for table, waiting, _, _ in _KINDS:
                if (await connection.execute(select(table.c.id).where(_due(table, waiting)).limit(1))).first():
                    return True
        return False

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                begun = await self.begin_due()
            except (SQLAlchemyError, OSError, FleetError):
                log.exception("what is due could not be begun")
            else:
                if begun:
                    log.info("scheduled updates begun", number=begun)


def _due(table: Table, waiting: OtaJobStatus | DeploymentStatus) -> ColumnElement[bool]:
    return (table.c.status == waiting) & (table.c.starts_at <= now())


async def _begin(
    work: UnitOfWork,
    table: Table,
    waiting: OtaJobStatus | DeploymentStatus,
    running: OtaJobStatus | DeploymentStatus,
    kind: EventKind,
) -> int:
    statement = (
        update(table)
        .where(_due(table, waiting))
        .values(status=running, updated_at=work.moment)
        .returning(table.c.organization_id, table.c.id)
    )
    begun = (await work.session.execute(statement)).all()
    for organization_id, key in begun:
        record(work, kind, organization_id, key)
    return len(begun)
