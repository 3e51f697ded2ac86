"""Reading the event log, once for all subscriptions of a process: by the driver, with the access epoch behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, bindparam, select, tuple_

from engine.plans.rendering import Rendered, render
from models.dialects import settled_below
from models.enums import EventKind
from models.store import Store
from models.tables import ACCESS_EPOCH, EVENT, ORGANIZATION_ANCESTOR
from services.events import Event, Position

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Settled events in their order, and the access epoch as it was after they were read."""

    events: Sequence[Event]
    epoch: int


class Log:
    """The event log of one store."""

    def __init__(self, store: Store) -> None:
        """The statements are compiled once."""
        self._readers = store.readers
        columns = EVENT.c
        settled = settled_below(store.dialect)
        statement = (
            select(
                columns.transaction,
                columns.sequence,
                columns.kind,
                columns.organization_id,
                columns.previous_organization_id,
                columns.group_id,
                columns.thing_id,
                columns.subject_id,
                columns.user_id,
                columns.detail,
                columns.occurred_at,
            )
            .where(
                tuple_(columns.transaction, columns.sequence)
                > tuple_(bindparam("start_0", type_=BigInteger), bindparam("start_1", type_=BigInteger)),
                *([] if settled is None else [columns.transaction < settled]),
            )
            .order_by(columns.transaction, columns.sequence)
            .limit(BATCH)
        )
        self._events = render(statement, store.dialect, ())
        self._epoch = render(select(ACCESS_EPOCH.c.value), store.dialect, ())

    async def read(self, after: Position) -> Batch:
        """Up to 500 settled events behind a position.

        The epoch is read later than the events, so that an access of that epoch has taken in all that they tell.
        """
        start = {"start_0": after.transaction, "start_1": after.sequence}
        rows, epoch = await self._readers.read([_request(self._events, start), _request(self._epoch, {})])
        return Batch([_event(row) for row in rows], epoch[0][0])

    async def read_epoch(self) -> int:
        """The access epoch now."""
        (rows,) = await self._readers.read([_request(self._epoch, {})])
        epoch: int = rows[0][0]
        return epoch


async def read_subtree(store: Store, organization_id: UUID | None) -> frozenset[UUID] | None:
    """An organization, even one that is gone, and all below it; None for none."""
    if organization_id is None:
        return None
    tree = ORGANIZATION_ANCESTOR.c
    statement = select(tree.organization_id).where(tree.ancestor_id == organization_id)
    async with store.read() as connection:
        return frozenset([organization_id, *(await connection.execute(statement)).scalars()])


def _request(rendered: Rendered, values: dict[str, Any]) -> tuple[str, list[Any]]:
    return rendered.text, rendered.parameters(values, lambda name, _: values[name])


def _event(row: Sequence[Any]) -> Event:
    transaction, sequence, kind, organization, left, group, thing, subject, user, detail, occurred_at = row
    return Event(
        position=Position(transaction, sequence),
        kind=EventKind(kind),
        organization_id=UUID(organization),
        previous_organization_id=_key(left),
        group_id=_key(group),
        thing_id=_key(thing),
        subject_id=UUID(subject),
        user_id=_key(user),
        detail=orjson.loads(detail) if isinstance(detail, str) else detail,
        occurred_at=occurred_at if isinstance(occurred_at, datetime) else datetime.fromisoformat(occurred_at),
    )


def _key(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
