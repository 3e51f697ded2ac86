"""CORS for allowed origins, and the headers that every answer carries."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from endpoints.settings import EndpointSettings
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect

APP = "https://app.example.com"
ALLOWED = EndpointSettings(allowed_origins=(APP,))
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


async def test_a_preflight_of_an_allowed_origin() -> None:
    async with served(ALLOWED) as gateway, ClientSession() as http:
        for path in ("/graphql", "/files/x"):
            async with http.options(f"{gateway.url}{path}", headers={"Origin": APP, **ASK}) as response:
                assert response.status == 204
                assert response.headers["Access-Control-Allow-Origin"] == APP
                assert "POST" in response.headers["Access-Control-Allow-Methods"]
                assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
                assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]
                assert response.headers["Vary"] == "Origin"
                assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://app.example.com", f"{APP}:8443"])
async def test_other_origins_are_allowed_nothing(origin: str) -> None:
    async with served(ALLOWED) as gateway, ClientSession() as http:
        async with http.options(f"{gateway.url}/graphql", headers={"Origin": origin, **ASK}) as response:
            assert not [name for name in response.headers if name.startswith("Access-Control")]
        async with http.post(
            f"{gateway.url}/graphql", json={"query": "{ hello }"}, headers={"Origin": origin}
        ) as response:
            assert not [name for name in response.headers if name.startswith("Access-Control")]
            assert response.headers["Vary"] == "Origin"


async def test_answers_and_errors_can_be_read_by_an_allowed_origin() -> None:
    async with served(ALLOWED) as gateway, ClientSession() as http:
        bodies: tuple[object, ...] = ({"query": "{ hello }"}, {}, [])
        for body in bodies:
            async with http.post(f"{gateway.url}/graphql", json=body, headers={"Origin": APP}) as response:
                assert response.headers["Access-Control-Allow-Origin"] == APP
                assert "X-Request-Id" in response.headers["Access-Control-Expose-Headers"]


async def test_any_origin() -> None:
    async with served(EndpointSettings(allowed_origins=("*",))) as gateway, ClientSession() as http:
        headers = {"Origin": "https://anywhere.example.com"}
        async with http.post(f"{gateway.url}/graphql", json={"query": "{ hello }"}, headers=headers) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "*"
        async with connect(gateway.url, headers=headers) as wire:
            await wire.initialise()


async def test_options_without_a_preflight_names_the_methods(gateway: Served, http: ClientSession) -> None:
    async with http.options(f"{gateway.url}/graphql") as response:
        assert response.status == 204
        assert response.headers["Allow"] == "GET, POST, OPTIONS"


@pytest.mark.parametrize("path", ["/healthz", "/graphql", "/nowhere", "/broken", "/"])
async def test_hardening_is_everywhere(gateway: Served, http: ClientSession, path: str) -> None:
    async with http.get(f"{gateway.url}{path}") as response:
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Server"] == "Fleetgraph"
        assert "Strict-Transport-Security" not in response.headers


async def test_strict_transport_security_is_a_setting() -> None:
    async with (
        served(EndpointSettings(hsts_seconds=3600)) as gateway,
        ClientSession() as http,
        http.get(f"{gateway.url}/healthz") as response,
    ):
        assert response.headers["Strict-Transport-Security"] == "max-age=3600; includeSubDomains"
