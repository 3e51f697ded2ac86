"""The leases of gateway processes: a process counts for as long as it renews its own, by the clock of the database.

One row is written for each beat, however many sockets the process keeps. A lease that is over stays over: a process
that was held up takes another one, so that nobody has to guess whether it may still come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, update

from models.dialects import clock
from models.ids import new_id
from models.store import Store
from models.tables import GATEWAY_PROCESS, THING_SOCKET
from services.access import ANONYMOUS
from services.unit_of_work import UnitOfWork, unit_of_work


@dataclass(frozen=True, slots=True)
class EndedLease:
    """A process that has not renewed its lease; `seen_at` is when it last did."""

    process_id: UUID
    seen_at: datetime


async def take_lease(store: Store, seconds: float) -> UUID:
    """Begin a lease; returns the id of the process that holds it."""
    process_id = new_id()
    async with unit_of_work(store, ANONYMOUS, _nothing) as work:
        moment = await present(work)
        row = {"id": process_id, "started_at": moment, "seen_at": moment}
        await work.session.execute(insert(GATEWAY_PROCESS).values(**row, lease_until=_end(moment, seconds)))
    return process_id


async def renew_lease(store: Store, process_id: UUID, seconds: float) -> bool:
    """Renew a lease; returns False when it is over already, which it stays."""
    async with unit_of_work(store, ANONYMOUS, _nothing) as work:
        moment = await present(work)
        renewed = (
            update(GATEWAY_PROCESS)
            .where(GATEWAY_PROCESS.c.id == process_id, GATEWAY_PROCESS.c.lease_until > moment)
            .values(seen_at=moment, lease_until=_end(moment, seconds))
            .returning(GATEWAY_PROCESS.c.id)
        )
        return (await work.session.execute(renewed)).first() is not None


async def ended_leases(store: Store) -> list[EndedLease]:
    """The leases that are over."""
    columns = GATEWAY_PROCESS.c
    statement = select(columns.id, columns.seen_at).where(columns.lease_until <= clock(store.dialect))
    async with store.read() as connection:
        return [EndedLease(*row) for row in (await connection.execute(statement)).all()]


async def forget_lease(store: Store, process_id: UUID) -> None:
    """Delete a lease that is over, unless sockets still stand under it."""
    kept = exists().where(THING_SOCKET.c.process_id == GATEWAY_PROCESS.c.id)
    async with unit_of_work(store, ANONYMOUS, _nothing) as work:
        over = GATEWAY_PROCESS.c.lease_until <= clock(store.dialect)
        await work.session.execute(delete(GATEWAY_PROCESS).where(GATEWAY_PROCESS.c.id == process_id, over, ~kept))


async def present(work: UnitOfWork) -> datetime:
    """What time it is for all processes."""
    moment: datetime = (await work.session.execute(select(clock(work.dialect)))).scalar_one()
    return moment


def _end(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def _nothing() -> None:
    """A lease is no event."""
