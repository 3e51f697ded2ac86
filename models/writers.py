"""Writing reports by the drivers themselves: one transaction of few statements over many things.

SQLAlchemy's object mapper and its async layer cost more for a report than both databases together. What a report reads
and writes is always the same, so its statements stand here and go straight to asyncpg and aiosqlite.

Keys are 32 hex digits, JSON is text and moments are aware `datetime`s, whichever the database is.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import aiosqlite
import asyncpg
import orjson
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from models.errors import StoreError
from sql.moments import write_moment

SECONDS_TO_RECOVER: Final = 2.0
_READ: Final = """
SELECT thing.id, thing.organization_id, thing.home_group_id, thing.key_digest, thing.connected, thing.last_seen_at,
  thing.report_interval_seconds, thing_state.reported, thing_state.desired, thing_state.version,
  thing_state.desired_at, (SELECT value FROM access_epoch)
"""
_EPOCH: Final = "SELECT value FROM access_epoch"


class Interrupted(StoreError):
    """Another transaction or a lost connection has ended this one. Nothing is written; it may be repeated."""


class Refused(StoreError):
    """The database does not take a value of this transaction: nothing is written, and repeated it would fail again."""


class StoredThing(NamedTuple):
    """What a report needs to know of a thing, with the access epoch of the moment at which it was read."""

    id: str
    organization_id: str
    group_id: str | None
    key_digest: bytes
    connected: bool
    last_seen_at: datetime | None
    report_interval_seconds: int | None
    reported: str
    desired: str
    version: int
    desired_at: datetime | None
    epoch: int


class NewState(NamedTuple):
    """What a thing reports from now on."""

    thing_id: str
    reported: str
    version: int


class NewEvent(NamedTuple):
    """An event about a thing, which is its subject, too."""

    kind: str
    organization_id: str
    group_id: str | None
    thing_id: str
    detail: str


@dataclass(slots=True)
class Changes:
    """What a transaction writes: states, things that are connected and seen now, and events in their order."""

    states: list[NewState] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)


class Writing(ABC):
    """A transaction that is open."""

    @abstractmethod
    async def lock(self, things: Sequence[str]) -> list[StoredThing]:
        """Lock and read things, whose keys come in order, with their states; those that are not there are left out.

        They are locked in that order, a thing before its state, so that no two writers wait for each other.
        """

    @abstractmethod
    async def epoch(self) -> int:
        """The access epoch, for when no thing was there to be read with it."""

    @abstractmethod
    async def apply(self, changes: Changes, moment: datetime) -> Mapping[str, str]:
        """Write what changes; what each thing reports from now on, as the database gives it back."""


class Writers(ABC):
    """Opens transactions for reports; `at_a_time` is how many of them are worth while."""

    at_a_time: int = 1

    @abstractmethod
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Writing, None]:
        """A transaction, committed when the block ends and taken back when it raises.

        Raises Interrupted when it was ended from outside before anything was committed, Refused for a value that cannot
        be stored, and what the driver raises for anything else.
        """
        yield NotImplemented

    @abstractmethod
    async def close(self) -> None:
        """Close what is open."""


class PostgresWriters(Writers):
    """Writers by asyncpg; a transaction has a connection of its own while it lasts."""

    at_a_time = 3

    def __init__(self, url: URL, *, server_settings: dict[str, str], channel: str) -> None:
        """Every commit is told to the listeners of `channel`.

        Statements are planned once: they go from keys to rows by an index and by nothing else, however many there are.
        """
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        steady = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}
        nested = {"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_bitmapscan": "off"}
        self._settings = server_settings | steady | nested
        self._end = f"NOTIFY {channel}; COMMIT"
        self._idle: list[asyncpg.Connection[Any]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Writing, None]:
        """A transaction; see `Writers.transaction`."""
        connection = await self._take()
        is_ending = False
        try:
            await connection.execute("BEGIN")
            yield PostgresWriting(connection)
            is_ending = True
            await connection.execute(self._end)
        except BaseException as error:
            await asyncio.shield(self._recover(connection))
            if isinstance(error, _CLASHES) or (isinstance(error, _LOSSES) and not is_ending):
                raise Interrupted(str(error)) from error
            if isinstance(error, _REFUSALS):
                raise Refused(str(error)) from error
            raise
        self._idle.append(connection)

    async def close(self) -> None:
        """Close the connections; no transaction may be open."""
        while self._idle:
            await self._idle.pop().close(timeout=SECONDS_TO_RECOVER)

    async def _take(self) -> asyncpg.Connection[Any]:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        connection = await asyncpg.connect(self._url, server_settings=self._settings)
        await connection.set_type_codec(
            "uuid", schema="pg_catalog", encoder=bytes.fromhex, decoder=bytes.hex, format="binary"
        )
        return connection

    async def _recover(self, connection: asyncpg.Connection[Any]) -> None:
        """Take back what a transaction has done; a connection that cannot do so is given up."""
        try:
            await connection.execute("ROLLBACK", timeout=SECONDS_TO_RECOVER)
        except (*_LOSSES, asyncpg.PostgresError, TimeoutError):
            connection.terminate()
        else:
            self._idle.append(connection)


_CLASHES: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
_LOSSES: Final = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError, OSError)
_REFUSALS: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


class PostgresWriting(Writing):
    """A transaction on PostgreSQL."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        """It has begun on this connection."""
        self._connection = connection

    async def lock(self, things: Sequence[str]) -> list[StoredThing]:
        """One statement; a row for which another transaction was waited for is read as that has left it."""
        rows = await self._connection.fetch(_POSTGRES_LOCK, things)
        return [StoredThing(*row) for row in rows]

    async def epoch(self) -> int:
        """One statement."""
        found: int = await self._connection.fetchval(_EPOCH)
        return found

    async def apply(self, changes: Changes, moment: datetime) -> Mapping[str, str]:
        """One statement. Raises Interrupted when a transaction that began later has told of one of the things."""
        states = [list(column) for column in zip(*changes.states, strict=True)]
        events = [list(column) for column in zip(*changes.events, strict=True)]
        rows = await self._connection.fetch(_POSTGRES_APPLY, moment, changes.seen, *states, *events)
        if rows and rows[0]["is_late"]:
            # Its event would stand before that one, which was written first: a later transaction has a later place.
            raise Interrupted("another transaction has changed one of the things")
        return {row["thing_id"]: row["reported"] for row in rows}


_POSTGRES_LOCK: Final = f"""{_READ}
FROM thing JOIN thing_state ON thing_state.thing_id = thing.id
WHERE thing.id = ANY($1::uuid[]) ORDER BY thing.id FOR NO KEY UPDATE OF thing, thing_state
"""
_POSTGRES_APPLY: Final = """
WITH seen AS (
  UPDATE thing SET connected = true, last_seen_at = $1 WHERE id = ANY($2::uuid[])
), told AS (
  INSERT INTO event ("transaction", kind, organization_id, group_id, thing_id, subject_id, detail, occurred_at)
  SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint), kind, organization_id, group_id, thing_id, thing_id,
    detail, $1
  FROM unnest($6::text[], $7::uuid[], $8::uuid[], $9::uuid[], $10::jsonb[]) WITH ORDINALITY
    AS given (kind, organization_id, group_id, thing_id, detail, place)
  ORDER BY place
), late AS (
  SELECT 1 FROM event
  WHERE "transaction" > CAST(CAST(pg_current_xact_id() AS text) AS bigint) AND thing_id = ANY($9::uuid[]) LIMIT 1
)
UPDATE thing_state SET reported = given.reported, version = given.version, reported_at = $1
FROM unnest($3::uuid[], $4::jsonb[], $5::integer[]) AS given (thing_id, reported, version)
WHERE thing_state.thing_id = given.thing_id
RETURNING thing_state.thing_id, thing_state.reported, EXISTS (SELECT 1 FROM late) AS is_late
"""


class SqliteWriters(Writers):
    """Writers by aiosqlite, on the one connection of the store that writes: they take their turn for it."""

    def __init__(self, engine: AsyncEngine) -> None:
        """`engine` has that connection."""
        self._engine = engine

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Writing, None]:
        """A transaction; see `Writers.transaction`."""
        async with self._engine.connect() as lent:
            connection = (await lent.get_raw_connection()).driver_connection
            assert isinstance(connection, aiosqlite.Connection)  # noqa: S101 - narrows what any driver may give
            try:
                # The write lock at once, so that a transaction never fails half-way for want of it.
                await connection.execute("BEGIN IMMEDIATE")
                yield SqliteWriting(connection)
                await connection.execute("COMMIT")
            except BaseException as error:
                with suppress(sqlite3.OperationalError):  # when there is no transaction to be taken back
                    await asyncio.shield(connection.execute("ROLLBACK"))
                if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
                    raise Refused(str(error)) from error
                raise

    async def close(self) -> None:
        """Nothing to do: the connection is the store's."""


