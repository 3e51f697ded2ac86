"""The store: one interface over SQLite (embedded) and PostgreSQL; `open_store` picks by the address.

Reads borrow a connection for one statement at a time, in autocommit, so that a read costs one round trip. Writes run
in a session inside one transaction. What differs between the two databases stands in the two classes here and in
`models/dialects.py`, nowhere else.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from models.errors import StoreError
from models.listening import Listening
from models.readers import PostgresReaders, Readers, SqliteReaders
from models.sqlite_connections import SqliteConnections
from models.writers import PostgresWriters, SqliteWriters, Writers

NOTIFY_CHANNEL: Final = "fleetgraph_events"
SQLITE_READERS: Final = 2
"""Connections that plans read an SQLite file on: each is a thread, and more of them only fight for the interpreter."""
READER_PRAGMAS: Final = ("busy_timeout=10000", "query_only=ON", "cache_size=-32768", "mmap_size=268435456")
SECONDS_TO_CLOSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How a store is opened: its address, how many readers, and bounds on waiting (seconds)."""

    url: str
    readers: int = 8
    statement_timeout: float = 15.0
    pool_timeout: float = 10.0


class Store(ABC):
    """A database with readers, writers and a way to learn of commits."""

    dialect: Literal["sqlite", "postgresql"]
    reader: AsyncEngine
    writer: AsyncEngine
    readers: Readers[Any]
    writers: Writers

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Borrow a connection in autocommit for reading."""
        async with self.reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session in one transaction: committed when the block ends, rolled back when it raises."""
        async with AsyncSession(self.writer, expire_on_commit=False, autoflush=False) as session, session.begin():
            yield session

    @abstractmethod
    async def listen(self, wake: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        """Have `wake` called when another process may have committed events; returns what ends that."""

    async def close(self) -> None:
        """Close every connection; what is in use is waited for first, at most `SECONDS_TO_CLOSE`.

        A connection that comes back to a pool after its end would stay open.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                while _in_use(self.reader) or _in_use(self.writer):  # noqa: ASYNC110 - a pool tells nobody
                    await asyncio.sleep(0.01)
        await self.readers.close()
        await self.writers.close()
        await self.reader.dispose()
        if self.writer is not self.reader:
            await self.writer.dispose()


class SqliteStore(Store):
    """An SQLite file in WAL mode: one writer (waiters queue for it), a pool of readers that cannot write."""

    dialect = "sqlite"

    def __init__(self, settings: StoreSettings) -> None:
        """Open the file named by the address; it must be a file, since readers and the writer share it."""
        url = make_url(settings.url).set(drivername="sqlite+aiosqlite")
        if not url.database or url.database == ":memory:":
            raise StoreError("the address of an SQLite store must name a file: sqlite:///path/to/fleet.db")
        require_directory(url)
        self._connections = SqliteConnections()
        arguments, options = url.get_dialect()().create_connect_args(url)
        connect = partial(self._connections.open, *arguments, **options)
        self.writer = _engine(url, pool_size=1, settings=settings, async_creator=connect)
        self.reader = _engine(
            url, pool_size=settings.readers, settings=settings, async_creator=connect, isolation_level="AUTOCOMMIT"
        )
        self.readers = SqliteReaders(
            partial(self._connections.open, url.database),
            size=min(settings.readers, SQLITE_READERS),
            timeout=settings.pool_timeout,
            pragmas=READER_PRAGMAS,
        )
        self.writers = SqliteWriters(self.writer)
        event.listen(self.writer.sync_engine, "connect", _configure_sqlite_writer)
        event.listen(self.writer.sync_engine, "begin", _begin_immediate)
        event.listen(self.reader.sync_engine, "connect", _configure_sqlite_reader)

    async def close(self) -> None:
        """Close every connection, and wait for the threads of those that were given up before."""
        await super().close()
        await self._connections.wait(SECONDS_TO_CLOSE)

    async def listen(self, wake: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        """Nothing to do: the writer in this process wakes the tail itself, other processes are found by polling."""

        async def stop() -> None:
            await asyncio.sleep(0)

        return stop


class PostgresStore(Store):
    """PostgreSQL through asyncpg; readers and writers share one server but not one pool."""

    dialect = "postgresql"

    def __init__(self, settings: StoreSettings) -> None:
        """Open pools on the server named by the address."""
        url = make_url(settings.url).set(drivername="postgresql+asyncpg")
        self._url = url
        limits = {"statement_timeout": str(int(settings.statement_timeout * 1000)), "application_name": "fleetgraph"}
        arguments = {"server_settings": limits}
        self.writer = _engine(url, pool_size=settings.readers, settings=settings, connect_args=arguments)
        self.reader = _engine(
            url, pool_size=settings.readers, settings=settings, connect_args=arguments, isolation_level="AUTOCOMMIT"
        )
        self.readers = PostgresReaders(
            url, size=settings.readers, timeout=settings.pool_timeout, server_settings=limits
        )
        self.writers = PostgresWriters(url, server_settings=limits, channel=NOTIFY_CHANNEL)

    async def listen(self, wake: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        """LISTEN on a connection of its own: see `Listening`."""
        listening = Listening(self._url, NOTIFY_CHANNEL, wake)
        await listening.start()
        return listening.stop


def require_directory(url: URL) -> None:
    """Raise StoreError when the folder of an SQLite file is missing.

    Asked before any connection is made: the driver's thread outlives a failed one, and complains when the loop ends.
    """
    folder = Path(url.database or "").absolute().parent
    if not folder.is_dir():
        raise StoreError(f"the folder of the database is not there: {folder}")


def open_store(settings: StoreSettings) -> Store:
    """Open the store that the address names ("sqlite:///file" or "postgresql://..."); raises StoreError for others."""
    backend = make_url(settings.url).get_backend_name()
    if backend == "sqlite":
        return SqliteStore(settings)
    if backend in {"postgresql", "postgres"}:
        return PostgresStore(settings)
    raise StoreError(f"a store of kind {backend!r} is not known; use sqlite:/// or postgresql://")


def _engine(url: URL, *, pool_size: int, settings: StoreSettings, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout,
        json_serializer=_dump,
        json_deserializer=_load,
        **options,
    )


def _in_use(engine: AsyncEngine) -> int:
    pool = engine.pool
    return pool.checkedout() if isinstance(pool, QueuePool) else 0


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _load(value: Any) -> Any:
    """SQLite's columns of type JSON have numeric affinity: the text of a number comes back as a number."""
    return value if isinstance(value, int | float) else orjson.loads(value)


def _configure_sqlite_writer(connection: Any, _: object) -> None:
    """Durable by default: with WAL and synchronous=FULL an answered write survives a crash of the machine."""
    connection.isolation_level = None
    _run_pragmas(connection, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")


def _configure_sqlite_reader(connection: Any, _: object) -> None:
    connection.isolation_level = None
    _run_pragmas(connection, *READER_PRAGMAS)


def _run_pragmas(connection: sqlite3.Connection, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    """Take the write lock at once, so that a transaction never fails half-way for want of it."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
