"""Subscribers count what comes, and an event that is missing, doubled, changed or out of order is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
import pytest

from bench.live_clients import Crowd, Event, Group, WrongDelivery, check_events, server_frame
from bench.live_frames import frame, split

EVENTS = [Event(f"thing_{number % 2}", number, {"number": number}) for number in range(1, 5)]
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"


def encoded(event: Event, *, operation: str = "0", cursor: str | None = None) -> bytes:
    told = {
        "cursor": cursor or f"c{event.version}",
        "version": event.version,
        "patch": event.patch,
        "thing": {"id": event.thing},
    }
    return orjson.dumps({"id": operation, "type": "next", "payload": {"data": {"thingStateChanged": told}}})


class Server(asyncio.Protocol):
    """Speaks as much of the protocol as the clients need."""

    connections: list[Server]

    def __init__(self, acknowledgement: bytes = b'{"type":"connection_ack"}') -> None:
        self.acknowledgement = acknowledgement
        self.subscribed: list[dict[str, Any]] = []
        self.ponged: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self.connections.append(self)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET "):
            self.transport.write(UPGRADED)
            return
        self.received += data
        while len(self.received) >= 6:
            length, head = self.received[1] & 0x7F, 6
            if length == 126:
                length, head = int.from_bytes(self.received[2:4]), 8
            if len(self.received) < head + length:
                return
            opcode, payload = self.received[0] & 0xF, self.received[head : head + length]
            self.received = self.received[head + length :]
            self.take(opcode, payload)

    def take(self, opcode: int, payload: bytes) -> None:
        if opcode == 0xA:
            self.ponged.set_result(payload)
            return
        match orjson.loads(payload)["type"]:
            case "connection_init":
                self.send(self.acknowledgement)
            case "subscribe":
                self.subscribed.append(orjson.loads(payload))
            case "ping":
                self.send(b'{"type":"pong"}')

    def send(self, *payloads: bytes) -> None:
        self.transport.write(b"".join(map(server_frame, payloads)))


@asynccontextmanager
async def serving(make: Callable[[], Server] = Server) -> AsyncIterator[tuple[int, list[Server]]]:
    """A server, and its connections in the order in which they were made."""
    connections: list[Server] = []

    def connect() -> Server:
        server = make()
        server.connections = connections
        return server

    server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], connections


@asynccontextmanager
async def joined(number: int = 2, *, operations: int = 1) -> AsyncIterator[tuple[Crowd, Group, list[Server]]]:
    """Subscribers of one group, all live."""
    async with serving() as (port, connections):
        crowd, group = Crowd(port, "subscription", "Bearer x", operations=operations), Group({})
        try:
            await crowd.join([(group, number)])
            yield crowd, group, connections
        finally:
            await crowd.close()


async def test_what_arrives_is_counted_and_timed() -> None:
    async with joined(3) as (crowd, group, connections):
        crowd.expect(EVENTS)
        assert crowd.outstanding == 12
        for server in connections:
            server.send(*map(encoded, EVENTS))
        await crowd.wait(seconds=5)
        assert crowd.verify() == 12
        assert [client.count for client in group.clients] == [4, 4, 4]
        assert len(crowd.latencies) == 12
        assert all(0 <= seconds < 5 for seconds in crowd.latencies)
        crowd.forget()
        assert (crowd.verify(), crowd.outstanding) == (0, 0)


async def test_events_come_in_pieces_and_among_other_frames() -> None:
    async with joined(2) as (crowd, _, [first, second]):
        crowd.expect(EVENTS)
        content = b"".join(server_frame(encoded(event)) for event in EVENTS)
        for start in range(0, len(content), 17):
            first.transport.write(content[start : start + 17])
            await asyncio.sleep(0)
        second.send(encoded(EVENTS[0]))
        second.transport.write(b"\x89\x02hi" + content[len(server_frame(encoded(EVENTS[0]))) :])
        await crowd.wait(seconds=5)
        assert crowd.verify() == 8
        async with asyncio.timeout(5):
            assert await second.ponged == b"hi"


async def test_every_operation_of_a_socket_gets_every_event() -> None:
    async with joined(1, operations=2) as (crowd, _, [server]):
        assert [message["id"] for message in server.subscribed] == ["0", "1"]
        crowd.expect(EVENTS)
        server.send(*(encoded(event, operation=operation) for event in EVENTS for operation in ("0", "1")))
        await crowd.wait(seconds=5)
        assert crowd.verify() == 8


async def test_only_groups_of_a_thing_get_its_events() -> None:
    async with serving() as (port, connections):
        crowd = Crowd(port, "subscription", None)
        groups = [Group({"n": number}, frozenset((f"thing_{number}",))) for number in range(2)]
        try:
            await crowd.join((group, 1) for group in groups)
            crowd.expect(EVENTS)
            for server in connections:
                number = server.subscribed[0]["payload"]["variables"]["n"]
                server.send(*(encoded(event) for event in EVENTS if event.thing == f"thing_{number}"))
            await crowd.wait(seconds=5)
            assert crowd.verify() == 4
            assert groups[0].events == EVENTS[1::2]
        finally:
            await crowd.close()


async def test_a_missing_event_is_noticed() -> None:
    async with joined(2) as (crowd, _, [first, second]):
        crowd.expect(EVENTS)
        first.send(*map(encoded, EVENTS))
        second.send(*map(encoded, EVENTS[:-1]))
        with pytest.raises(WrongDelivery, match="1 of 8 deliveries did not arrive"):
            await crowd.wait(seconds=0.1)
        with pytest.raises(WrongDelivery, match=r"got (4 and 3|3 and 4) events"):
            crowd.verify()


async def test_an_event_that_nobody_gets_is_noticed() -> None:
    async with joined(1) as (crowd, _, [server]):
        crowd.expect(EVENTS[:1])
        server.send(encoded(EVENTS[0]), encoded(EVENTS[0], cursor="other"))
        await crowd.wait(seconds=5)
        await asyncio.sleep(0.05)
        with pytest.raises(WrongDelivery, match="2 events in place of 1"):
            crowd.verify()


async def test_other_bytes_for_one_of_a_group_are_noticed() -> None:
    async with joined(2) as (crowd, _, [first, second]):
        crowd.expect(EVENTS)
        first.send(*map(encoded, EVENTS))
        second.send(*map(encoded, EVENTS[:-1]), encoded(EVENTS[-1], cursor="another"))
        await crowd.wait(seconds=5)
        with pytest.raises(WrongDelivery, match="sums of their bytes"):
            crowd.verify()


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b'{"id":"0","type":"error","payload":[{"message":"CURSOR_EXPIRED"}]}', "CURSOR_EXPIRED"),
        (b'{"id":"0","type":"complete"}', "complete"),
    ],
)
async def test_the_end_of_a_subscription_ends_the_run(message: bytes, told: str) -> None:
    async with joined(1) as (crowd, _, [server]):
        crowd.expect(EVENTS)
        waiting = asyncio.create_task(crowd.wait(seconds=5))
        await asyncio.sleep(0)
        server.send(message)
        with pytest.raises(WrongDelivery, match=told):
            await waiting


async def test_a_closed_connection_ends_the_run() -> None:
    async with joined(1) as (crowd, _, [server]):
        crowd.expect(EVENTS)
        waiting = asyncio.create_task(crowd.wait(seconds=5))
        await asyncio.sleep(0)
        server.transport.close()
        with pytest.raises(WrongDelivery, match="closed a connection"):
            await waiting


async def test_a_refusal_is_told() -> None:
    async with serving(lambda: Server(b'{"type":"connection_error"}')) as (port, _):
        crowd = Crowd(port, "subscription", None)
        with pytest.raises(WrongDelivery, match="connection_error"):
            await crowd.join([(Group({}), 1)], seconds=5)
        await crowd.close()


def frames_of(*events: tuple[Event, str]) -> list[bytes]:
    return [b"".join(server_frame(encoded(event, cursor=cursor)) for event, cursor in events)]


def test_the_events_of_a_subscriber_are_read() -> None:
    one, two = EVENTS[:2]
    check_events([one, two], frames_of((one, "a"), (two, "b")), 1)
    with pytest.raises(WrongDelivery, match="event 0 of 2"):
        check_events([one, two], frames_of((two, "b"), (one, "a")), 1)
    with pytest.raises(WrongDelivery, match="1 events in place of 2"):
        check_events([one, two], frames_of((one, "a")), 1)
    with pytest.raises(WrongDelivery, match="2 events in place of 1"):
        check_events([one], frames_of((one, "a"), (one, "a")), 1)
    with pytest.raises(WrongDelivery, match="with 1 cursors"):
        check_events([one, two], frames_of((one, "a"), (two, "a")), 1)
    with pytest.raises(WrongDelivery, match="event 0 of 1"):
        check_events([Event(one.thing, one.version, {"number": 99})], frames_of((one, "a")), 1)


def test_an_event_with_errors_is_noticed() -> None:
    message = {"id": "0", "type": "next", "payload": {"data": None, "errors": [{"message": "x"}]}}
    with pytest.raises(WrongDelivery, match="with errors"):
        check_events([], [server_frame(orjson.dumps(message))], 1)


def test_a_clients_subscription_is_a_frame_for_each_operation_and_a_ping() -> None:
    crowd = Crowd(1, "subscription { x }", None, operations=2)
    sent = crowd.subscription(Group({"a": 1}))
    payload = {"query": "subscription { x }", "variables": {"a": 1}}
    wanted = [{"id": str(number), "type": "subscribe", "payload": payload} for number in range(2)]
    assert sent == b"".join(frame(orjson.dumps(message)) for message in [*wanted, {"type": "ping"}])
    assert list(split(server_frame(b"x"))) == [(1, b"x")]
