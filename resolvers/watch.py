"""What a field of the subscription root gives: the events to watch, for the live path to serve or to be read alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

from resolvers.context import Context
from resolvers.streams import Stream
from services.events import Event, EventScope, Position, check_position, latest_position, read_events

UNSETTLED_SECONDS: Final = (0.05, 0.2)


@dataclass(frozen=True, slots=True)
class Watch:
    """Which events somebody wants, and from where on.

    The live path serves all that watch alike together (`live.feed`). Iterated by itself, as an executor does that knows
    nothing of the live path, it reads the log alone and gives the same records in the same order.
    """

    context: Context
    stream: Stream
    scope: EventScope
    after: Position | None

    async def __aiter__(self) -> AsyncGenerator[Any, None]:
        """The records of the events, for ever."""
        async for event in self._events():
            yield self.stream.record(event, False)

    async def _events(self) -> AsyncGenerator[Event, None]:
        """Read the log from a position on.

        Access is resolved anew before each look at the log, so that who is removed receives nothing more; the same look
        serves replay and live events, so there is no seam between them.
        """
        context, scope = self.context, self.scope
        parts = context.parts
        position = await latest_position(parts.store) if self.after is None else self.after
        if self.after is not None:
            await check_position(parts.store, position)
        looks = 0
        while True:
            woken = parts.tail.next_wake()
            access = await context.renewed().resolve_access()
            look = await read_events(parts.store, access, scope, position)
            for event in look.events:
                if woken.is_set():
                    # Something was committed since the look. If it took access away, what was found then is not sent.
                    woken = parts.tail.next_wake()
                    if await context.renewed().resolve_access() != access:
                        break
                position = event.position
                yield event
            else:
                position = look.position
            if look.events or not look.is_whole:
                looks = 0
            elif looks < len(UNSETTLED_SECONDS):
                # What woke us may not be settled yet, because a transaction that began earlier is still open.
                await parts.tail.wait(woken, seconds=UNSETTLED_SECONDS[looks])
                looks += 1
            elif await parts.tail.wait(woken):
                looks = 0
