"""When a thing is connected: while it keeps a socket, or reports in time.

Every change is made under the lock of the thing's row, which whoever writes a report takes, too, so that each is made
once and leaves one event in its own transaction. Rows that somebody else holds are passed over, and left for the next
time: nothing here waits for a report, and so closes no circle of waiting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, delete, exists, func, literal, or_, select, tuple_, update

from models.dialects import clock, upsert
from models.enums import EventKind
from models.store import Store
from models.tables import THING, THING_SOCKET, THING_STATE
from services.leases import EndedLease, present
from services.unit_of_work import UnitOfWork
from sql.sets import member_of

BATCH: Final = 500
"""Things that one transaction is about, at most."""
LATE_FACTOR: Final = 1.5
LATE_SECONDS: Final = 5

Sockets = Mapping[UUID, UUID]
"""Sockets by their ids, each with the thing that opened it."""
Thing = Row[Any]


class Reason(StrEnum):
    """Why the connectivity of a thing has changed."""

    SOCKET = "SOCKET"
    SILENCE = "SILENCE"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a thing may be silent: for its own interval, or `seconds` when it has none, and half of that again.

    Short intervals get at least five seconds more, since reports travel.
    """

    seconds: int

    def limit(self, interval: int | None, moment: datetime) -> datetime:
        """Whoever was heard of before this is silent at `moment`."""
        expected = self.seconds if interval is None else interval
        return moment - timedelta(seconds=max(expected * LATE_FACTOR, expected + LATE_SECONDS))

    def is_over(self, heard: datetime | None, interval: int | None, moment: datetime) -> bool:
        """Whether a thing that was last `heard` then is silent at `moment`."""
        return heard is None or heard < self.limit(interval, moment)


@dataclass(frozen=True, slots=True)
class Place:
    """A thing in the order of the sweep: by when it was last seen, then by id."""

    seen_at: datetime
    id: UUID


async def open_sockets(work: UnitOfWork, process_id: UUID, sockets: Sockets) -> set[UUID]:
    """Write sockets that a process keeps, and that their things are connected.

    Returns the sockets that need nothing more: they are written, or their things are gone. What is written already
    moves to this process.
    """
    rows = await _lock(work, set(sockets.values()))
    mine = _of(sockets, rows)
    if mine:
        statement = upsert(work.dialect)(THING_SOCKET)
        moved = {"process_id": statement.excluded.process_id}
        await work.session.execute(
            statement.on_conflict_do_update(index_elements=[THING_SOCKET.c.id], set_=moved),
            [{"id": key, "thing_id": thing_id, "process_id": process_id} for key, thing_id in mine.items()],
        )
    arrived = [row for row in rows if not row.connected]
    await _write(work, arrived, connected=True, reason=Reason.SOCKET, seen_at=work.moment)
    return set(mine) | await _of_nobody(work, sockets, mine)


async def close_sockets(work: UnitOfWork, sockets: Sockets, patience: Patience) -> set[UUID]:
    """Remove sockets, and disconnect the things that keep no other and have not reported in time.

    Returns the sockets that need nothing more.
    """
    rows = await _lock(work, set(sockets.values()))
    mine = _of(sockets, rows)
    await work.session.execute(delete(THING_SOCKET).where(member_of(THING_SOCKET.c.id, list(mine))))
    await _leave(work, rows, patience, work.moment)
    return set(mine) | await _of_nobody(work, sockets, mine)


async def things_at(store: Store, process_id: UUID, after: UUID | None) -> list[UUID]:
    """The next things, behind `after`, that have a socket at a process."""
    columns = THING_SOCKET.c
    statement = select(columns.thing_id).distinct().where(columns.process_id == process_id)
    if after is not None:
        statement = statement.where(columns.thing_id > after)
    async with store.read() as connection:
        return list((await connection.execute(statement.order_by(columns.thing_id).limit(BATCH))).scalars())


async def abandon(work: UnitOfWork, lease: EndedLease, thing_ids: Sequence[UUID], patience: Patience) -> int:
    """Remove the sockets of things at a process that has ended; returns how many of them that disconnects.

    They were last seen with the last heartbeat of the process, unless they have reported since.
    """
    rows = await _lock(work, thing_ids)
    theirs = member_of(THING_SOCKET.c.thing_id, [row.id for row in rows])
    await work.session.execute(delete(THING_SOCKET).where(THING_SOCKET.c.process_id == lease.process_id, theirs))
    return await _leave(work, rows, patience, lease.seen_at)


async def intervals(store: Store) -> tuple[datetime, list[int | None]]:
    """What time it is, and all intervals of connected things, None first: from one place of the index to the next."""
    own = THING.c.report_interval_seconds
    least = select(func.min(own).label("seconds")).where(THING.c.connected)
    steps = least.cte("steps", recursive=True)
    following = least.where(own > steps.c.seconds).correlate(steps).scalar_subquery()
    steps = steps.union_all(select(following).where(steps.c.seconds.is_not(None)))
    statement = select(clock(store.dialect), steps.c.seconds)
    async with store.read() as connection:
        rows = (await connection.execute(statement)).all()
    return rows[0][0], [None, *(seconds for _, seconds in rows if seconds is not None)]


