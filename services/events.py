"""The event log as its readers see it: positions, cursors, and events that match a scope.

A reader goes on behind the last position that it has seen, and reads only what is settled, so that no transaction that
commits later can slip in before it. Access is part of the statement: events of organizations, groups and things that
the principal cannot see (any more) do not exist for it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, select, tuple_

from models.columns import now
from models.dialects import settled_below
from models.enums import EventKind, Permission
from models.store import Store
from models.tables import EVENT, GROUP_ANCESTOR, GROUP_THING, ORGANIZATION_ANCESTOR
from services.access import Access
from services.errors import CursorExpired, InvalidInput
from services.scope import within
from sql.sets import member_of

BATCH: Final = 500


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


@dataclass(frozen=True, slots=True)
class EventScope:
    """Which events a reader wants; every part that is given must hold."""

    kinds: tuple[EventKind, ...]
    organization_id: UUID | None = None
    group_id: UUID | None = None
    thing_ids: tuple[UUID, ...] = ()

    def condition(self) -> ColumnElement[bool]:
        """The scope as SQL: an organization or a group stands for itself and all below it."""
        clauses: list[ColumnElement[bool]] = [EVENT.c.kind.in_(self.kinds)]
        if self.organization_id is not None:
            tree = ORGANIZATION_ANCESTOR.c
            below = select(tree.organization_id).where(tree.ancestor_id == self.organization_id)
            clauses.append(EVENT.c.organization_id.in_(below))
        if self.group_id is not None:
            below = select(GROUP_ANCESTOR.c.group_id).where(GROUP_ANCESTOR.c.ancestor_id == self.group_id)
            clauses.append(
                EVENT.c.thing_id.in_(select(GROUP_THING.c.thing_id).where(GROUP_THING.c.group_id.in_(below)))
            )
        if self.thing_ids:
            clauses.append(member_of(EVENT.c.thing_id, self.thing_ids))
        return and_(*clauses)


def visible_events(access: Access, permission: Permission) -> ColumnElement[bool]:
    """The events that the principal may see: of its organizations, or of itself when it is a thing."""
    if access.thing is not None:
        return EVENT.c.thing_id == access.thing.thing_id
    return within(EVENT.c.organization_id, access, permission)


async def latest_position(store: Store) -> Position:
    """The newest settled position: where a reader starts that wants nothing of the past."""
    statement = (
        select(EVENT.c.transaction, EVENT.c.sequence).where(*_settled(store)).order_by(*_newest_first()).limit(1)
    )
    async with store.read() as connection:
        row = (await connection.execute(statement)).mappings().first()
    return Position(0, 0) if row is None else Position.of(row)


async def check_position(store: Store, position: Position) -> None:
    """Raise CursorExpired unless the event at the position is still kept; with it, everything after it is."""
    statement = select(EVENT.c.sequence).where(
        EVENT.c.transaction == position.transaction, EVENT.c.sequence == position.sequence
    )
    async with store.read() as connection:
        kept = (await connection.execute(statement)).first() is not None
    if not kept:
        raise CursorExpired(
            "the events after this cursor are no longer all kept; read the present state and start anew"
        )


async def read_events(
    store: Store, access: Access, permission: Permission, scope: EventScope, after: Position
) -> Sequence[RowMapping]:
    """Up to 500 settled events behind `after` that match the scope and that the principal may see, in order."""
    behind = tuple_(EVENT.c.transaction, EVENT.c.sequence) > tuple_(after.transaction, after.sequence)
    statement = (
        select(EVENT)
        .where(behind, *_settled(store), scope.condition(), visible_events(access, permission))
        .order_by(EVENT.c.transaction, EVENT.c.sequence)
        .limit(BATCH)
    )
    async with store.read() as connection:
        return (await connection.execute(statement)).mappings().all()


async def purge_events(store: Store, older_than_seconds: float) -> int:
    """Delete the events that are no longer kept; the newest one always stays, as the place to go on from."""
    limit = now() - timedelta(seconds=older_than_seconds)
    newest = select(func.max(EVENT.c.sequence)).scalar_subquery()
    statement = delete(EVENT).where(EVENT.c.occurred_at < limit, EVENT.c.sequence < newest)
    async with store.write() as session:
        result: Any = await session.execute(statement)
        return int(result.rowcount)


def _settled(store: Store) -> list[ColumnElement[bool]]:
    bound = settled_below(store.dialect)
    return [] if bound is None else [EVENT.c.transaction < bound]


def _newest_first() -> tuple[ColumnElement[Any], ...]:
    return EVENT.c.transaction.desc(), EVENT.c.sequence.desc()
