"""Operations as server-sent events: the protocol of npm `graphql-sse`, with distinct connections."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import ClientSession

from endpoints.settings import CostSettings, EndpointSettings
from endpoints.sse import EventStream
from engine.execution import Answer
from tests.endpoints.conftest import Logs
from tests.endpoints.laboratory import Caller, Served, served
from tests.endpoints.streaming import COMPLETE, EVENT_STREAM, Event, asked, events

OF_THE_REQUEST = {"Date", "X-Request-ID", "X-Request-Id"}
TICKS = "subscription { ticks(count: 3) { number } }"


def ticks(*numbers: int, field: str = "ticks") -> list[Event]:
    return [Event("next", {"data": {field: {"number": number}}}) for number in numbers]


async def test_a_subscription_sends_its_events_in_order_and_completes(gateway: Served) -> None:
    async with events(gateway, TICKS) as stream:
        assert await stream.rest() == [*ticks(0, 1, 2), COMPLETE]
        headers = stream.response.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Transfer-Encoding"] == "chunked"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(headers["X-Request-Id"]) == 32


async def test_the_way_through_the_application_gives_the_same_headers(gateway: Served, http: ClientSession) -> None:
    seen = []
    for path in ("/graphql", "/graphql?long=way"):
        async with http.post(f"{gateway.url}{path}", **asked(TICKS, accept=EVENT_STREAM)) as response:
            assert b"event: complete" in await response.read()
            seen.append([(name, value) for name, value in response.headers.items() if name not in OF_THE_REQUEST])
    assert seen[0] == seen[1]


async def test_a_connection_goes_on_behind_a_stream(gateway: Served, http: ClientSession) -> None:
    for _ in range(2):
        async with http.post(f"{gateway.url}/graphql", **asked(TICKS, accept=EVENT_STREAM)) as response:
            await response.read()
    async with http.post(f"{gateway.url}/graphql", json={"query": "{ hello }"}) as response:
        assert await response.json() == {"data": {"hello": "hello world"}}
    assert len(http.connector._conns) == 1  # type: ignore[union-attr]


async def test_the_answer_begins_before_there_is_an_event(gateway: Served) -> None:
    async with events(gateway, 'subscription { ticks(count: 1) { held(gate: "g") } }') as stream:
        assert await stream.next() is None
        gateway.laboratory.gate("g").set()
        assert await stream.rest() == [Event("next", {"data": {"ticks": {"held": "g"}}}), COMPLETE]


async def test_a_subscription_by_get_in_development(gateway: Served, http: ClientSession) -> None:
    parameters = {"query": "subscription S($n: Int!) { ticks(count: $n) { number } }", "variables": '{"n": 1}'}
    headers = {"Accept": EVENT_STREAM}
    async with http.get(f"{gateway.url}/graphql", params=parameters, headers=headers) as response:
        assert response.status == 200
        assert (await response.text()).startswith(":\n\nevent: next\ndata: {")


async def test_production_gets_registered_subscriptions_alone(http: ClientSession) -> None:
    headers = {"Accept": EVENT_STREAM}
    async with served(EndpointSettings(production=True), registered={"ticks": TICKS}) as gateway:
        url = f"{gateway.url}/graphql"
        async with http.get(url, params={"documentId": "ticks"}, headers=headers) as response:
            assert response.status == 200
            assert (await response.text()).endswith("event: complete\ndata:\n\n")
        async with http.get(url, params={"query": TICKS}, headers=headers) as response:
            assert response.status == 405


@pytest.mark.parametrize("accept", [EVENT_STREAM, f"{EVENT_STREAM}, application/json;q=0.5"])
async def test_queries_and_mutations_are_one_event(gateway: Served, http: ClientSession, accept: str) -> None:
    for query, data in (
        ("{ whoami }", {"whoami": "user_alice"}),
        ('mutation { note(what: "rain") }', {"note": "rain"}),
    ):
        request = asked(query, accept=accept, token="Bearer alice")
        async with http.post(f"{gateway.url}/graphql", **request) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert response.headers["Cache-Control"] == "no-store"
            name, body = next(iter(data.items()))
            expected = f'event: next\ndata: {{"data":{{"{name}":"{body}"}}}}\n\nevent: complete\ndata:\n\n'
            assert await response.text() == expected


async def test_a_query_is_answered_in_json_for_who_takes_both(gateway: Served, http: ClientSession) -> None:
    both = f"application/json, {EVENT_STREAM}"
    async with http.post(f"{gateway.url}/graphql", **asked("{ hello }", accept=both)) as response:
        assert await response.json() == {"data": {"hello": "hello world"}}
    async with http.post(f"{gateway.url}/graphql", **asked(TICKS, accept=both)) as response:
        assert response.content_type == EVENT_STREAM


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("query($n: Int!) { number(value: $n) }", "BAD_USER_INPUT"),
        ("subscription($n: Int!) { ticks(count: $n) { number } }", "BAD_USER_INPUT"),
        ("subscription { expired { number } }", "CURSOR_EXPIRED"),
        ("{ unwritable }", "INTERNAL"),
        ("subscription { unwritable }", "INTERNAL"),
    ],
)
async def test_what_is_refused_is_told_in_the_stream(gateway: Served, query: str, code: str) -> None:
    async with events(gateway, query) as stream:
        first, *rest = await stream.rest()
    assert first.name == "next"
    assert first.data["errors"][0]["extensions"]["code"] == code
    assert "data" not in first.data
    assert rest == [COMPLETE]


async def test_an_event_with_a_failing_field_is_an_event_with_errors(gateway: Served) -> None:
    async with events(gateway, "subscription { ticks(count: 2) { oddOnly } }") as stream:
        first, *rest = await stream.rest()
    assert first.data["data"] == {"ticks": {"oddOnly": None}}
    assert first.data["errors"][0]["extensions"] == {"code": "WRONG_STATE"}
    assert rest == [Event("next", {"data": {"ticks": {"oddOnly": 1}}}), COMPLETE]


async def test_a_source_that_breaks_ends_with_an_error_that_leaks_nothing(gateway: Served) -> None:
    async with events(gateway, "subscription { failing { number } }") as stream:
        first, second, last = await stream.rest()
    assert first == ticks(1, field="failing")[0]
    assert second.data["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in str(second)
    assert last == COMPLETE


async def test_refusals_before_the_stream_have_their_status(gateway: Served, http: ClientSession) -> None:
    url = f"{gateway.url}/graphql"
    for request, status in (
        (asked(TICKS, accept=EVENT_STREAM, token="Bearer mallory"), 401),
        (asked(TICKS, accept="multipart/mixed"), 406),
        (asked(TICKS, accept="application/json"), 400),
        (asked(TICKS, accept=EVENT_STREAM, headers={"Last-Event-ID": "é"}), 400),
        ({"json": {}, "headers": {"Accept": EVENT_STREAM}}, 400),
        ({"data": "{}", "headers": {"Accept": EVENT_STREAM, "Content-Type": "text/plain"}}, 415),
    ):
        async with http.post(url, **request) as response:
            assert response.status == status, request
            assert (await response.json())["errors"][0]["extensions"]["code"]
    parameters = {"query": 'mutation { note(what: "got") }'}
    async with http.get(url, params=parameters, headers={"Accept": EVENT_STREAM}) as response:
        assert response.status == 405
    assert gateway.laboratory.seen["noted got"] == 0
    assert gateway.laboratory.seen["tick"] == 0


async def test_a_spent_budget_is_429(http: ClientSession) -> None:
    costs = CostSettings(per_minute=10)
    async with served(EndpointSettings(production=False, costs=costs)) as gateway:
        statuses = []
        for _ in range(11):
            request = asked("subscription { expired { number } }", accept=EVENT_STREAM, token="Bearer alice")
            async with http.post(f"{gateway.url}/graphql", **request) as response:
                statuses.append(response.status)
                if response.status == 429:
                    assert response.headers["Retry-After"]
    assert statuses[0] == 200
    assert statuses[-1] == 429


async def test_an_operation_beyond_the_limit_is_refused_in_the_stream() -> None:
    dear = "subscription { ticks(count: 1) { number contextNumber oddOnly } }"
    few = EndpointSettings(production=False, costs=CostSettings(per_operation=1))
    async with served(few) as gateway, events(gateway, dear) as stream:
        first, last = await stream.rest()
    assert first.data["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert last == COMPLETE


async def test_the_cost_is_told_with_each_event(gateway: Served) -> None:
    async with events(gateway, TICKS, extensions={"cost": True}) as stream:
        heard = await stream.rest()
    assert [event.data["extensions"]["cost"]["total"] > 0 for event in heard[:-1]] == [True] * 3


async def test_the_end_of_the_token_ends_the_stream(gateway: Served) -> None:
    gateway.callers["Bearer brief"] = Caller("user_brief", time.time() + 0.3)
    async with events(gateway, 'subscription { gated(gate: "g") { number } }', token="Bearer brief") as stream:
        first, second, last = await stream.rest()
    assert first == ticks(0, field="gated")[0]
    assert second.name == "next"
    assert second.data["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert last == COMPLETE
    assert gateway.laboratory.seen["g ended"] == 1


async def test_stopping_the_gateway_ends_the_stream_without_complete() -> None:
    """A client that misses `complete` connects again."""
    async with served() as gateway:
        async with events(gateway, 'subscription { gated(gate: "g") { number } }') as stream:
            await gateway.laboratory.at("g").wait()
            _, heard = await asyncio.gather(gateway.application.shutdown(), stream.rest())
        assert heard == ticks(0, field="gated")
        await gateway.laboratory.at("g ended").wait()
        request = asked(TICKS, accept=EVENT_STREAM)
        async with ClientSession() as http, http.post(f"{gateway.url}/graphql", **request) as response:
            assert response.status == 503
            assert response.headers["Retry-After"]


async def test_pages_of_allowed_origins_may_read_the_stream_and_say_where_they_were() -> None:
    app = "https://app.example.com"
    async with served(EndpointSettings(production=False, allowed_origins=(app,))) as gateway:
        async with events(gateway, TICKS, headers={"Origin": app}) as stream:
            assert stream.response.headers["Access-Control-Allow-Origin"] == app
            assert stream.response.headers["Vary"] == "Origin"
        async with events(gateway, TICKS, headers={"Origin": "https://evil.example.com"}) as stream:
            assert "Access-Control-Allow-Origin" not in stream.response.headers
        asks = {"Origin": app, "Access-Control-Request-Method": "POST"}
        async with ClientSession() as http, http.options(f"{gateway.url}/graphql", headers=asks) as response:
            assert "Last-Event-ID" in response.headers["Access-Control-Allow-Headers"]


async def test_a_stream_is_one_line_of_the_log_when_it_has_ended(gateway: Served, logs: Logs) -> None:
    async with events(gateway, 'subscription Watch { gated(gate: "g") { number } }', token="Bearer alice") as stream:
        await stream.event()
        assert logs.of("request") == []
    await gateway.laboratory.at("g ended").wait()
    async with asyncio.timeout(10):
        while not logs.of("request"):  # noqa: ASYNC110 - lines are gathered for a moment
            await asyncio.sleep(0.01)
    [line] = logs.of("request")
    assert (line["status"], line["kind"], line["operation"], line["outcome"]) == (
        200,
        "subscription",
        "Watch",
        "cancelled",
    )
    assert line["principal"] == "user_alice"


@pytest.mark.parametrize("cursor", [None, "MC4xMjg4"])
def test_the_id_of_an_event_is_its_cursor(cursor: str | None) -> None:
    written = EventStream().result(Answer(encoded=b'{"data":{"a":1}}', cursor=cursor))
    identity = "" if cursor is None else f"id: {cursor}\n"
    assert written.decode() == f'event: next\n{identity}data: {{"data":{{"a":1}}}}\n\n'
