"""Many subscribers in one process: each a WebSocket with a subscription, counting what comes and when.

Subscribers of one group subscribe to the same, so they must get the same bytes: of each the frames are counted and the
bytes summed up, of one in each group the events are read and held against what was published. Nothing else is done with
a frame, so that the clients take less time than the server.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from zlib import crc32

import orjson

from bench.live_frames import CLOSE, PING, PONG, TEXT, frame, scan, split
from bench.load import END_OF_HEAD, HOST

NEXT: Final = b'"type":"next"'
OPENED_AT_ONCE: Final = 64
_HANDSHAKE: Final = (
    b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZmxlZXRncmFwaCBpcyBoZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_PING: Final = frame(b'{"type":"ping"}')


class WrongDelivery(Exception):
    """A server closed, refused, or sent something else than what was published; the message says what."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a thing's state, as it has to arrive."""

    thing: str
    version: int
    patch: dict[str, Any]


@dataclass(eq=False, slots=True)
class Group:
    """Subscribers with the same subscription; `things` are those that they get events of, None for all.

    `authorization` is theirs, None for that of the crowd. `events` are those they have to get; `times`, when each of
    them was about to be committed.
    """

    variables: dict[str, Any]
    things: frozenset[str] | None = None
    authorization: str | None = None
    events: list[Event] = field(default_factory=list)
    times: array[float] = field(default_factory=lambda: array("d"))
    clients: list[Client] = field(default_factory=list)


