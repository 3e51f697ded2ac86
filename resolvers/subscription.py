"""Subscriptions: events of the log, replayed from a cursor and then as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Final

import strawberry
from sqlalchemy import RowMapping

from engine.errors import BadUserInput
from engine.resolve import key_in
from models.enums import EventKind, Permission
from resolvers.arguments import given
from resolvers.context import Context, Info
from schema.live import EventScopeInput, StateSide, ThingStateEvent
from services.errors import InvalidInput
from services.events import EventScope, Position, check_position, latest_position, read_events

MAX_THINGS: Final = 100
UNSETTLED_SECONDS: Final = (0.05, 0.2)


@strawberry.type(description="What happens, as it happens.")
class Subscription:
    """The root of subscriptions."""

    @strawberry.subscription(
        description="Changes of the state of things. Every event has a cursor; `after` replays what was missed, then "
        "goes on live, with no gap and no double between the two."
    )
    async def thing_state_changed(
        self,
        info: Info,
        scope: Annotated[
            EventScopeInput | None, strawberry.argument(description="Which things; all that you may see when left out.")
        ] = strawberry.UNSET,
        after: Annotated[
            str | None, strawberry.argument(description="Replay the events behind the one with this cursor first.")
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[ThingStateEvent, None]:
        """Changes of state."""
        wanted = _scope(given(scope), EventKind.THING_STATE_CHANGED)
        async for row in _follow(info.context, wanted, given(after), Permission.THING_READ):
            yield _state_event(row)


async def _follow(
    context: Context, scope: EventScope, after: str | None, permission: Permission
) -> AsyncGenerator[RowMapping, None]:
    """Read the log from a position on, for ever.

    Access is resolved anew before each look at the log, so that who is removed receives nothing more; the same look
    serves replay and live events, so there is no seam between them.
    """
    parts = context.parts
    position = _position(after) if after is not None else await latest_position(parts.store)
    if after is not None:
        await check_position(parts.store, position)
    looks = 0
    while True:
        woken = parts.tail.next_wake()
        access = await context.renewed().resolve_access()
        rows = await read_events(parts.store, access, permission, scope, position)
        for row in rows:
            if woken.is_set():
                # Something was committed since the look. If it took access away, what was found then is not sent.
                woken = parts.tail.next_wake()
                if await context.renewed().resolve_access() != access:
                    break
            position = Position.of(row)
            yield row
        if rows:
            looks = 0
        elif looks < len(UNSETTLED_SECONDS):
            # What woke us may not be settled yet, because a transaction that began earlier is still open.
            await parts.tail.wait(woken, seconds=UNSETTLED_SECONDS[looks])
            looks += 1
        elif await parts.tail.wait(woken):
            looks = 0


def _position(cursor: str) -> Position:
    try:
        return Position.parse(cursor)
    except InvalidInput as error:
        raise BadUserInput(error.message) from error


def _scope(wanted: EventScopeInput | None, kind: EventKind) -> EventScope:
    if wanted is None:
        return EventScope((kind,))
    organization, group, things = given(wanted.organization_id), given(wanted.group_id), given(wanted.thing_ids)
    if things is not None and not 1 <= len(things) <= MAX_THINGS:
        raise BadUserInput(f"thingIds takes from 1 to {MAX_THINGS} things")
    return EventScope(
        (kind,),
        organization_id=None if organization is None else key_in("org", organization),
        group_id=None if group is None else key_in("group", group),
        thing_ids=tuple(key_in("thing", each) for each in things or ()),
    )


def _state_event(row: RowMapping) -> ThingStateEvent:
    detail = row["detail"]
    return ThingStateEvent.over(
        {
            "cursor": Position.of(row).cursor,
            "occurred_at": row["occurred_at"],
            "side": StateSide(detail["side"]),
            "patch": detail["patch"],
            "version": detail["version"],
            "thing_id": row["thing_id"],
        }
    )
