"""Answers that are JSON already are sent as they are, with the headers of all answers, whichever way a request took."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, HttpVersion10

from endpoints.application import SERVICE
from endpoints.settings import EndpointSettings
from engine.execution import Answer
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect

APP = "https://app.example.com"
GRAPHQL = "application/graphql-response+json"
ENCODED = b'{"data": {"as": ["it", "is"]}}'
BODY = orjson.dumps({"query": "{ hello }"})
HEAD = (
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Request-Id: check-01\r\n"
    b"Content-Length: %d\r\n" % len(BODY)
)


def encode(gateway: Served, encoded: bytes = ENCODED) -> None:
    """Let every operation have an answer that is JSON already."""

    async def execute(*_: object) -> Answer:
        return Answer(encoded=encoded)

    gateway.application[SERVICE].operations.execute = execute  # type: ignore[method-assign, assignment]


async def ask(http: ClientSession, url: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer; the headers that always differ are only looked at."""
    headers = {"Content-Type": "application/json", **more.pop("headers", {})}
    async with http.post(url, data=BODY, headers=headers, **more) as response:
        told = {name.lower(): value for name, value in response.headers.items()}
        assert parsedate_to_datetime(told.pop("date")).tzinfo is not None
        assert len(told.pop("x-request-id")) == 32
        assert len(told) == len(response.headers) - 2
        return response.status, told, await response.read()


@pytest.mark.parametrize("settings", [{}, {"allowed_origins": (APP,), "hsts_seconds": 60}, {"allowed_origins": ("*",)}])
@pytest.mark.parametrize("headers", [{}, {"Origin": APP}, {"Origin": "https://else.example.com"}, {"Accept": GRAPHQL}])
async def test_both_ways_send_the_same(http: ClientSession, settings: dict[str, Any], headers: dict[str, str]) -> None:
    async with served(EndpointSettings(**settings)) as gateway:
        encode(gateway)
        answers = [
            # The short way, twice for what is kept of the first; the way through the application; aiohttp's response.
            await ask(http, f"{gateway.url}/graphql", headers=headers),
            await ask(http, f"{gateway.url}/graphql", headers=headers),
            await ask(http, f"{gateway.url}/graphql?", headers=headers),
            await ask(http, f"{gateway.url}/graphql?a=b", headers=headers),
        ]
        closed = await ask(http, f"{gateway.url}/graphql", headers={**headers, "Connection": "close"})
        assert closed[1].pop("connection") == "close"
        answers.append(closed)
    status, told, body = answers[0]
    assert (status, body) == (200, ENCODED)
    assert told["content-type"] == f"{headers.get('Accept', 'application/json')}; charset=utf-8"
    assert told["cache-control"] == "no-store"
    assert told["server"] == "Fleetgraph"
    assert all(answer == answers[0] for answer in answers)


async def test_errors_have_the_same_headers_on_both_ways(http: ClientSession) -> None:
    async with served(EndpointSettings(allowed_origins=(APP,), hsts_seconds=60)) as gateway:
        for headers in ({"Authorization": "Bearer mallory"}, {"Content-Type": "text/plain"}, {"Origin": APP}):
            encode(gateway, b"")
            short = await ask(http, f"{gateway.url}/graphql", headers=headers)
            long = await ask(http, f"{gateway.url}/graphql?a=b", headers=headers)
            assert short == long
            assert short[1]["strict-transport-security"] == "max-age=60; includeSubDomains"
            assert short[1]["vary"] == "Origin"


async def test_a_long_answer_arrives_whole(gateway: Served, http: ClientSession) -> None:
    encoded = orjson.dumps({"data": "x" * 5_000_000})
    encode(gateway, encoded)
    for _ in range(2):
        status, told, body = await ask(http, f"{gateway.url}/graphql")
        assert (status, int(told["content-length"])) == (200, len(encoded))
        assert body == encoded


async def test_older_clients_get_an_answer_of_their_version(gateway: Served) -> None:
    encode(gateway)
    async with ClientSession(version=HttpVersion10) as http:
        status, told, body = await ask(http, f"{gateway.url}/graphql")
        assert (status, body) == (200, ENCODED)
        assert told.get("connection", "close") in ("close", "keep-alive")


async def test_requests_on_one_connection_are_answered_in_turn(gateway: Served) -> None:
    encode(gateway)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write((HEAD + b"\r\n" + BODY) * 3)
    for _ in range(3):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nX-Request-Id: check-01\r\n" in head
        assert await reader.readexactly(len(ENCODED)) == ENCODED
    writer.close()
    await writer.wait_closed()


async def test_a_client_may_ask_before_it_sends_the_body(gateway: Served) -> None:
    encode(gateway)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(HEAD + b"Expect: 100-continue\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 Continue")
    writer.write(BODY)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
    assert await reader.readexactly(len(ENCODED)) == ENCODED
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_has_gone_harms_nobody(gateway: Served, http: ClientSession) -> None:
    operations = gateway.application[SERVICE].operations
    leaving = asyncio.Event()

    async def execute(*_: object) -> Answer:
        writer.transport.abort()
        leaving.set()
        return Answer(encoded=orjson.dumps("x" * 1_000_000))

    operations.execute = execute  # type: ignore[method-assign, assignment]
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(HEAD + b"\r\n" + BODY)
    await leaving.wait()
    encode(gateway)
    assert (await ask(http, f"{gateway.url}/graphql"))[2] == ENCODED


async def test_a_socket_carries_it_as_it_is(gateway: Served) -> None:
    encode(gateway)
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("a", "{ hello }")
        assert await wire.until_complete("a") == [
            {"id": "a", "type": "next", "payload": {"data": {"as": ["it", "is"]}}},
            {"id": "a", "type": "complete"},
        ]


async def test_the_short_way_is_taken(gateway: Served, http: ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything works without it, so that only this test would miss it."""
    seen: list[str] = []
    resolve = gateway.application.router.resolve

    async def noting(request: Any) -> Any:
        seen.append(f"{request.method} {request.raw_path}")
        return await resolve(request)

    monkeypatch.setattr(gateway.application.router, "resolve", noting)
    encode(gateway)
    for path, status in (("/graphql", 200), ("/graphql?a=b", 200), ("/graphql/", 404), ("/healthz", 405)):
        async with http.post(f"{gateway.url}{path}", json={"query": "{ hello }"}) as response:
            assert response.status == status
    async with http.get(f"{gateway.url}/graphql?query={{hello}}") as response:
        assert response.status == 200
    assert seen == ["POST /graphql?a=b", "POST /graphql/", "POST /healthz", "GET /graphql?query=%7Bhello%7D"]
