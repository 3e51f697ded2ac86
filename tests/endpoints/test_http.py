"""GraphQL over HTTP: methods, media types and statuses in the two profiles."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession

from endpoints.settings import EndpointSettings
from tests.endpoints.laboratory import Served, served

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
PRODUCTION = EndpointSettings(production=True)


async def test_post_answers_a_query(gateway: Served, http: ClientSession) -> None:
    body = {"query": "query Q($n: String!) { hello(name: $n) }", "variables": {"n": "you"}, "operationName": "Q"}
    async with http.post(f"{gateway.url}/graphql", json=body) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.json() == {"data": {"hello": "hello you"}}


async def test_get_answers_a_query_in_development(gateway: Served, http: ClientSession) -> None:
    parameters = {"query": "query Q($n: String!) { hello(name: $n) }", "variables": '{"n":"you"}', "extensions": ""}
    async with http.get(f"{gateway.url}/graphql", params=parameters) as response:
        assert response.status == 200
        assert await response.json() == {"data": {"hello": "hello you"}}


@pytest.mark.parametrize(
    ("query", "variables", "status"),
    [
        ("{ hello }", None, 200),
        ("{ told }", None, 200),
        ("{ vital }", None, 200),
        ("{", None, 400),
        ("{ nothing }", None, 400),
        ("query($n: Int!) { number(value: $n) }", {"n": "x"}, 400),
        ("query A { hello } query B { hello }", None, 400),
    ],
)
async def test_the_newer_media_type_has_a_status_for_refused_operations(
    gateway: Served, http: ClientSession, query: str, variables: Any, status: int
) -> None:
    for media_type, expected in ((GRAPHQL, status), (JSON, 200)):
        body = {"query": query, "variables": variables}
        async with http.post(f"{gateway.url}/graphql", json=body, headers={"Accept": media_type}) as response:
            assert response.status == expected
            assert response.content_type == media_type
            answer = await response.json(content_type=None)
            assert ("data" in answer) == (status == 200)
            assert ("errors" in answer) == (query != "{ hello }")


@pytest.mark.parametrize(
    "accept", ["text/html", "image/*", "application/json;q=0", "application/json;charset=latin1", "nonsense"]
)
async def test_other_media_types_are_not_acceptable(gateway: Served, http: ClientSession, accept: str) -> None:
    async with http.post(f"{gateway.url}/graphql", json={"query": "{ hello }"}, headers={"Accept": accept}) as response:
        assert response.status == 406
        assert (await response.json())["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin1",
        "json",
    ],
)
async def test_bodies_that_a_form_can_send_are_refused(
    gateway: Served, http: ClientSession, content_type: str | None
) -> None:
    """This is what keeps pages of other origins from sending operations without the browser asking first."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    async with http.post(
        f"{gateway.url}/graphql",
        data=b'{"query":"mutation { note(what: \\"forged\\") }"}',
        headers=headers,
        skip_auto_headers=["Content-Type"],
    ) as response:
        assert response.status == 415
        assert (await response.json())["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert gateway.laboratory.seen["noted forged"] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE", "PURGE"])