class Crowd:
    """The subscribers of one server."""

    def __init__(self, port: int, document: str, authorization: str | None, *, operations: int = 1) -> None:
        """Subscribers of a server on this machine; each has so many subscriptions, all of them the same."""
        self._port = port
        self._document = document
        self._authorization = authorization
        self.operations = operations
        self.groups: list[Group] = []
        self.received = 0
        self.latencies: array[float] = array("d")
        """Seconds from just before the commit to the arrival, of each delivery."""
        self.last_arrival = 0.0
        self._target = 0
        self._waiting: asyncio.Future[None] | None = None
        self._allowed = 0
        self._by_thing: dict[str, list[Group]] = {}
        self._for_all: list[Group] = []
        self._closing = False

    @property
    def clients(self) -> Iterator[Client]:
        """All subscribers."""
        return (client for group in self.groups for client in group.clients)

    def initialisation(self, group: Group) -> bytes:
        """What a subscriber of this group sends first."""
        authorization = group.authorization or self._authorization
        payload = {} if authorization is None else {"authorization": authorization}
        return frame(orjson.dumps({"type": "connection_init", "payload": payload}))

    def subscription(self, group: Group) -> bytes:
        """What a subscriber of this group sends once it is acknowledged: its operations, and a ping behind them."""
        payload = {"query": self._document, "variables": group.variables}
        messages = [
            frame(orjson.dumps({"id": str(number), "type": "subscribe", "payload": payload}))
            for number in range(self.operations)
        ]
        return b"".join((*messages, _PING))

    async def join(self, wanted: Iterable[tuple[Group, int]], *, seconds: float = 120.0) -> None:
        """Open so many more sockets for each group; back when all are acknowledged and have subscribed.

        The pong to the ping behind the last subscription says that the server has read it. Raises WrongDelivery.
        """
        loop = asyncio.get_running_loop()
        turns = asyncio.Semaphore(OPENED_AT_ONCE)
        added = 0

        async def open_one(client: Client, number: int) -> None:
            async with turns:
                # Each address has ports of its own, so that those of earlier runs do not stand in the way.
                place = (f"127.0.{1 + number % 100}.{1 + time.time_ns() % 250}", 0)
                await loop.create_connection(lambda: client, HOST, self._port, local_addr=place)
                await client.ready

        opening = []
        for group, count in wanted:
            if not group.clients:
                self._register(group)
            for _ in range(count):
                client = Client(self, group, loop)
                group.clients.append(client)
                opening.append(open_one(client, added))
                added += 1
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*opening)
        except TimeoutError:
            raise WrongDelivery(f"{added} sockets were not all acknowledged in {seconds:g} s") from None

    def _register(self, group: Group) -> None:
        self.groups.append(group)
        if group.things is None:
            self._for_all.append(group)
        for thing in group.things or ():
            self._by_thing.setdefault(thing, []).append(group)

    def expect(self, events: Sequence[Event]) -> None:
        """Events are about to be committed: from now on they are to arrive, and their time runs."""
        now = time.perf_counter()
        for event in events:
            for group in (*self._for_all, *self._by_thing.get(event.thing, ())):
                group.events.append(event)
                group.times.append(now)
                self._target += len(group.clients) * self.operations

    @property
    def outstanding(self) -> int:
        """Deliveries that have not arrived yet."""
        return self._target - self.received

    async def wait(self, *, outstanding: int = 0, seconds: float = 60.0) -> None:
        """Wait until all expected deliveries have arrived but so many. Raises WrongDelivery when they do not."""
        deadline = time.perf_counter() + seconds
        self._allowed = outstanding
        while self.outstanding > outstanding:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(max(0.0, deadline - time.perf_counter())):
                    await self._waiting
            except TimeoutError:
                raise WrongDelivery(f"{self.outstanding:,} of {self._target:,} deliveries did not arrive") from None
            finally:
                self._waiting = None

    def forget(self) -> None:
        """Begin to count anew."""
        self.received = self._target = 0
        self.latencies = array("d")
        for group in self.groups:
            group.events.clear()
            del group.times[:]
            for client in group.clients:
                client.forget()

    def verify(self) -> int:
        """Hold everything that arrived since the last `forget` against what was expected; how many deliveries that is.

        Raises WrongDelivery for an event that is missing, came twice, out of order, or with another content.
        """
        total = 0
        for group in self.groups:
            sample = group.clients[0]
            check_events(group.events, sample.kept, self.operations)
            for client in group.clients:
                if (client.count, client.sum) != (sample.count, sample.sum):
                    raise WrongDelivery(
                        f"two subscribers of one group got {sample.count} and {client.count} events, "
                        f"sums of their bytes {sample.sum:08x} and {client.sum:08x}"
                    )
                total += client.count
        if total != self._target:
            raise WrongDelivery(f"{total:,} deliveries in place of {self._target:,}")
        return total

    def arrived(self, number: int, now: float) -> None:
        """So many deliveries have come in."""
        self.received += number
        self.last_arrival = now
        if self._waiting is not None and self.outstanding <= self._allowed and not self._waiting.done():
            self._waiting.set_result(None)

    def fail(self, error: Exception) -> None:
        """Nothing that this crowd sees is right any more."""
        if self._closing:
            return
        for client in self.clients:
            if not client.ready.done():
                client.ready.set_exception(error)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    async def close(self) -> None:
        """Cut all connections."""
        self._closing = True
        for client in self.clients:
            client.cut()
        # The loop calls back for each.
        await asyncio.sleep(0.05)


