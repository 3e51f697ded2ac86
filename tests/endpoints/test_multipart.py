"""Subscriptions as the parts of one answer, as Apollo's clients ask for them and Relay's through the same function."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import BodyPartReader, ClientSession, MultipartReader

from endpoints.multipart import MultipartStream
from endpoints.settings import EndpointSettings
from engine.execution import Answer
from tests.endpoints.laboratory import Caller, Served, served
from tests.endpoints.streaming import MULTIPART, asked, parts

TICKS = "subscription { ticks(count: 3) { number } }"
APOLLO = (
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9"
)
KOTLIN = 'multipart/mixed;subscriptionSpec="1.0", application/json'


def ticks(*numbers: int, field: str = "ticks") -> list[Any]:
    return [{"payload": {"data": {field: {"number": number}}}} for number in numbers]


@pytest.mark.parametrize("accept", [MULTIPART, APOLLO, KOTLIN])
async def test_every_event_is_a_part(gateway: Served, accept: str) -> None:
    async with parts(gateway, TICKS, headers={"Accept": accept}) as stream:
        assert await stream.next() == {}  # before there is an event
        assert await stream.rest() == ticks(0, 1, 2)
        headers = stream.response.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_bytes_that_clients_split_at(gateway: Served, http: ClientSession) -> None:
    """Apollo's client for iOS takes this spelling of the one header alone, and nothing behind the last boundary."""
    query = "subscription { ticks(count: 1) { number } }"
    async with http.post(f"{gateway.url}/graphql", **asked(query, accept=MULTIPART)) as response:
        assert await response.read() == (
            b"--graphql\r\ncontent-type: application/json\r\n\r\n{}\r\n"
            b'--graphql\r\ncontent-type: application/json\r\n\r\n{"payload":{"data":{"ticks":{"number":0}}}}\r\n'
            b"--graphql--"
        )


async def test_a_part_comes_with_the_boundary_behind_it(gateway: Served) -> None:
    """Without it the client would not know that the part has ended; this reader waits for it."""
    async with parts(gateway, 'subscription { gated(gate: "g") { number } }') as stream:
        assert await stream.part() == ticks(0, field="gated")[0]
        await gateway.laboratory.at("g").wait()
        assert gateway.laboratory.seen["g passed"] == 0


async def test_clients_that_are_built_on_aiohttp_are_told_the_length_of_parts(gateway: Served) -> None:
    """Its reader gives a part out at once then, though nothing else comes for long; so gql does."""
    query = 'subscription { gated(gate: "g") { number } }'
    async with (
        ClientSession() as http,
        http.post(f"{gateway.url}/graphql", **asked(query, accept=MULTIPART)) as response,
    ):
        reader = MultipartReader.from_response(response)
        beginning: list[Any] = [{}, *ticks(0, field="gated")]
        for expected in beginning:
            part = await reader.next()
            assert isinstance(part, BodyPartReader)
            assert await part.json() == expected
        await gateway.laboratory.at("g").wait()
        assert gateway.laboratory.seen["g passed"] == 0
        gateway.laboratory.gate("g").set()
        part = await reader.next()
        assert isinstance(part, BodyPartReader)
        assert await part.json() == ticks(1, field="gated")[0]
        assert await reader.next() is None


async def test_by_get_in_development(gateway: Served, http: ClientSession) -> None:
    parameters = {"query": TICKS}
    async with http.get(f"{gateway.url}/graphql", params=parameters, headers={"Accept": MULTIPART}) as response:
        assert response.status == 200
        assert (await response.read()).endswith(b"\r\n--graphql--")