async def silent_things(store: Store, interval: int | None, limit: datetime, after: Place | None) -> list[Place]:
    """The next things with this interval, behind `after`, that are connected but silent and keep no socket."""
    columns = THING.c
    own = columns.report_interval_seconds
    place = (columns.last_seen_at, columns.id)
    conditions: list[ColumnElement[bool]] = [
        columns.connected,
        own.is_(None) if interval is None else own == interval,
        columns.last_seen_at < limit,
        ~exists().where(THING_SOCKET.c.thing_id == columns.id),
    ]
    if after is not None:
        behind = (literal(value, column.type) for value, column in zip((after.seen_at, after.id), place, strict=True))
        conditions.append(tuple_(*place) > tuple_(*behind))
    # The interval stands in the order, too: it is that of the index, which is read no further than is asked for.
    statement = select(*place).where(*conditions).order_by(own, *place).limit(BATCH)
    async with store.read() as connection:
        return [Place(*row) for row in (await connection.execute(statement)).all()]


async def fall_silent(work: UnitOfWork, thing_ids: Sequence[UUID], patience: Patience) -> int:
    """Disconnect those of the things that are silent still and keep no socket; returns how many."""
    rows = await _connected_alone(work, await _lock(work, thing_ids))
    moment = await present(work)
    silent = [row for row in rows if patience.is_over(row.last_seen_at, row.report_interval_seconds, moment)]
    return await _write(work, silent, connected=False, reason=Reason.SILENCE)


async def hear(work: UnitOfWork, heard: Mapping[UUID, datetime]) -> int:
    """Write that things were heard of, those that nobody else holds; returns of how many. Nobody is connected by it."""
    locked = [row.id for row in await _lock(work, list(heard))]
    if not locked:
        return 0
    last, moment = THING.c.last_seen_at, max(heard[key] for key in locked)
    changed = (member_of(THING.c.id, locked), or_(last.is_(None), last < moment))
    await work.session.execute(update(THING).where(*changed).values(last_seen_at=moment))
    return len(locked)


async def _lock(work: UnitOfWork, thing_ids: Collection[UUID]) -> Sequence[Thing]:
    """Lock those of the things that nobody else holds. Under the lock their sockets and reports stand still."""
    columns = THING.c
    statement = (
        select(
            columns.id,
            columns.organization_id,
            columns.home_group_id,
            columns.connected,
            columns.last_seen_at,
            columns.report_interval_seconds,
        )
        .where(member_of(columns.id, list(thing_ids)))
        .with_for_update(key_share=True, skip_locked=True)
    )
    found: Any = await work.session.execute(statement)
    rows: Sequence[Thing] = found.all()
    return rows


async def _leave(work: UnitOfWork, rows: Iterable[Thing], patience: Patience, seen_at: datetime) -> int:
    """Disconnect those of the locked things that keep no socket and have not reported in time.

    When a thing was last seen does not tell that: opening a socket is being seen, too.
    """
    rows = await _connected_alone(work, rows)
    states = THING_STATE.c
    reports = select(states.thing_id, states.reported_at).where(member_of(states.thing_id, [row.id for row in rows]))
    reported = {row.thing_id: row.reported_at for row in (await work.session.execute(reports)).all()}
    moment = await present(work)
    left = [row for row in rows if patience.is_over(reported.get(row.id), row.report_interval_seconds, moment)]
    return await _write(work, left, connected=False, reason=Reason.SOCKET, seen_at=seen_at)


async def _connected_alone(work: UnitOfWork, rows: Iterable[Thing]) -> list[Thing]:
    """Those of the locked things that are connected and keep no socket. Asked after the lock, not with it."""
    rows = [row for row in rows if row.connected]
    columns = THING_SOCKET.c
    kept = select(columns.thing_id).where(member_of(columns.thing_id, [row.id for row in rows]))
    keeping = set((await work.session.execute(kept)).scalars())
    return [row for row in rows if row.id not in keeping]


async def _write(
    work: UnitOfWork, rows: Sequence[Thing], *, connected: bool, reason: Reason, seen_at: datetime | None = None
) -> int:
    """Write that locked things are connected now, or not, with an event each; returns how many."""
    if not rows:
        return 0
    values: dict[str, Any] = {"connected": connected}
    if seen_at is not None:
        last = THING.c.last_seen_at
        values["last_seen_at"] = case((last > seen_at, last), else_=literal(seen_at, last.type))
    changed = member_of(THING.c.id, [row.id for row in rows])
    await work.session.execute(update(THING).where(changed).values(values))
    for row in rows:
        work.record(
            EventKind.THING_CONNECTIVITY_CHANGED,
            organization_id=row.organization_id,
            subject_id=row.id,
            thing_id=row.id,
            group_id=row.home_group_id,
            detail={"connected": connected, "reason": reason.value},
        )
    return len(rows)


def _of(sockets: Sockets, rows: Iterable[Thing]) -> dict[UUID, UUID]:
    locked = {row.id for row in rows}
    return {key: thing_id for key, thing_id in sockets.items() if thing_id in locked}


async def _of_nobody(work: UnitOfWork, sockets: Sockets, mine: Sockets) -> set[UUID]:
    """The sockets whose things are gone; the others that are not `mine` belong to things that somebody else holds."""
    others = {thing_id for key, thing_id in sockets.items() if key not in mine}
    if not others:
        return set()
    there = set((await work.session.execute(select(THING.c.id).where(member_of(THING.c.id, list(others))))).scalars())
    return {key for key, thing_id in sockets.items() if thing_id in others - there}
