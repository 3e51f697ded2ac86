"""The event log as its readers see it: positions, cursors, and events that match a scope.

A reader goes on behind the last position that it has seen, and reads only what is settled, so that no transaction that
commits later can slip in before it. Access is part of the statement: events that the principal cannot see (any more) do
not exist for it.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    and_,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)

from models.columns import now
from models.dialects import settled_below
from models.enums import EventKind, Permission
from models.store import Store
from models.tables import EVENT
from services.access import Access, Shape
from services.errors import CursorExpired, InvalidInput
from services.event_scope import EventScope
from services.scope import myself, within
from sql.sets import member_of

__all__ = [
    "PERMISSIONS",
    "START",
    "Event",
    "EventScope",
    "Look",
    "Position",
    "check_position",
    "latest_position",
    "match_events",
    "organizations_seen",
    "purge_events",
    "read_events",
    "sees",
    "visible_events",
]

BATCH: Final = 500
"""Events that one look gives at most."""
SPAN: Final = 20_000
"""Rows of the log that one look reads at most: a rare match in a long log takes several looks, each a short one."""
PURGE_BATCH: Final = 10_000
"""Events that one statement of the purge deletes at most."""

PERMISSIONS: Final[Mapping[EventKind, Permission]] = {
    EventKind.THING_CREATED: Permission.THING_READ,
    EventKind.THING_UPDATED: Permission.THING_READ,
    EventKind.THING_MOVED: Permission.THING_READ,
    EventKind.THING_DELETED: Permission.THING_READ,
    EventKind.THING_LIFECYCLE_CHANGED: Permission.THING_READ,
    EventKind.THING_CONNECTIVITY_CHANGED: Permission.THING_READ,
    EventKind.THING_STATE_CHANGED: Permission.THING_READ,
    EventKind.OTA_EXECUTION_CHANGED: Permission.OTA_READ,
    EventKind.OTA_JOB_CHANGED: Permission.OTA_READ,
    EventKind.DEPLOYMENT_CHANGED: Permission.OTA_READ,
    EventKind.OTA_UPDATE_OFFERED: Permission.OTA_READ,
    EventKind.MEMBERSHIP_CHANGED: Permission.MEMBERSHIP_READ,
}
"""What seeing an event takes, in an organization that it concerns."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log; events are ordered by transaction, then sequence."""

    transaction: int
    sequence: int

    @property
    def cursor(self) -> str:
        """The opaque form that clients keep."""
        return base64.urlsafe_b64encode(f"{self.transaction}.{self.sequence}".encode()).rstrip(b"=").decode()

    @classmethod
    def of(cls, row: RowMapping) -> Position:
        """The position of an event."""
        return cls(row["transaction"], row["sequence"])

    @classmethod
    def parse(cls, cursor: str) -> Position:
        """The position behind a cursor; raises InvalidInput for any other text."""
        try:
            text = base64.b64decode(cursor[:64].encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
            transaction, sequence = (int(part) for part in text.decode("ascii").split("."))
        except (ValueError, binascii.Error) as error:
            raise InvalidInput("this is not a cursor of an event", ("after",)) from error
        if not (0 <= transaction < 2**63 and 0 <= sequence < 2**63):
            raise InvalidInput("this is not a cursor of an event", ("after",))
        return cls(transaction, sequence)


_EXPIRED: Final = "the events after this cursor are no longer all kept; read the present state and start anew"
START: Final = Position(0, 0)
"""Before every event."""


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the log in hand; `models.event` says what its columns mean."""

    position: Position
    kind: EventKind
    organization_id: UUID
    subject_id: UUID
    occurred_at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)
    thing_id: UUID | None = None
    group_id: UUID | None = None
    previous_organization_id: UUID | None = None
    user_id: UUID | None = None

    @classmethod
    def of(cls, row: RowMapping) -> Event:
        """The event in a row of the table."""
        return cls(Position.of(row), **{name: row[name] for name in _COLUMNS})


_COLUMNS: Final = tuple(each.name for each in fields(Event) if each.name != "position")


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the log gave: events in order, and the place that the next look begins behind.

    `is_whole` says that all there was behind the last place has been looked at; otherwise the next look finds more.
    """

    events: Sequence[Event]
    position: Position
    is_whole: bool


def visible_events(access: Access, kinds: Sequence[EventKind]) -> ColumnElement[bool]:
    """The condition under which events of these kinds exist for the principal; `sees` says the same of one in hand.

    A person sees what concerns an organization in which they may read the like, one that it has left included, and what
    is about themselves. A thing sees what is about itself.
    """
    if access.shape is Shape.EVERYTHING:
        return true()
    if access.shape is Shape.NOTHING:
        return false()
    if access.shape is Shape.THING:
        return myself(EVENT.c.thing_id, access)
    alike: defaultdict[Permission, list[EventKind]] = defaultdict(list)
    for kind in kinds:
        alike[PERMISSIONS[kind]].append(kind)
    seen = [
        and_(
            EVENT.c.kind.in_(those),
            or_(
                within(EVENT.c.organization_id, access, permission),
                within(EVENT.c.previous_organization_id, access, permission),
            ),
        )
        for permission, those in alike.items()
    ]
    return or_(myself(EVENT.c.user_id, access), *seen)


def sees(access: Access, event: Event) -> bool:
    """Whether the event exists for the principal, as `visible_events` says it in SQL."""
    if access.thing is not None:
        return event.thing_id == access.thing.thing_id
    if event.user_id is not None and event.user_id == access.user_id:
        return True
    permission, left = PERMISSIONS[event.kind], event.previous_organization_id
    return access.allows(permission, event.organization_id) or (left is not None and access.allows(permission, left))


def organizations_seen(access: Access, kinds: Sequence[EventKind]) -> frozenset[UUID] | None:
    """Where a person may read any events of these kinds; None means everywhere."""
    reach = [access.organizations(permission) for permission in {PERMISSIONS[kind] for kind in kinds}]
    return None if None in reach else frozenset().union(*(each for each in reach if each is not None))


async def latest_position(store: Store) -> Position:
    """The newest settled position: where a reader starts that wants nothing of the past."""
    statement = (
        select(EVENT.c.transaction, EVENT.c.sequence).where(*_settled(store)).order_by(*_newest_first()).limit(1)
    )
    async with store.read() as connection:
        row = (await connection.execute(statement)).mappings().first()
    return START if row is None else Position.of(row)


async def check_position(store: Store, position: Position) -> None:
    """Raise CursorExpired unless everything behind the position is still kept.

    It is while an event at the position or before it is kept, since the log is purged from its old end. A position
    behind the newest event is of a history that this database does not have.
    """
    place = _literal(position)
    async with store.read() as connection:
        older, newer = (await connection.execute(select(_any(_place() <= place), _any(_place() >= place)))).one()
    if not (older and newer):
        raise CursorExpired(_EXPIRED)


async def read_events(
    store: Store, access: Access, scope: EventScope, after: Position, upto: Position | None = None
) -> Look:
    """Look at the log behind `after`: for settled events that match the scope and that the principal may see.

    With `upto`, which is known to be settled, the look ends there. It gives up to 500 events, and goes over no more
    than 20,000 rows of the log. Raises CursorExpired when what came behind `after` has been purged meanwhile.
    """
    behind = _place() > _literal(after)
    span = select(EVENT.c.transaction, EVENT.c.sequence).where(behind).order_by(*_oldest_first()).limit(SPAN)
    span = span.where(*_settled(store)) if upto is None else span.where(_place() <= _literal(upto))
    async with store.read() as connection:
        found = (await connection.execute(_end_of(span))).mappings().first()
        if found is None:
            return Look((), after, is_whole=True)
        end = Position.of(found)

        def among(log: FromClause) -> ColumnElement[bool]:
            place = tuple_(log.c.transaction, log.c.sequence)
            return and_(place > _literal(after), place <= _literal(end))

        statement = select(EVENT).where(among(EVENT), scope.condition(among))
        statement = statement.where(visible_events(access, scope.kinds)).order_by(*_oldest_first()).limit(BATCH)
        events = [Event.of(row) for row in (await connection.execute(statement)).mappings()]
        # Asked last: if the place is kept now, nothing behind it was gone when the events were read.
        is_kept = (await connection.execute(select(_any(_place() <= _literal(after))))).scalar_one()
    if after != START and not is_kept:
        raise CursorExpired(_EXPIRED)
    if len(events) == BATCH and events[-1].position != end:
        return Look(events, events[-1].position, is_whole=False)
    return Look(events, end, is_whole=found["number"] < SPAN)


async def match_events(store: Store, scope: EventScope, events: Sequence[Event]) -> list[Event]:
    """Those of the events, in their order, that are in the scope now; who may see them is not asked."""
    asked = [event.position.sequence for event in events]

    def among(log: FromClause) -> ColumnElement[bool]:
        return member_of(log.c.sequence, asked)

    statement = select(EVENT.c.sequence).where(among(EVENT), scope.condition(among))
    async with store.read() as connection:
        matching = set((await connection.execute(statement)).scalars())
    return [event for event in events if event.position.sequence in matching]


async def purge_events(store: Store, older_than_seconds: float) -> int:
    """Delete events that are no longer kept, and say how many; the newest one always stays, as the place to go on from.

    Always from the old end of the log: an event goes when all that come before it are as old.
    """
    limit = now() - timedelta(seconds=older_than_seconds)
    settled = select(EVENT.c.transaction, EVENT.c.sequence).where(*_settled(store)).limit(1)
    first_kept = settled.where(EVENT.c.occurred_at >= limit).order_by(*_oldest_first())
    async with store.read() as connection:
        row = (await connection.execute(first_kept)).mappings().first()
        if row is None:
            row = (await connection.execute(settled.order_by(*_newest_first()))).mappings().first()
    if row is None:
        return 0
    old = select(EVENT.c.sequence).where(_place() < _literal(Position.of(row))).order_by(*_oldest_first())
    purged = 0
    while removed := await _delete(store, old.limit(PURGE_BATCH)):
        purged += removed
    return purged


async def _delete(store: Store, events: Select[Any]) -> int:
    async with store.write() as session:
        result: Any = await session.execute(delete(EVENT).where(EVENT.c.sequence.in_(events)))
        return int(result.rowcount)


def _end_of(span: Select[Any]) -> Select[Any]:
    """The last place of a span of the log, with the number of its rows; no row when it has none."""
    rows = span.subquery("span").c
    number = func.count().over().label("number")
    return (
        select(rows.transaction, rows.sequence, number).order_by(rows.transaction.desc(), rows.sequence.desc()).limit(1)
    )


def _place() -> Any:
    return tuple_(EVENT.c.transaction, EVENT.c.sequence)


def _literal(position: Position) -> Any:
    return tuple_(
        literal(position.transaction, EVENT.c.transaction.type), literal(position.sequence, EVENT.c.sequence.type)
    )


def _any(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(EVENT.c.sequence).where(condition).exists()


def _settled(store: Store) -> list[ColumnElement[bool]]:
    bound = settled_below(store.dialect)
    return [] if bound is None else [EVENT.c.transaction < bound]


def _oldest_first() -> tuple[ColumnElement[Any], ...]:
    return EVENT.c.transaction, EVENT.c.sequence


def _newest_first() -> tuple[ColumnElement[Any], ...]:
    return EVENT.c.transaction.desc(), EVENT.c.sequence.desc()