class Client(asyncio.Protocol):
    """One subscriber."""

    __slots__ = ("_crowd", "_group", "_rest", "_shaken", "_transport", "count", "kept", "ready", "sum")

    def __init__(self, crowd: Crowd, group: Group, loop: asyncio.AbstractEventLoop) -> None:
        self._crowd = crowd
        self._group = group
        self._rest = b""
        self._shaken = False
        self._transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[None] = loop.create_future()
        self.forget()

    def forget(self) -> None:
        """Begin to count anew."""
        self.count = 0
        self.sum = 0
        self.kept: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_HANDSHAKE)

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that closes a connection has failed, unless it was cut here."""
        self._crowd.fail(WrongDelivery(f"the server closed a connection: {exc}"))

    def cut(self) -> None:
        """End it without a word."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Count the events, sum up their bytes; everything else is looked at one by one."""
        try:
            self._take(self._rest + data if self._rest else data)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is void
            self._crowd.fail(error)

    def _take(self, data: bytes) -> None:
        if not self._shaken:
            data = self._shake(data)
        texts, end, plain = scan(data)
        self._rest = data[end:]
        if not end:
            return
        if plain and data.count(NEXT, 0, end) == texts:
            self._count(texts, data[:end])
        else:
            for opcode, payload in split(data[:end]):
                self._sort(opcode, payload)

    def _shake(self, data: bytes) -> bytes:
        """Read the answer to the handshake; what stands behind it."""
        head, found, behind = data.partition(END_OF_HEAD)
        if not found:
            self._rest = data
            return b""
        if not head.startswith(b"HTTP/1.1 101") or b"graphql-transport-ws" not in head:
            raise WrongDelivery(f"no upgrade: {head[:300]!r}")
        self._shaken = True
        self._write(self._crowd.initialisation(self._group))
        return behind

    def _count(self, number: int, content: bytes) -> None:
        """So many events have come, in these frames."""
        now = time.perf_counter()
        crowd, first = self._crowd, self.count
        self.count = first + number
        self.sum = crc32(content, self.sum)
        if crowd.operations == 1:
            crowd.latencies.extend([now - sent for sent in self._group.times[first : self.count]])
        if self._group.clients[0] is self:
            self.kept.append(content)
        crowd.arrived(number, now)

    def _sort(self, opcode: int, payload: bytes) -> None:
        """One frame that came among others than events."""
        if opcode == PING:
            self._write(frame(payload, PONG))
            return
        if opcode != TEXT:
            raise WrongDelivery(f"a frame of opcode {opcode}: {payload[2:] if opcode == CLOSE else payload!r}")
        message = orjson.loads(payload)
        match message["type"]:
            case "connection_ack":
                self._write(self._crowd.subscription(self._group))
            case "pong":
                self.ready.set_result(None)
            case "next":
                self._count(1, server_frame(payload))
            case _:
                raise WrongDelivery(f"not an event: {payload[:300]!r}")

    def _write(self, content: bytes) -> None:
        if self._transport is not None:
            self._transport.write(content)


def server_frame(payload: bytes) -> bytes:
    """The frame in which a server sent this text, in the shortest form that it could have."""
    length = len(payload)
    if length < 126:
        return bytes((0x81, length)) + payload
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2) + payload
    return b"\x81\x7f" + length.to_bytes(8) + payload


def check_events(expected: Sequence[Event], frames: Sequence[bytes], operations: int) -> None:
    """Hold the frames of one subscriber against the events that it had to get, for each of its operations.

    Raises WrongDelivery.
    """
    seen: dict[str, list[Event]] = {str(number): [] for number in range(operations)}
    cursors: dict[str, set[str]] = {str(number): set() for number in range(operations)}
    for content in frames:
        for _, payload in split(content):
            message = orjson.loads(payload)
            if message["payload"].keys() != {"data"}:
                raise WrongDelivery(f"an event with errors: {payload[:400]!r}")
            event = message["payload"]["data"]["thingStateChanged"]
            seen[message["id"]].append(Event(event["thing"]["id"], event["version"], event["patch"]))
            cursors[message["id"]].add(event["cursor"])
    for number, events in seen.items():
        if events != list(expected):
            raise WrongDelivery(_difference(expected, events))
        if len(cursors[number]) != len(events):
            raise WrongDelivery(f"{len(events)} events with {len(cursors[number])} cursors")


def _difference(expected: Sequence[Event], seen: Sequence[Event]) -> str:
    for number, (left, right) in enumerate(zip(expected, seen, strict=False)):
        if left != right:
            return f"event {number} of {len(expected)} is {right} in place of {left}"
    return f"{len(seen)} events in place of {len(expected)}"