async def test_other_methods_are_refused(gateway: Served, http: ClientSession, method: str) -> None:
    async with http.request(method, f"{gateway.url}/graphql") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, POST, OPTIONS"
        if method != "HEAD":
            assert (await response.json())["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


async def test_mutations_do_not_run_by_get(gateway: Served, http: ClientSession) -> None:
    parameters = {"query": 'mutation { note(what: "got") }'}
    async with http.get(f"{gateway.url}/graphql", params=parameters) as response:
        assert response.status == 405
        assert "POST" in response.headers["Allow"]
    assert gateway.laboratory.seen["noted got"] == 0


async def test_a_get_picks_the_operation_before_it_looks_at_its_kind(gateway: Served, http: ClientSession) -> None:
    parameters = {"query": 'query Q { hello } mutation M { note(what: "got") }', "operationName": "Q"}
    async with http.get(f"{gateway.url}/graphql", params=parameters) as response:
        assert response.status == 200
    async with http.get(f"{gateway.url}/graphql", params={**parameters, "operationName": "M"}) as response:
        assert response.status == 405


async def test_subscriptions_are_sent_to_the_websocket(gateway: Served, http: ClientSession) -> None:
    body = {"query": "subscription { ticks(count: 1) { number } }"}
    async with http.post(f"{gateway.url}/graphql", json=body) as response:
        assert response.status == 400
        assert "graphql-transport-ws" in (await response.json())["errors"][0]["message"]


async def test_production_has_no_get(http: ClientSession) -> None:
    async with served(PRODUCTION) as gateway:
        for accept in ("*/*", "text/html"):
            headers = {"Accept": accept}
            async with http.get(f"{gateway.url}/graphql", params={"query": "{ hello }"}, headers=headers) as response:
                assert response.status == 405
                assert response.headers["Allow"] == "POST, OPTIONS"


async def test_production_gets_registered_documents_alone(http: ClientSession) -> None:
    registered = {"greet": "query Q($n: String!) { hello(name: $n) }", "note": 'mutation { note(what: "x") }'}
    async with served(PRODUCTION, registered=registered) as gateway:
        url = f"{gateway.url}/graphql"
        async with http.get(url, params={"documentId": "greet", "variables": '{"n":"you"}'}) as response:
            assert await response.json() == {"data": {"hello": "hello you"}}
        apollo = '{"persistedQuery":{"version":1,"sha256Hash":"greet"}}'
        async with http.get(url, params={"extensions": apollo, "variables": '{"n":"you"}'}) as response:
            assert response.status == 200
        for parameters, status in (
            ({"documentId": "other"}, 404),
            ({"documentId": "note"}, 405),
            ({"query": "{ hello }"}, 405),
            ({"query": "{ hello }", "documentId": "greet"}, 400),
            ({}, 400),
        ):
            async with http.get(url, params=parameters) as response:
                assert response.status == status, parameters
                assert "errors" in await response.json()
        async with http.post(url, json={"documentId": "greet", "variables": {"n": "me"}}) as response:
            assert await response.json() == {"data": {"hello": "hello me"}}


async def test_bad_credentials_are_401_and_nothing_runs(gateway: Served, http: ClientSession) -> None:
    body = {"query": 'mutation { note(what: "x") }'}
    for accept in (JSON, GRAPHQL):
        headers = {"Authorization": "Bearer mallory", "Accept": accept}
        async with http.post(f"{gateway.url}/graphql", json=body, headers=headers) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert (await response.json())["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert gateway.laboratory.seen["noted x"] == 0


async def test_the_principal_reaches_the_resolvers(gateway: Served, http: ClientSession) -> None:
    for headers, name in (({"Authorization": "Bearer alice"}, "user_alice"), ({}, None)):
        async with http.post(f"{gateway.url}/graphql", json={"query": "{ whoami }"}, headers=headers) as response:
            assert await response.json() == {"data": {"whoami": name}}


async def test_each_operation_has_a_context_that_is_closed(gateway: Served, http: ClientSession) -> None:
    for query in ("{ hello }", "{ fault }", 'mutation { note(what: "x") }', "query($n: Int!) { number(value: $n) }"):
        before = gateway.laboratory.seen["context closed"]
        async with http.post(f"{gateway.url}/graphql", json={"query": query}) as response:
            assert response.status == 200
        assert gateway.laboratory.seen["context closed"] == before + 1


async def test_a_client_that_leaves_cancels_its_query(gateway: Served) -> None:
    laboratory = gateway.laboratory
    async with ClientSession() as leaving:
        request = asyncio.create_task(leaving.post(f"{gateway.url}/graphql", json={"query": '{ held(gate: "g") }'}))
        await laboratory.at("g").wait()
        request.cancel()
    await laboratory.at("g cancelled").wait()
    await laboratory.at("context closed").wait()


async def test_a_client_that_leaves_does_not_stop_its_mutation(gateway: Served) -> None:
    laboratory = gateway.laboratory
    async with ClientSession() as leaving:
        body = {"query": 'mutation { heldNote(gate: "g") }'}
        request = asyncio.create_task(leaving.post(f"{gateway.url}/graphql", json=body))
        await laboratory.at("g").wait()
        request.cancel()
    async with ClientSession() as other, other.post(f"{gateway.url}/graphql", json={"query": "{ hello }"}) as response:
        assert response.status == 200
    laboratory.gate("g").set()
    await laboratory.at("g passed").wait()
    await laboratory.at("context closed").wait()
    assert laboratory.seen["g cancelled"] == 0


async def test_stopping_the_gateway_lets_mutations_end() -> None:
    async with served() as gateway, ClientSession() as http:
        laboratory = gateway.laboratory
        body = {"query": 'mutation { heldNote(gate: "g") }'}
        request = asyncio.create_task(http.post(f"{gateway.url}/graphql", json=body))
        await laboratory.at("g").wait()
        request.cancel()
        asyncio.get_running_loop().call_later(0.1, laboratory.gate("g").set)
    assert list(laboratory.seen) == ["g", "g passed", "context closed", "store closed"]


async def test_stopping_the_gateway_waits_so_long_for_mutations() -> None:
    settings = EndpointSettings(production=False, shutdown_seconds=0.05)
    async with served(settings) as gateway, ClientSession() as http:
        laboratory = gateway.laboratory
        body = {"query": 'mutation { heldNote(gate: "g") }'}
        request = asyncio.create_task(http.post(f"{gateway.url}/graphql", json=body))
        await laboratory.at("g").wait()
        request.cancel()
    assert list(laboratory.seen) == ["g", "g cancelled", "context closed", "store closed"]


async def test_too_many_operations_at_once_are_told_to_come_back() -> None:
    settings = EndpointSettings(production=False, concurrent_operations=1)
    async with served(settings) as gateway, ClientSession() as http:
        url = f"{gateway.url}/graphql"
        first = asyncio.create_task(http.post(url, json={"query": '{ held(gate: "g") }'}))
        await gateway.laboratory.at("g").wait()
        for query in ("{ hello }", 'mutation { note(what: "x") }'):
            async with http.post(url, json={"query": query}) as response:
                assert response.status == 503
                assert response.headers["Retry-After"] == "1"
        gateway.laboratory.gate("g").set()
        assert (await first).status == 200
        async with http.post(url, json={"query": 'mutation { note(what: "x") }'}) as response:
            assert response.status == 200
    assert gateway.laboratory.seen["noted x"] == 1
