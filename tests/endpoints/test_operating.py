"""What operators look at: health, readiness, metrics, the schema's text, and the explorer page."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession

from endpoints.application import SERVICE
from endpoints.settings import EndpointSettings
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect

PRODUCTION = EndpointSettings()


async def test_health_needs_no_token_even_in_production(http: ClientSession) -> None:
    async with served(PRODUCTION) as gateway:
        async with http.get(f"{gateway.url}/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        async with http.get(f"{gateway.url}/readyz") as response:
            assert response.status == 200
            assert await response.json() == {"status": "ready", "checks": {"database": True, "migrations": True}}


async def test_readiness_tells_what_is_missing(gateway: Served, http: ClientSession) -> None:
    gateway.laboratory.ready["migrations"] = False
    async with http.get(f"{gateway.url}/readyz") as response:
        assert response.status == 503
        assert await response.json() == {"status": "unavailable", "checks": {"database": True, "migrations": False}}


async def test_readiness_that_fails_is_told_without_its_reason(gateway: Served, http: ClientSession) -> None:
    gateway.laboratory.ready.clear()
    async with http.get(f"{gateway.url}/readyz") as response:
        assert response.status == 503
        assert await response.json() == {"status": "unavailable", "checks": {"readiness": False}}


async def test_readiness_is_asked_once_for_many_callers(gateway: Served, http: ClientSession) -> None:
    for _ in range(5):
        async with http.get(f"{gateway.url}/readyz") as response:
            assert response.status == 200
    assert gateway.laboratory.seen["readiness"] == 1


async def read_metrics(gateway: Served, http: ClientSession) -> str:
    async with http.get(f"{gateway.url}/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        return await response.text()


async def test_metrics_count_what_happens(gateway: Served, http: ClientSession) -> None:
    gateway.application[SERVICE].operations.fallbacks["a reason"] += 2
    url = f"{gateway.url}/graphql"
    for query in ("{ hello }", "{ hello }", "{ fault }", "{ vital }", "{", 'mutation { note(what: "x") }'):
        async with http.post(url, json={"query": query}) as response:
            assert response.status == 200
    async with http.get(f"{gateway.url}/nowhere/{'x' * 50}") as response:
        assert response.status == 404
    async with connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", "subscription { ticks(count: 3) { number } }")
        await wire.until_complete("s")
        assert "fleetgraph_websocket_connections 1.0" in await read_metrics(gateway, http)
        await wire.say({"type": "nonsense"})
        await wire.closed()
    text = await read_metrics(gateway, http)
    for line in (
        'fleetgraph_http_requests_total{method="POST",route="/graphql",status="200"} 6.0',
        'fleetgraph_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'fleetgraph_graphql_operations_total{kind="query",outcome="ok"} 2.0',
        'fleetgraph_graphql_operations_total{kind="query",outcome="partial"} 1.0',
        'fleetgraph_graphql_operations_total{kind="query",outcome="failed"} 1.0',
        'fleetgraph_graphql_operations_total{kind="unknown",outcome="refused"} 1.0',
        'fleetgraph_graphql_operations_total{kind="mutation",outcome="ok"} 1.0',
        'fleetgraph_graphql_operations_total{kind="subscription",outcome="ok"} 1.0',
        "fleetgraph_subscription_events_total 3.0",
        "fleetgraph_subscriptions 0.0",
        "fleetgraph_websocket_connections 0.0",
        'fleetgraph_websocket_closes_total{code="4400"} 1.0',
        'fleetgraph_documents_total{result="hit"} 1.0',
        'fleetgraph_documents_total{result="miss"} 6.0',
        "fleetgraph_documents_cached 5.0",
        'fleetgraph_graphql_operation_seconds_count{kind="query"} 4.0',
        'fleetgraph_graphql_fallbacks_total{reason="a reason"} 2.0',
    ):
        assert line in text, line


async def test_metrics_with_a_token(http: ClientSession) -> None:
    async with served(EndpointSettings(metrics_token="m" * 32)) as gateway:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": "Bearer höh"}, 401),
            ({"Authorization": "Bearer alice"}, 401),
            ({"Authorization": f"Bearer {'m' * 32}"}, 200),
        ):
            async with http.get(f"{gateway.url}/metrics", headers=headers) as response:
                assert response.status == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_metrics_without_a_token_are_not_for_those_behind_a_proxy(
    gateway: Served, http: ClientSession, header: str
) -> None:
    async with http.get(f"{gateway.url}/metrics", headers={header: "127.0.0.1"}) as response:
        assert response.status == 403


async def test_the_schema_text_is_open_in_development_and_for_principals_in_production(http: ClientSession) -> None:
    for production, headers, status in (
        (False, {}, 200),
        (True, {}, 401),
        (True, {"Authorization": "Bearer mallory"}, 401),
        (True, {"Authorization": "Bearer alice"}, 200),
    ):
        async with (
            served(EndpointSettings(production=production)) as gateway,
            http.get(f"{gateway.url}/schema.graphql", headers=headers) as response,
        ):
            assert response.status == status
            assert ("type Query" in await response.text()) == (status == 200)


@pytest.fixture
def explorer(tmp_path: Path) -> Path:
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<title>Explorer</title>")
    (tmp_path / "dist" / "csp.json").write_text('{"default-src": ["\'none\'"], "script-src": ["\'self\'"]}')
    (tmp_path / "dist" / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


async def test_the_explorer_is_a_page_for_browsers(http: ClientSession, explorer: Path) -> None:
    async with served(EndpointSettings(production=False, explorer=explorer)) as gateway:
        browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
        for path in ("/", "/graphql"):
            async with http.get(f"{gateway.url}{path}", headers=browser) as response:
                assert response.status == 200
                assert response.content_type == "text/html"
                assert response.headers["Content-Security-Policy"] == "default-src 'none'; script-src 'self'"
                assert "Explorer" in await response.text()
        async with http.get(f"{gateway.url}/graphql", params={"query": "{ hello }"}, headers=browser) as response:
            assert await response.json() == {"data": {"hello": "hello world"}}
        async with http.get(f"{gateway.url}/explorer/assets/app-1a2b.js") as response:
            assert response.status == 200
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["Content-Security-Policy"] == "default-src 'none'; script-src 'self'"
        for path in ("/explorer/assets/none.js", "/explorer/../secret.txt", "/explorer/%2e%2e/secret.txt"):
            async with http.get(f"{gateway.url}{path}") as response:
                assert response.status == 404
                assert response.content_type == "application/json"


async def test_without_a_build_the_fallback_is_served(http: ClientSession, tmp_path: Path) -> None:
    settings = EndpointSettings(production=False, explorer=tmp_path)
    async with served(settings) as gateway, http.get(f"{gateway.url}/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
    (tmp_path / "fallback.html").write_text("<title>Fallback</title>")
    async with served(settings) as gateway, http.get(f"{gateway.url}/") as response:
        assert "Fallback" in await response.text()
        assert "https://esm.sh" in response.headers["Content-Security-Policy"]


async def test_production_has_no_explorer(http: ClientSession, explorer: Path) -> None:
    async with served(EndpointSettings(explorer=explorer)) as gateway:
        for path in ("/", "/explorer/assets/app-1a2b.js"):
            async with http.get(f"{gateway.url}{path}", headers={"Accept": "text/html"}) as response:
                assert response.status == 404