class SqliteWriting(Writing):
    """A transaction on SQLite."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        """It has begun on this connection."""
        self._connection = connection

    async def lock(self, things: Sequence[str]) -> list[StoredThing]:
        """One statement; all is locked already."""
        rows = await self._connection.execute_fetchall(_SQLITE_READ, [orjson.dumps(things).decode()])
        return [_stored(row) for row in rows]

    async def epoch(self) -> int:
        """One statement."""
        ((found,),) = await self._connection.execute_fetchall(_EPOCH)
        return int(found)

    async def apply(self, changes: Changes, moment: datetime) -> Mapping[str, str]:
        """One statement for each table, run once for each row."""
        at = write_moment(moment)
        states = [(each.reported, each.version, at, each.thing_id) for each in changes.states]
        await self._connection.executemany(_SQLITE_STATE, states)
        if changes.seen:
            await self._connection.executemany(_SQLITE_SEEN, [(at, key) for key in changes.seen])
        await self._connection.executemany(_SQLITE_EVENT, [(*each, each.thing_id, at) for each in changes.events])
        return {each.thing_id: each.reported for each in changes.states}


def _stored(row: Any) -> StoredThing:
    seen, desired = row[5], row[10]
    thing = StoredThing(*row)
    return thing._replace(
        connected=bool(thing.connected),
        last_seen_at=None if seen is None else datetime.fromisoformat(seen),
        desired_at=None if desired is None else datetime.fromisoformat(desired),
    )


_SQLITE_READ: Final = f"""{_READ}
FROM json_each(?) AS given JOIN thing ON thing.id = given.value JOIN thing_state ON thing_state.thing_id = thing.id
"""
_SQLITE_STATE: Final = "UPDATE thing_state SET reported = ?, version = ?, reported_at = ? WHERE thing_id = ?"
_SQLITE_SEEN: Final = "UPDATE thing SET connected = 1, last_seen_at = ? WHERE id = ?"
_SQLITE_EVENT: Final = """
INSERT INTO event ("transaction", kind, organization_id, group_id, thing_id, detail, subject_id, occurred_at)
VALUES (0, ?, ?, ?, ?, ?, ?, ?)
"""
