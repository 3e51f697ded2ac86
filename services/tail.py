"""The tail of the event log in one process: wakes those who wait for events.

Woken by commits of this process, by NOTIFY of others (PostgreSQL), and by a slow poll that finds what both have missed.
Waking says only that there may be something; readers look for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.store import Store
from services.events import purge_events

POLL_SECONDS: Final = 1.0
PURGE_SECONDS: Final = 300.0

log = structlog.get_logger("fleetgraph.tail")


class Tail:
    """Wakes waiting readers; one per process."""

    def __init__(self, store: Store, *, retention_seconds: float) -> None:
        """`retention_seconds` is how long events are kept."""
        self._store = store
        self._retention = retention_seconds
        self._woken = asyncio.Event()
        self._stop_listening: Callable[[], Awaitable[None]] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen to other processes and to purge old events."""
        self._stop_listening = await self._store.listen(self.wake)
        self._tasks = [asyncio.create_task(self._purge(), name="background: purge of events")]

    async def stop(self) -> None:
        """Stop listening and purging."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._stop_listening is not None:
            await self._stop_listening()

    def wake(self) -> None:
        """Tell every waiting reader that there may be events."""
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    def next_wake(self) -> asyncio.Event:
        """The event of the next wake; take it before reading, so that nothing falls between reading and waiting."""
        return self._woken

    async def wait(self, woken: asyncio.Event, *, seconds: float = POLL_SECONDS) -> bool:
        """Wait for a wake taken with `next_wake`, or until the poll is due; returns whether there was a wake."""
        try:
            async with asyncio.timeout(seconds):
                await woken.wait()
        except TimeoutError:
            return False
        return True

    async def _purge(self) -> None:
        while True:
            try:
                removed = await purge_events(self._store, self._retention)
            except (SQLAlchemyError, OSError):
                log.exception("events could not be purged")
            else:
                if removed:
                    log.info("old events purged", events=removed)
            await asyncio.sleep(PURGE_SECONDS)
