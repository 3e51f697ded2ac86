"""Events for the benchmarks of the live path, made at a rate of our own choice.

Into the gateway they come as services make them: the state, the row of the event and the NOTIFY in one transaction,
written straight to PostgreSQL, or by the gateway's own mutation. The ordinary server is told of them over HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, Protocol, Self
from uuid import UUID

import asyncpg
import orjson

from bench.live_clients import Event
from bench.load import HOST, end_of_answer, post
from services.tokens import digest, new_secret

Announce = Callable[[Sequence[Event]], None]
"""Told of events just before they are committed."""

_THINGS: Final = """
SELECT thing.id, thing.name, thing.organization_id, thing.home_group_id, thing_state.version
FROM thing JOIN thing_state ON thing_state.thing_id = thing.id ORDER BY thing.id LIMIT $1
"""
_STATES: Final = """
UPDATE thing_state SET reported = thing_state.reported || given.patch, version = given.version, reported_at = $4
FROM unnest($1::uuid[], $2::bigint[], $3::jsonb[]) AS given (thing_id, version, patch)
WHERE thing_state.thing_id = given.thing_id
"""
_EVENTS: Final = """
INSERT INTO event (transaction, kind, organization_id, group_id, thing_id, subject_id, detail, occurred_at)
SELECT pg_current_xact_id()::text::bigint, 'THING_STATE_CHANGED', organization_id, group_id, thing_id, thing_id, detail,
       $5
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::jsonb[])
     WITH ORDINALITY AS given (organization_id, group_id, thing_id, detail, place)
ORDER BY place
"""
_KEYS: Final = """
UPDATE thing SET key_digest = given.digest FROM unnest($1::uuid[], $2::bytea[]) AS given (id, digest)
WHERE thing.id = given.id
"""
_NOTIFY: Final = "SELECT pg_notify('fleetgraph_events', '')"
_REPORT: Final = """
mutation Report($input: ReportThingStateInput!) { reportThingState(input: $input) { userErrors { code message } } }
"""


@dataclass(slots=True)
class Thing:
    """A thing that reports, and the version of its state so far."""

    id: UUID
    name: str
    organization_id: UUID
    group_id: UUID | None
    version: int

    @property
    def global_id(self) -> str:
        """How the graph calls it."""
        return f"thing_{self.id.hex}"

    def change(self, number: int) -> Event:
        """Its next report."""
        self.version += 1
        return Event(self.global_id, self.version, {"temperature": 21.5, "humidity": 40, "number": number})


async def give_keys(url: str, things: Sequence[Thing]) -> list[str]:
    """Give each thing a new key to sign in with; the keys."""
    keys = [new_secret() for _ in things]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_KEYS, [thing.id for thing in things], [digest(key) for key in keys])
    finally:
        await connection.close()
    return keys


async def draw_things(url: str, number: int) -> list[Thing]:
    """The first things of a fleet."""
    connection = await asyncpg.connect(url)
    try:
        return [Thing(*row) for row in await connection.fetch(_THINGS, number)]
    finally:
        await connection.close()


class Feed(Protocol):
    """Makes things report."""

    async def publish(self, things: Sequence[Thing], announce: Announce) -> None:
        """One report of each of these things; back when they are committed. No thing may stand here twice."""

    async def close(self) -> None:
        """Give back the connection."""


class DatabaseFeed:
    """Reports written to PostgreSQL as services write them, all of one call in one transaction."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection
        self._numbers = count()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the database of a gateway."""
        connection = await asyncpg.connect(url)
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
        )
        return cls(connection)

    async def publish(self, things: Sequence[Thing], announce: Announce) -> None:
        """See `Feed`."""
        events = [thing.change(next(self._numbers)) for thing in things]
        ids, now = [thing.id for thing in things], datetime.now(UTC)
        versions, patches = [event.version for event in events], [event.patch for event in events]
        details = [{"side": "REPORTED", "patch": event.patch, "version": event.version} for event in events]
        organizations, groups = [thing.organization_id for thing in things], [thing.group_id for thing in things]
        transaction = self._connection.transaction()
        await transaction.start()
        await self._connection.execute(_STATES, ids, versions, patches, now)
        await self._connection.execute(_EVENTS, organizations, groups, ids, details, now)
        await self._connection.execute(_NOTIFY)
        announce(events)
        await transaction.commit()

    async def close(self) -> None:
        """See `Feed`."""
        await self._connection.close()


class HttpFeed:
    """Reports told over one kept connection; `requests` makes what is sent for them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = count()

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to a server on this machine."""
        return cls(*await asyncio.open_connection(HOST, port))

    async def close(self) -> None:
        """See `Feed`."""
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, request: bytes) -> bytes:
        """Send a request and read its answer, head included. Raises WrongAnswer, IncompleteReadError."""
        self._writer.write(request)
        answer = b""
        while not (end := end_of_answer(answer)) or len(answer) < end:
            received = await self._reader.read(1 << 16)
            if not received:
                raise asyncio.IncompleteReadError(answer, None)
            answer += received
        return answer


class MutationFeed(HttpFeed):
    """Reports by the gateway's own mutation, one after the other."""

    headers: dict[str, str]

    async def publish(self, things: Sequence[Thing], announce: Announce) -> None:
        """See `Feed`; each report is a transaction of its own."""
        for thing in things:
            event = thing.change(next(self._numbers))
            given = {"thingId": thing.global_id, "reported": event.patch}
            body = orjson.dumps({"query": _REPORT, "variables": {"input": given}})
            announce([event])
            answer = await self.ask(post("/graphql", body, self.headers))
            if b'"userErrors":[]' not in answer:
                raise ValueError(f"not reported: {answer!r}")


class BroadcastFeed(HttpFeed):
    """Reports told to the ordinary server, all of one call in one request."""

    async def publish(self, things: Sequence[Thing], announce: Announce) -> None:
        """See `Feed`."""
        now = datetime.now(UTC).isoformat()
        events, told = [], list[dict[str, Any]]()
        for thing in things:
            number = next(self._numbers)
            event = thing.change(number)
            events.append(event)
            told.append(
                {
                    "cursor": f"MTIzNDU2Ny4{number:08}",
                    "occurredAt": now,
                    "patch": event.patch,
                    "version": event.version,
                    "thing": {"id": thing.global_id, "name": thing.name},
                }
            )
        request = post("/events", orjson.dumps(told), {})
        announce(events)
        await self.ask(request)
