"""The bounds of streams over HTTP, whichever way they are written: places, silence, slow clients, and those that go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import ClientSession

from endpoints.application import METRICS
from endpoints.service import GraphQLService
from endpoints.settings import EndpointSettings, SocketSettings
from engine.execution import Answer
from tests.endpoints.conftest import Logs
from tests.endpoints.laboratory import Served, served
from tests.endpoints.streaming import EVENT_STREAM, MULTIPART, Events, Parts, asked, events, parts, tasks, unread, until
from tests.endpoints.wire import connect

GATED = 'subscription { gated(gate: "g") { number } }'
MUCH = "subscription { ticks(count: 100000, size: 10000) { text } }"

Watch = Callable[..., AbstractAsyncContextManager[Events | Parts]]
both = pytest.mark.parametrize(("watch", "accept"), [(events, EVENT_STREAM), (parts, MULTIPART)])


def settings(**values: float) -> EndpointSettings:
    return EndpointSettings(production=False, sockets=SocketSettings(**values))  # type: ignore[arg-type]


def level(gateway: Served, name: str) -> float | None:
    return gateway.application[METRICS].registry.get_sample_value(name)


async def first(stream: Events | Parts) -> Any:
    """The first event; the stream goes on."""
    return await (stream.event() if isinstance(stream, Events) else stream.part())


async def attempt(gateway: Served, accept: str, token: str | None = None) -> int:
    """The status of the answer to another subscription."""
    async with (
        ClientSession() as http,
        http.post(f"{gateway.url}/graphql", **asked(GATED, accept=accept, token=token)) as response,
    ):
        return response.status


@both
async def test_a_client_that_goes_away_leaves_nothing_behind(watch: Watch, accept: str) -> None:
    async with served(settings(sockets_per_principal=1)) as gateway:
        before = tasks()
        async with watch(gateway, GATED, token="Bearer alice") as stream:
            await first(stream)
            await gateway.laboratory.at("g").wait()
            assert level(gateway, "fleetgraph_http_streams") == 1
            assert level(gateway, "fleetgraph_subscriptions") == 1
            assert await attempt(gateway, accept, "Bearer alice") == 429
        await gateway.laboratory.at("g ended").wait()
        assert gateway.laboratory.seen["g cancelled"] == 1
        await until(lambda: level(gateway, "fleetgraph_http_streams") == 0)
        await until(lambda: level(gateway, "fleetgraph_subscriptions") == 0)
        await until(lambda: gateway.laboratory.seen["context closed"] == 2)
        await until(lambda: tasks() <= before)
        assert await attempt(gateway, accept, "Bearer alice") == 200


@both
async def test_a_stream_that_ends_leaves_nothing_behind(watch: Watch, accept: str) -> None:
    async with served() as gateway:
        before = tasks()
        async with watch(gateway, "subscription { ticks(count: 3) { number } }") as stream:
            assert len(await stream.rest()) >= 3
        await until(lambda: tasks() <= before)
        assert level(gateway, "fleetgraph_http_streams") == 0
        assert level(gateway, "fleetgraph_subscriptions") == 0
        assert level(gateway, "fleetgraph_subscription_events_total") == 3


@both
async def test_streams_and_sockets_share_their_places(watch: Watch, accept: str) -> None:
    async with (
        served(settings(sockets_per_principal=2)) as gateway,
        connect(gateway.url) as wire,
        watch(gateway, GATED, token="Bearer alice") as stream,
    ):
        await wire.initialise("Bearer alice")
        await first(stream)
        assert await attempt(gateway, accept, "Bearer alice") == 429
        async with connect(gateway.url) as three:
            await three.say({"type": "connection_init", "payload": {"authorization": "Bearer alice"}})
            assert await three.closed() == (1013, "Too many connections")
        async with watch(gateway, GATED, token="Bearer bob") as other:
            await first(other)


@both
async def test_streams_of_nobody_are_few(watch: Watch, accept: str) -> None:
    async with served(settings(anonymous_sockets=1)) as gateway, watch(gateway, GATED) as stream:
        await first(stream)
        assert await attempt(gateway, accept) == 503
        # Who is signed in needs no place among those.
        async with watch(gateway, GATED, token="Bearer alice") as other:
            await first(other)


@both
async def test_a_process_has_so_many_places(watch: Watch, accept: str) -> None:
    async with served(settings(sockets=1)) as gateway, watch(gateway, GATED, token="Bearer alice") as stream:
        await first(stream)
        assert await attempt(gateway, accept, "Bearer bob") == 503
        # What is answered at once takes none.
        async with ClientSession() as http:
            request = asked("{ hello }", accept=f"{EVENT_STREAM}, application/json")
            async with http.post(f"{gateway.url}/graphql", **request) as response:
                assert response.status == 200


@both
async def test_a_silent_stream_shows_that_it_lives(watch: Watch, accept: str) -> None:
    async with served(settings(ping_seconds=0.1)) as gateway, watch(gateway, GATED) as stream:
        await first(stream)
        assert [await stream.next() or None for _ in range(5)] == [None] * 5
        gateway.laboratory.gate("g").set()
        assert len(await stream.rest()) >= 1


@both
async def test_a_client_that_does_not_read_pauses_its_subscription_and_is_cut(watch: Watch, accept: str) -> None:
    """The source stands still while nothing is read: what waits is bounded by the buffers, not by the source."""
    slow = settings(send_seconds=0.3, buffer_bytes=1000, ping_seconds=60)
    async with served(slow, send_buffer=4096) as gateway:
        before = tasks()
        async with unread(gateway, MUCH, accept):
            await gateway.laboratory.at("ticks ended").wait()
            # A gigabyte was to be sent; what was taken from the source is what the buffers of the system hold.
            assert gateway.laboratory.seen["tick"] < 5000
            await until(lambda: level(gateway, "fleetgraph_http_streams") == 0)
            await until(lambda: tasks() <= before)


@both
async def test_a_client_that_takes_nothing_of_what_waits_for_it_is_cut(watch: Watch, accept: str) -> None:
    """The subscription itself has nothing more to send, so only who looks after the stream can notice."""
    slow = settings(send_seconds=0.2, ping_seconds=0.1, buffer_bytes=1_000_000)
    query = 'subscription { gated(gate: "g", size: 500000) { text } }'
    async with served(slow, send_buffer=4096) as gateway:
        before = tasks()
        async with unread(gateway, query, accept):
            await gateway.laboratory.at("g cancelled").wait()
            await until(lambda: level(gateway, "fleetgraph_http_streams") == 0)
            await until(lambda: tasks() <= before)


@both
async def test_a_slow_client_gets_everything(watch: Watch, accept: str) -> None:
    query = "subscription { ticks(count: 50, size: 10000) { number text } }"
    few = settings(buffer_bytes=1000)
    async with served(few, send_buffer=4096) as gateway, watch(gateway, query) as stream:
        heard = await stream.rest()
    numbers = [
        event["payload"]["data"]["ticks"]["number"]
        if isinstance(event, dict)
        else event.data["data"]["ticks"]["number"]
        for event in heard[:50]
    ]
    assert numbers == list(range(50))


@both
async def test_an_older_client_of_http_reads_to_the_end_of_the_connection(watch: Watch, accept: str) -> None:
    async with served() as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        body = b'{"query":"subscription { ticks(count: 1) { number } }"}'
        head = (
            f"POST /graphql HTTP/1.0\r\nHost: x\r\nAccept: {accept}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert b"Transfer-Encoding" not in answer
        assert b'{"data":{"ticks":{"number":0}}}' in answer


@both
@pytest.mark.parametrize("kind", [ConnectionRefusedError, TimeoutError, RuntimeError])
async def test_a_fault_behind_a_stream_is_logged_and_told_as_one(
    watch: Watch, accept: str, kind: type[Exception], logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is lost is not a client that has gone."""

    async def broken(*_: Any, **__: Any) -> AsyncGenerator[Answer, None]:
        yield Answer(data={"number": 1})
        raise kind("hunter2")

    monkeypatch.setattr(GraphQLService, "subscribe", broken)
    async with served() as gateway, watch(gateway, GATED) as stream:
        heard = await stream.rest()
    assert "hunter2" not in str(heard)
    assert "INTERNAL" in str(heard)
    assert [line["level"] for line in logs.lines if "hunter2" in str(line)] == ["error"]
