"""graphql-transport-ws: the handshake, the close codes, and the bounds of a socket."""

from __future__ import annotations

import asyncio
import socket as sockets
import time

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from endpoints.settings import EndpointSettings, SocketSettings
from tests.endpoints.laboratory import Caller, Served, served
from tests.endpoints.wire import connect


def settings(**values: float) -> EndpointSettings:
    return EndpointSettings(production=False, sockets=SocketSettings(**values))  # type: ignore[arg-type]


async def test_ping_is_answered_before_and_after_initialisation(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.say({"type": "ping"})
        assert await wire.hear() == {"type": "pong"}
        await wire.initialise()
        await wire.say({"type": "ping", "payload": {"big": "x" * 1000}})
        assert await wire.hear() == {"type": "pong"}
        await wire.say({"type": "pong"})
        await wire.say({"type": "ping"})
        assert await wire.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    "message",
    [
        "not json",
        "[]",
        "1",
        "{}",
        '{"type": "start"}',
        '{"type": 1}',
        '{"type": "connection_init", "payload": 5}',
        '{"type": "connection_init", "payload": {"authorization": 5}}',
        '{"type": "ping", "payload": "text"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": [{"query": "{ hello }"}]}',
        '{"type": "complete"}',
        '{"type": "ping", "payload": {"x": NaN}}',
        '{"type": "ping", "payload": {"x": "\\ud800"}}',
    ],
)
async def test_messages_outside_the_protocol_close_with_4400(gateway: Served, message: str) -> None:
    async with connect(gateway.url) as wire:
        await wire.say(message)
        assert (await wire.closed())[0] == 4400


