"""Reading by the drivers themselves: batches of statements whose rows come as tuples of raw values.

SQLAlchemy's async layer costs more for a statement than the statement itself. What the plan executor reads is compiled
once and then goes straight to asyncpg and aiosqlite, on connections of their own.

Raw values are the same on both databases where that is free: a uuid is 32 hex digits, JSON is text. A moment is a
`datetime` from PostgreSQL and RFC 3339 text from SQLite, a truth value a number from SQLite.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar
from uuid import UUID

import aiosqlite
import asyncpg
from sqlalchemy.engine import URL

from models.errors import StatementTimeout, StoreBusy

C = TypeVar("C")
Rows = Sequence[Sequence[Any]]
OpenSqlite = Callable[..., Awaitable[aiosqlite.Connection]]
SECONDS_TO_CLOSE = 5.0
STATEMENTS = 1_000
"""Prepared statements kept on each connection."""


class Readers(ABC, Generic[C]):
    """A pool of connections that only read, opened as they are needed.

    The connection that came back last is lent first, so that few stay warm.
    """

    def __init__(self, size: int, timeout: float) -> None:
        """Open at most `size` connections; wait for one at most `timeout` seconds."""
        self._size = size
        self._timeout = timeout
        self._idle: list[C] = []
        self._open = 0
        self._waiting: deque[asyncio.Future[C | None]] = deque()

    async def read(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Rows]:
        """Run statements, each a text and its parameters; the rows of each.

        Raises StoreBusy when no connection comes free in time, and what the driver raises.
        """
        connection = self._idle.pop() if self._idle else await self._wait()
        try:
            answers = [await self.fetch(connection, text, parameters) for text, parameters in requests]
        except BaseException as error:
            await self._check(connection, cancelled=isinstance(error, asyncio.CancelledError))
            raise
        self._give_back(connection)
        return answers

    async def close(self) -> None:
        """Close the connections; those in use are waited for, at most `SECONDS_TO_CLOSE`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                while self._open > len(self._idle):  # noqa: ASYNC110 - nobody else needs to be told
                    await asyncio.sleep(0.01)
        while self._idle:
            self._open -= 1
            await self.disconnect(self._idle.pop())

    @abstractmethod
    async def connect(self) -> C:
        """Open a connection."""

    @abstractmethod
    async def disconnect(self, connection: C) -> None:
        """Close a connection."""

    @abstractmethod
    async def fetch(self, connection: C, text: str, parameters: Sequence[Any]) -> Rows:
        """Run one statement."""

    @abstractmethod
    async def recover(self, connection: C, *, cancelled: bool) -> bool:
        """Whether a connection on which something failed, or was cancelled, can be used again; ends what runs on it."""

    async def _wait(self) -> C:
        """A connection: a new one, or one that comes back."""
        if self._open < self._size:
            return await self._opened()
        future: asyncio.Future[C | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(self._timeout):
                given = await future
        except BaseException as error:
            if future.done() and not future.cancelled():
                # It came at the very moment in which nobody waited any more: the next one has it.
                self._pass_on(future.result())
            if isinstance(error, TimeoutError):
                raise StoreBusy("no connection to the database came free in time") from None
            raise
        # None: the connection that was waited for is gone, and its place is ours.
        return await self._opened() if given is None else given

    def _pass_on(self, given: C | None) -> None:
        if given is not None:
            self._give_back(given)
        else:
            self._wake()

    async def _opened(self) -> C:
        self._open += 1
        try:
            return await self.connect()
        except BaseException:
            self._lose()
            raise

    async def _check(self, connection: C, *, cancelled: bool) -> None:
        """Take back a connection on which something went wrong."""
        good = False
        try:
            good = await asyncio.shield(self.recover(connection, cancelled=cancelled))
        finally:
            if good:
                self._give_back(connection)
            else:
                self._lose()

    def _give_back(self, connection: C) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(connection)
                return
        self._idle.append(connection)

    def _lose(self) -> None:
        """A connection is gone; who waits may open another in its place."""
        self._open -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return


class PostgresReaders(Readers["asyncpg.Connection[Any]"]):
    """Readers by asyncpg, in autocommit; each text is prepared once on each connection."""

    def __init__(self, url: URL, *, size: int, timeout: float, server_settings: dict[str, str]) -> None:
        """`server_settings` are those of the session; just-in-time compilation is off, since statements are short."""
        super().__init__(size, timeout)
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._settings = {**server_settings, "jit": "off", "default_transaction_read_only": "on"}

    async def connect(self) -> asyncpg.Connection[Any]:
        """Open a connection on which uuids are hex digits."""
        connection = await asyncpg.connect(self._url, server_settings=self._settings, statement_cache_size=STATEMENTS)
        await connection.set_type_codec(
            "uuid", schema="pg_catalog", encoder=_uuid_bytes, decoder=bytes.hex, format="binary"
        )
        return connection

    async def disconnect(self, connection: asyncpg.Connection[Any]) -> None:
        """Close it; at once when the server does not answer."""
        await connection.close(timeout=1.0)

    async def fetch(self, connection: asyncpg.Connection[Any], text: str, parameters: Sequence[Any]) -> Rows:
        """Run one statement. Raises StatementTimeout when the database ends it."""
        try:
            rows: Rows = await connection.fetch(text, *parameters)
        except asyncpg.QueryCanceledError as error:
            raise StatementTimeout from error
        return rows

    async def recover(self, connection: asyncpg.Connection[Any], *, cancelled: bool) -> bool:
        """Whether it is open; asyncpg has cancelled what ran on it."""
        return not connection.is_closed()


def _uuid_bytes(value: UUID | str) -> bytes:
    return bytes.fromhex(value) if isinstance(value, str) else value.bytes


class SqliteReaders(Readers[aiosqlite.Connection]):
    """Readers by aiosqlite, which cannot write; each has a thread of its own."""

    def __init__(self, connect: OpenSqlite, *, size: int, timeout: float, pragmas: Sequence[str]) -> None:
        """`connect` opens the file, with the options of `aiosqlite.connect`."""
        super().__init__(size, timeout)
        self._connect = connect
        self._pragmas = pragmas

    async def connect(self) -> aiosqlite.Connection:
        """Open the file."""
        connection = await self._connect(isolation_level=None, cached_statements=STATEMENTS)
        for pragma in self._pragmas:
            # Read to the end: a cursor that is left open keeps an interruption from ending with what it was meant for.
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        return connection

    async def disconnect(self, connection: aiosqlite.Connection) -> None:
        """Close it."""
        await connection.close()

    async def fetch(self, connection: aiosqlite.Connection, text: str, parameters: Sequence[Any]) -> Rows:
        """Run one statement."""
        rows: Any = await connection.execute_fetchall(text, parameters)
        return list(rows)

    async def recover(self, connection: aiosqlite.Connection, *, cancelled: bool) -> bool:
        """Stop what runs on it, and wait until its thread is free."""
        if cancelled:
            await connection.interrupt()
        with suppress(sqlite3.OperationalError):
            # An interruption that came when nothing ran any more ends the next statement: this one.
            await connection.execute_fetchall("SELECT 1")
        return True
