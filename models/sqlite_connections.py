"""Connections to SQLite files, and the threads that they run on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import Thread
from typing import Any
from weakref import WeakSet

import aiosqlite


class SqliteConnections:
    """Opens connections for one store, each with a thread of its own, and waits for the threads at the end.

    A connection whose user is cancelled for a second time, or while it is opened, is left to its thread: the pools know
    no more of it. The thread finishes its statement, and reports to the event loop, which must not be closed by then.
    """

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._threads: WeakSet[Thread] = WeakSet()

    async def open(self, *arguments: Any, **options: Any) -> aiosqlite.Connection:
        """Open a connection; takes what `aiosqlite.connect` takes."""
        connection = aiosqlite.connect(*arguments, **options)
        thread: Thread = connection._thread  # noqa: SLF001 - as SQLAlchemy does; it has no public name
        thread.daemon = True
        self._threads.add(thread)
        return await connection

    async def wait(self, seconds: float) -> None:
        """Wait until all threads have ended, at most `seconds`; their connections have been closed or given up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(thread.is_alive() for thread in self._threads):  # noqa: ASYNC110 - a thread tells nobody
                    await asyncio.sleep(0.005)
