"""Listening to what other processes commit, on a connection of its own that is made anew when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg
import structlog
from sqlalchemy.engine import URL

AGAIN_SECONDS: Final = 1.0
SECONDS_TO_CONNECT: Final = 5.0

log = structlog.get_logger("fleetgraph.store")


class Listening:
    """LISTEN on PostgreSQL; the payload is empty, the event rows carry the data."""

    def __init__(self, url: URL, channel: str, wake: Callable[[], None]) -> None:
        """`wake` is called for each notification on `channel`, and after a time without a connection."""
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._channel = channel
        self._wake = wake
        self._connection: asyncpg.Connection[Any] | None = None
        self._again: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect. Raises what the driver raises when that fails the first time."""
        connection = await asyncpg.connect(
            self._url, timeout=SECONDS_TO_CONNECT, server_settings={"application_name": "fleetgraph"}
        )
        await connection.add_listener(self._channel, self._notified)
        connection.add_termination_listener(self._lost)
        self._connection = connection

    async def stop(self) -> None:
        """Listen no more."""
        if self._again is not None:
            self._again.cancel()
            with suppress(asyncio.CancelledError):
                await self._again
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.remove_listener(self._channel, self._notified)
            await connection.close(timeout=SECONDS_TO_CONNECT)

    def _notified(self, *_: object) -> None:
        self._wake()

    def _lost(self, connection: object) -> None:
        """The connection has ended; unless that was asked for, a new one takes its place."""
        if connection is self._connection:
            self._connection = None
            self._again = asyncio.create_task(self._start_again(), name="background: listening")

    async def _start_again(self) -> None:
        log.warning("the connection that listens was lost; connecting again")
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                await self.start()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                continue
            # Whatever was told meanwhile was told to nobody.
            self._wake()
            return
