"""The roots of queries and mutations."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import strawberry
from sqlalchemy import func, select
from strawberry.scalars import JSON

from bench.peers.ordinary.nouns import Connection, Info, Organization, Thing, ThingState, decode
from models import EventRow, OrganizationRow, ThingRow, ThingStateRow
from models.columns import now
from models.dialects import transaction_id
from models.enums import EventKind
from models.store import NOTIFY_CHANNEL
from models.tables import THING
from schema.enums import Lifecycle, ThingType


@strawberry.enum
class ThingOrderField(StrEnum):
    """What things can be ordered by."""

    NAME = "NAME"


@strawberry.enum
class ThingStatsKey(StrEnum):
    """What things can be counted by."""

    TYPE = "TYPE"
    LIFECYCLE = "LIFECYCLE"


@strawberry.input
class ThingOrder:
    """One term of an order."""

    field: ThingOrderField


@strawberry.input
class ThingFilter:
    """Conditions on things; all that are given must hold."""

    type: list[ThingType] | None = None
    lifecycle: list[Lifecycle] | None = None
    connected: bool | None = None

    def conditions(self) -> list[Any]:
        """The filter as SQL."""
        found: list[Any] = []
        if self.type is not None:
            found.append(THING.c.type.in_(self.type))
        if self.lifecycle is not None:
            found.append(THING.c.lifecycle.in_(self.lifecycle))
        if self.connected is not None:
            found.append(THING.c.connected == self.connected)
        return found


@strawberry.type
class ThingStatsBucket:
    """The things that share one value."""

    key: str | None
    count: int
    connected: int


@strawberry.type
class ThingStats:
    """Counts over things."""

    total: int
    connected: int
    buckets: list[ThingStatsBucket]


@strawberry.input
class ReportThingStateInput:
    """A report."""

    thing_id: strawberry.ID
    reported: JSON


@strawberry.type
class UserError:
    """What the caller can correct."""

    code: str


@strawberry.type
class ReportThingStatePayload:
    """The state after the report."""

    state: ThingState | None
    user_errors: list[UserError]


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    async def thing(self, info: Info, id: strawberry.ID) -> Thing | None:
        """One thing."""
        async with info.context.sessions() as session:
            row = await session.get(ThingRow, decode(id))
        return None if row is None else Thing.from_row(row)

    @strawberry.field
    async def organization(self, info: Info, id: strawberry.ID) -> Organization | None:
        """One organization."""
        async with info.context.sessions() as session:
            row = await session.get(OrganizationRow, decode(id))
        return None if row is None else Organization.from_row(row)

    @strawberry.field
    async def things(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: ThingFilter | None = None,
        order_by: list[ThingOrder] | None = None,
    ) -> Connection[Thing]:
        """A page of all things, by creation or by name."""
        statement = select(ThingRow).limit(first + 1)
        statement = statement.order_by(*([THING.c.name] if order_by else []), THING.c.id)
        if filter is not None:
            statement = statement.where(*filter.conditions())
        if after is not None:
            statement = statement.where(THING.c.id > decode(after))
        async with info.context.sessions() as session:
            rows = (await session.execute(statement)).scalars().all()
        return Connection[Thing].page([Thing.from_row(row) for row in rows], first)

    @strawberry.field
    async def thing_stats(self, info: Info, group_by: ThingStatsKey) -> ThingStats:
        """Counts of all things and of those that share a value, in one scan: what has no value is none of them."""
        column = THING.c.type if group_by is ThingStatsKey.TYPE else THING.c.lifecycle
        count = func.count().label("count")
        connected = func.count().filter(THING.c.connected).label("connected")
        statement = select(column, count, connected).group_by(column).order_by(count.desc(), column)
        async with info.context.sessions() as session:
            rows = (await session.execute(statement)).all()
        buckets = [ThingStatsBucket(key=value.value, count=of, connected=on) for value, of, on in rows]
        return ThingStats(
            total=sum(each.count for each in buckets),
            connected=sum(each.connected for each in buckets),
            buckets=buckets,
        )


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    async def report_thing_state(self, info: Info, input: ReportThingStateInput) -> ReportThingStatePayload:
        """Merge what a thing reports into its state, and log that."""
        moment = now()
        patch: dict[str, Any] = dict(input.reported)  # type: ignore[call-overload]
        async with info.context.sessions.begin() as session:
            key = decode(input.thing_id)
            thing = await session.get_one(ThingRow, key, with_for_update=True)
            state = await session.get_one(ThingStateRow, key, with_for_update=True)
            thing.connected, thing.last_seen_at = True, moment
            state.reported, state.reported_at = {**state.reported, **patch}, moment
            state.version += 1
            event = EventRow(
                transaction=transaction_id("postgresql"),  # type: ignore[arg-type] # SQL, run with the INSERT
                kind=EventKind.THING_STATE_CHANGED,
                organization_id=thing.organization_id,
                group_id=thing.home_group_id,
                thing_id=key,
                subject_id=key,
                detail={"side": "REPORTED", "patch": patch, "version": state.version},
                occurred_at=moment,
            )
            session.add(event)
            await session.execute(select(func.pg_notify(NOTIFY_CHANNEL, "")))
        return ReportThingStatePayload(
            state=ThingState(version=state.version, reported=JSON(state.reported)), user_errors=[]
        )
