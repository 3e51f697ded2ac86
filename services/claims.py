"""Work that a row asks for, done by one process at a time: a claim in the database, kept up while the work goes on.

A process that dies keeps no claim up, so that another one takes the work over when the time of the claim is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Table, and_, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from models.columns import now
from models.store import Store
from services.access import ANONYMOUS
from services.errors import FleetError
from services.spool import Spool
from services.unit_of_work import unit_of_work

CLAIM_SECONDS: Final = 60.0

log = structlog.get_logger("fleetgraph.claims")


class Claims:
    """Claims on the rows of one table, which has a column `claimed_until`."""

    def __init__(self, store: Store, table: Table, *, seconds: float = CLAIM_SECONDS) -> None:
        """A claim lasts `seconds`, and is renewed at a third of them."""
        self._store = store
        self._table = table
        self._seconds = seconds

    async def take(self, waiting: ColumnElement[bool], values: Mapping[str, Any]) -> UUID | None:
        """Claim the oldest row that meets `waiting` and that nobody holds, and set `values`; None when there is none.

        Without any, nothing is written.
        """
        table = self._table
        free = and_(waiting, or_(table.c.claimed_until.is_(None), table.c.claimed_until < now()))
        oldest = select(table.c.id).where(free).order_by(table.c.id).limit(1)
        async with self._store.read() as connection:
            found = (await connection.execute(oldest)).scalar_one_or_none()
        if found is None:
            return None
        async with unit_of_work(self._store, ANONYMOUS, _nothing) as work:
            statement = (
                update(table)
                .where(table.c.id == found, free)
                .values(claimed_until=self._end(), **values)
                .returning(table.c.id)
            )
            taken: UUID | None = (await work.session.execute(statement)).scalar_one_or_none()
        return taken

    @asynccontextmanager
    async def keep(self, key: UUID) -> AsyncIterator[None]:
        """Keep a claim up while the block lasts."""
        beating = asyncio.create_task(self._renew(key), name="background: a claim is kept up")
        try:
            yield
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    async def _renew(self, key: UUID) -> None:
        while True:
            await asyncio.sleep(self._seconds / 3)
            try:
                async with unit_of_work(self._store, ANONYMOUS, _nothing) as work:
                    held = update(self._table).where(self._table.c.id == key, self._table.c.claimed_until.is_not(None))
                    await work.session.execute(held.values(claimed_until=self._end()))
            except (SQLAlchemyError, OSError, FleetError):
                log.exception("a claim could not be kept up", table=self._table.name)

    def _end(self) -> Any:
        return now() + timedelta(seconds=self._seconds)


@contextmanager
def scratch(spool: Spool) -> Iterator[Path]:
    """A path of the spool for a file that is being made; what is there is removed when the block ends."""
    path = spool.new_path()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _nothing() -> None:
    """Claims leave no events."""