async def test_binary_messages_close_with_4400(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.socket.send_bytes(b'{"type":"ping"}')
        assert (await wire.closed())[0] == 4400


async def test_subscribing_before_initialisation_closes_with_4401(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.subscribe("1", "{ hello }")
        assert await wire.closed() == (4401, "Unauthorized")


async def test_bad_credentials_close_with_4403(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.say({"type": "connection_init", "payload": {"authorization": "Bearer mallory"}})
        assert await wire.closed() == (4403, "Forbidden")


async def test_a_fault_while_signing_in_closes_with_4500(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.say({"type": "connection_init", "payload": {"authorization": "Bearer broken"}})
        assert await wire.closed() == (4500, "Internal error")


async def test_credentials_may_come_with_the_handshake(gateway: Served) -> None:
    async with connect(gateway.url, headers={"Authorization": "Bearer bob"}) as wire:
        await wire.initialise()
        await wire.subscribe("1", "{ whoami }")
        assert (await wire.hear())["payload"] == {"data": {"whoami": "user_bob"}}


async def test_a_second_initialisation_closes_with_4429(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.say({"type": "connection_init"})
        assert await wire.closed() == (4429, "Too many initialisation requests")


async def test_an_id_in_use_closes_with_4409(gateway: Served) -> None:
    async with connect(gateway.url) as wire:
        await wire.initialise()
        name = "ünïcode" * 30
        await wire.subscribe(name, '{ held(gate: "g") }')
        await wire.subscribe(name, "{ hello }")
        code, reason = await wire.closed()
    assert code == 4409
    assert reason.startswith("Subscriber for ünïcode")
    await gateway.laboratory.at("g cancelled").wait()


async def test_no_initialisation_in_time_closes_with_4408() -> None:
    async with served(settings(init_seconds=0.05)) as gateway, connect(gateway.url) as wire:
        assert await wire.closed() == (4408, "Connection initialisation timeout")


async def test_initialised_sockets_outlive_the_time_for_it() -> None:
    async with served(settings(init_seconds=0.2)) as gateway, connect(gateway.url) as wire:
        await wire.initialise("Bearer alice")
        await wire.subscribe("s", 'subscription { gated(gate: "g") { number } }')
        assert (await wire.hear())["type"] == "next"
        await asyncio.sleep(0.4)
        gateway.laboratory.gate("g").set()
        assert [message["type"] for message in await wire.until_complete("s")] == ["next", "complete"]


async def test_the_end_of_the_token_closes_with_4403(gateway: Served) -> None:
    gateway.callers["Bearer brief"] = Caller("user_brief", time.time() + 0.3)
    async with connect(gateway.url) as wire:
        await wire.initialise("Bearer brief")
        await wire.subscribe("s", 'subscription { gated(gate: "g") { number } }')
        assert await wire.closed() == (4403, "The token has expired")
    await gateway.laboratory.at("g ended").wait()


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",)])
async def test_other_subprotocols_close_with_4406(gateway: Served, protocols: tuple[str, ...]) -> None:
    async with connect(gateway.url, protocols=protocols) as wire:
        assert (await wire.closed())[0] == 4406


async def test_messages_that_are_too_long_close_with_1009() -> None:
    async with served(settings(message_bytes=1000)) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("1", "{ hello }" + " " * 2000)
        assert (await wire.closed())[0] == 1009


async def test_stopping_the_gateway_closes_with_1001() -> None:
    async with served() as gateway:
        async with connect(gateway.url) as wire:
            await wire.initialise()
            await wire.subscribe("s", 'subscription { gated(gate: "g") { number } }')
            await gateway.laboratory.at("g").wait()
            _, closed = await asyncio.gather(gateway.application.shutdown(), wire.closed())
        assert closed == (1001, "Going away")
        await gateway.laboratory.at("g ended").wait()


async def test_a_principal_may_open_so_many_sockets() -> None:
    async with served(settings(sockets_per_principal=2)) as gateway:
        async with connect(gateway.url) as one, connect(gateway.url) as two:
            await one.initialise("Bearer alice")
            await two.initialise("Bearer alice")
            async with connect(gateway.url) as three:
                await three.say({"type": "connection_init", "payload": {"authorization": "Bearer alice"}})
                assert await three.closed() == (1013, "Too many connections")
            async with connect(gateway.url) as other:
                await other.initialise("Bearer bob")
        async with connect(gateway.url) as again:
            await again.initialise("Bearer alice")


async def test_sockets_of_nobody_are_few() -> None:
    async with served(settings(anonymous_sockets=1)) as gateway, connect(gateway.url) as one:
        await one.say({"type": "ping"})
        await one.hear()
        with pytest.raises(WSServerHandshakeError) as refused:
            async with connect(gateway.url):
                pass
        assert refused.value.status == 503
        # Who is signed in makes room.
        await one.initialise("Bearer alice")
        async with connect(gateway.url) as two:
            await two.initialise("Bearer bob")


async def test_a_socket_may_run_so_many_operations() -> None:
    async with served(settings(operations=2)) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("1", '{ held(gate: "a") }')
        await wire.subscribe("2", '{ held(gate: "b") }')
        await wire.subscribe("3", "{ hello }")
        message = await wire.hear()
        assert (message["id"], message["type"]) == ("3", "error")
        assert message["payload"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}
        gateway.laboratory.gate("a").set()
        assert [heard["type"] for heard in await wire.until_complete("1")] == ["next", "complete"]
        await wire.subscribe("3", "{ hello }")
        assert [heard["type"] for heard in await wire.until_complete("3")] == ["next", "complete"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("same", 101),
        ("https://app.example.com", 101),
        ("https://APP.example.com", 101),
        ("https://evil.example.com", 403),
        ("null", 403),
        ("https://app.example.com.evil.example.com", 403),
    ],
)
async def test_pages_of_other_origins_may_not_connect(origin: str | None, status: int) -> None:
    allowed = EndpointSettings(production=False, allowed_origins=("https://app.example.com",))
    async with served(allowed) as gateway, ClientSession() as http:
        headers = {} if origin is None else {"Origin": gateway.url if origin == "same" else origin}
        try:
            async with http.ws_connect(f"{gateway.url}/graphql", protocols=["graphql-transport-ws"], headers=headers):
                got = 101
        except WSServerHandshakeError as error:
            got = error.status
    assert got == status


async def test_the_server_pings_and_drops_who_does_not_answer() -> None:
    async with (
        served(settings(ping_seconds=0.1)) as gateway,
        ClientSession() as http,
        http.ws_connect(f"{gateway.url}/graphql", protocols=["graphql-transport-ws"], autoping=False) as socket,
    ):
        assert (await socket.receive(timeout=10)).type is WSMsgType.PING
        # This client stays silent, and is let go.
        while (frame := await socket.receive(timeout=10)).type is WSMsgType.PING:
            pass
        assert frame.type in (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE)


async def test_a_client_that_does_not_read_pauses_its_subscription_and_is_cut() -> None:
    """The source stands still while nothing is read: what waits is bounded by the buffers, not by the source."""
    slow = settings(send_seconds=0.3, buffer_bytes=1000, ping_seconds=60)
    async with served(slow, send_buffer=4096) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        assert wire.socket._response.connection is not None
        transport = wire.socket._response.connection.transport
        assert transport is not None
        transport.pause_reading()
        await wire.subscribe("s", "subscription { ticks(count: 100000, size: 10000) { text } }")
        await gateway.laboratory.at("ticks ended").wait()
        # A gigabyte was to be sent; what was taken from the source is what the buffers of the system hold.
        assert gateway.laboratory.seen["tick"] < 5000
        await gateway.laboratory.at("context closed").wait()
        transport.abort()


async def test_a_flood_of_pings_without_reading_stops_being_read() -> None:
    """Who never takes an answer is not read without end either: the socket is cut, and the flood with it."""
    async with served(settings(send_seconds=0.3, buffer_bytes=1000), send_buffer=4096) as gateway:
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", gateway.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
        writer.write(
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        text = b'{"type":"ping"}'
        frames = (bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text) * 1000

        async def flood() -> None:
            while True:
                writer.write(frames)
                await writer.drain()

        try:
            with pytest.raises(ConnectionError):
                await flood()
        finally:
            writer.transport.abort()