async def test_queries_are_answered_in_json(gateway: Served, http: ClientSession) -> None:
    async with http.post(f"{gateway.url}/graphql", **asked("{ hello }", accept=APOLLO)) as response:
        assert response.content_type == "application/graphql-response+json"
    for query in ("{ hello }", 'mutation { note(what: "x") }'):
        async with http.post(f"{gateway.url}/graphql", **asked(query, accept=MULTIPART)) as response:
            assert response.status == 406
    assert gateway.laboratory.seen["noted x"] == 0


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        (KOTLIN, 200, "application/json"),
        (APOLLO, 400, "application/graphql-response+json"),
        (MULTIPART, 400, "application/graphql-response+json"),
    ],
)
async def test_a_document_that_cannot_run_is_one_answer(
    gateway: Served, http: ClientSession, accept: str, status: int, media_type: str
) -> None:
    async with http.post(f"{gateway.url}/graphql", **asked("subscription { nothing }", accept=accept)) as response:
        assert (response.status, response.content_type) == (status, media_type)
        answer = await response.json(content_type=None)
    assert answer["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


async def test_an_operation_that_fails_as_a_whole_ends_with_its_errors(gateway: Served) -> None:
    async with parts(gateway, "subscription { expired { number } }") as stream:
        [part] = await stream.rest()
    assert part["payload"]["errors"][0]["extensions"] == {"code": "CURSOR_EXPIRED"}
    assert set(part) == {"payload"}
    assert set(part["payload"]) == {"errors"}


async def test_a_source_that_breaks_leaks_nothing(gateway: Served) -> None:
    async with parts(gateway, "subscription { failing { number } }") as stream:
        first, last = await stream.rest()
    assert first == ticks(1, field="failing")[0]
    assert last["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in str(last)


async def test_an_event_with_a_failing_field_is_an_event_with_errors(gateway: Served) -> None:
    async with parts(gateway, "subscription { ticks(count: 2) { oddOnly } }") as stream:
        first, second = await stream.rest()
    assert first["payload"]["data"] == {"ticks": {"oddOnly": None}}
    assert first["payload"]["errors"][0]["extensions"] == {"code": "WRONG_STATE"}
    assert second == {"payload": {"data": {"ticks": {"oddOnly": 1}}}}


async def test_the_end_of_the_token_ends_the_stream_itself(gateway: Served) -> None:
    gateway.callers["Bearer brief"] = Caller("user_brief", time.time() + 0.3)
    async with parts(gateway, 'subscription { gated(gate: "g") { number } }', token="Bearer brief") as stream:
        first, last = await stream.rest()
    assert first == ticks(0, field="gated")[0]
    assert last["payload"] is None
    assert last["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert gateway.laboratory.seen["g ended"] == 1


async def test_stopping_the_gateway_says_where_to_go_on() -> None:
    async with served() as gateway:
        async with parts(gateway, 'subscription { gated(gate: "g") { number } }') as stream:
            await gateway.laboratory.at("g").wait()
            _, heard = await asyncio.gather(gateway.application.shutdown(), stream.rest())
        assert heard[0] == ticks(0, field="gated")[0]
        assert heard[1]["payload"] is None
        assert heard[1]["errors"][0]["extensions"] == {"code": "RESUME_REQUIRED", "cursor": None}
        await gateway.laboratory.at("g ended").wait()


async def test_refusals_before_the_stream_have_their_status(http: ClientSession) -> None:
    async with served(EndpointSettings(production=True)) as gateway:
        url = f"{gateway.url}/graphql"
        async with http.post(url, **asked(TICKS, accept=MULTIPART, token="Bearer mallory")) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
        async with http.get(url, params={"query": TICKS}, headers={"Accept": MULTIPART}) as response:
            assert response.status == 405


def test_the_cursor_of_the_last_event_is_told_when_the_gateway_stops() -> None:
    assert b'"cursor":"MC4xMjg4"' in MultipartStream().stopped("MC4xMjg4")
    encoded = Answer(encoded=b'{"data":{"a":1}}', cursor="MC4xMjg4")
    assert b'{"payload":{"data":{"a":1}}}' in MultipartStream().result(encoded)
