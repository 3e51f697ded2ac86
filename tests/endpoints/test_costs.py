"""What an operation costs is known, told and held against the limits before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession

from endpoints.settings import CostSettings, EndpointSettings
from tests.endpoints.conftest import Logs
from tests.endpoints.laboratory import Served, served
from tests.endpoints.wire import connect

HELLO = "{ hello }"
"""Costs 2: itself, and a field with a resolver."""
NOTE = 'mutation { note(what: "rain") }'
"""Costs 12: itself, the mutation, and one item."""
TICKS = "subscription { ticks(count: 3) { number } }"
"""Costs 3: itself, the stream, and an event."""
TOLD = {"cost": True}


def settings(*, per_operation: int = 0, per_minute: int = 0, **others: Any) -> EndpointSettings:
    costs = CostSettings(per_operation=per_operation, per_minute=per_minute, **others)
    return EndpointSettings(production=False, costs=costs)


async def ask(http: ClientSession, gateway: Served, query: str, **headers: str) -> tuple[int, Any]:
    async with http.post(
        f"{gateway.url}/graphql", json={"query": query, "extensions": TOLD}, headers=headers
    ) as response:
        return response.status, await response.json()


async def test_the_cost_is_told_when_it_is_asked_for(http: ClientSession) -> None:
    async with served(settings(per_operation=50, per_minute=100)) as gateway:
        status, answer = await ask(http, gateway, "{ a: hello deeper { hello } }")
        assert (status, answer["data"]) == (200, {"a": "hello world", "deeper": {"hello": "hello world"}})
        assert answer["extensions"]["cost"] == {
            "total": 5,
            "nodes": 1,
            "requests": 0,
            "connections": 0,
            "limit": 50,
            "perMinute": 100,
            "remaining": 95,
        }
        for body in (
            {"query": HELLO},
            {"query": HELLO, "extensions": {"cost": 1}},
            {"query": HELLO, "extensions": None},
        ):
            async with http.post(f"{gateway.url}/graphql", json=body) as response:
                assert await response.json() == {"data": {"hello": "hello world"}}


async def test_the_cost_is_told_beside_errors(gateway: Served, http: ClientSession) -> None:
    _, answer = await ask(http, gateway, "{ told vital }")
    assert list(answer) == ["errors", "data", "extensions"]
    assert answer["extensions"]["cost"]["total"] == 3


async def test_without_limits_none_are_told(http: ClientSession) -> None:
    async with served(settings()) as gateway:
        _, answer = await ask(http, gateway, HELLO)
    told = answer["extensions"]["cost"]
    assert (told["limit"], told["perMinute"], told["remaining"]) == (None, None, None)


async def test_an_operation_that_costs_too_much_does_not_run(http: ClientSession) -> None:
    async with served(settings(per_operation=11)) as gateway:
        status, answer = await ask(http, gateway, NOTE)
        assert status == 200
        message = "This operation costs 12, and 11 is the limit. Ask for smaller pages, or for less in them."
        details = {"code": "LIMIT_EXCEEDED", "cost": 12, "limit": 11}
        assert answer == {"errors": [{"message": message, "extensions": details}]}
        newer = "application/graphql-response+json"
        async with http.post(f"{gateway.url}/graphql", json={"query": NOTE}, headers={"Accept": newer}) as response:
            assert response.status == 400
        assert gateway.laboratory.seen["noted rain"] == 0
    async with served(settings(per_operation=12)) as gateway:
        assert (await ask(http, gateway, NOTE))[1]["data"] == {"note": "rain"}
        assert gateway.laboratory.seen["noted rain"] == 1


async def test_who_has_spent_the_budget_of_a_minute_is_told_when_to_come_back(http: ClientSession, logs: Logs) -> None:
    async with served(settings(per_minute=30)) as gateway:
        for left in (18, 6):
            status, answer = await ask(http, gateway, NOTE, Authorization="Bearer alice")
            assert (status, answer["extensions"]["cost"]["remaining"]) == (200, left)
        body = {"query": NOTE}
        async with http.post(
            f"{gateway.url}/graphql", json=body, headers={"Authorization": "Bearer alice"}
        ) as response:
            assert response.status == 429
            assert 1 <= int(response.headers["Retry-After"]) <= 12
            (error,) = (await response.json())["errors"]
        assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
        assert error["message"].startswith(
            "This operation costs 12, which is more than is left of your 30 for a minute."
        )
        assert gateway.laboratory.seen["noted rain"] == 2
        # What costs less still runs, and others have budgets of their own.
        assert (await ask(http, gateway, HELLO, Authorization="Bearer alice"))[0] == 200
        assert (await ask(http, gateway, NOTE, Authorization="Bearer bob"))[0] == 200
        assert (await ask(http, gateway, NOTE))[0] == 200
    lines = [(line["outcome"], line["cost"]) for line in logs.of("request")]
    assert lines[:4] == [("ok", 12), ("ok", 12), ("refused", 12), ("ok", 2)]


async def test_what_costs_more_than_a_minute_is_refused_for_good(http: ClientSession) -> None:
    async with served(settings(per_minute=11)) as gateway:
        status, answer = await ask(http, gateway, NOTE)
    assert (status, answer["errors"][0]["extensions"]) == (200, {"code": "LIMIT_EXCEEDED", "cost": 12, "limit": 11})


async def test_callers_without_a_name_are_told_apart_by_their_address(http: ClientSession) -> None:
    async with served(settings(per_minute=20)) as gateway:
        assert (await ask(http, gateway, NOTE, **{"X-Forwarded-For": "192.0.2.1"}))[0] == 200
        assert (await ask(http, gateway, NOTE, **{"X-Forwarded-For": "192.0.2.1"}))[0] == 429
        assert (await ask(http, gateway, NOTE, **{"X-Forwarded-For": "192.0.2.2"}))[0] == 200
        # What a client puts before what the proxy saw changes nothing.
        assert (await ask(http, gateway, NOTE, **{"X-Forwarded-For": "198.51.100.9, 192.0.2.2"}))[0] == 429
    async with served(settings(per_minute=20, trusted_proxies=())) as gateway:
        assert (await ask(http, gateway, NOTE, **{"X-Forwarded-For": "192.0.2.1"}))[0] == 200
        assert (await ask(http, gateway, NOTE, **{"X-Forwarded-For": "192.0.2.2"}))[0] == 429


async def test_who_signs_in_is_known_by_name_wherever_they_come_from(http: ClientSession) -> None:
    async with served(settings(per_minute=20)) as gateway:
        for address, status in (("192.0.2.1", 200), ("192.0.2.2", 429)):
            headers = {"X-Forwarded-For": address, "Authorization": "Bearer alice"}
            assert (await ask(http, gateway, NOTE, **headers))[0] == status


async def test_on_a_socket_the_operation_alone_is_refused() -> None:
    async with served(settings(per_operation=20, per_minute=30)) as gateway, connect(gateway.url) as wire:
        await wire.initialise("Bearer alice")
        await wire.subscribe("dear", "{" + " ".join(f"a{number}: hello" for number in range(20)) + "}")
        (message,) = await wire.until_complete("dear")
        assert message["payload"][0]["extensions"] == {"code": "LIMIT_EXCEEDED", "cost": 21, "limit": 20}
        for name in ("1", "2"):
            await wire.subscribe(name, NOTE)
            assert [message["type"] for message in await wire.until_complete(name)] == ["next", "complete"]
        await wire.subscribe("3", NOTE)
        (message,) = await wire.until_complete("3")
        assert (message["type"], message["payload"][0]["extensions"]) == ("error", {"code": "LIMIT_EXCEEDED"})
        await wire.subscribe("4", HELLO, extensions=TOLD)
        assert (await wire.hear())["payload"]["extensions"]["cost"]["total"] == 2
    assert gateway.laboratory.seen["noted rain"] == 2


async def test_a_socket_without_a_name_spends_the_budget_of_its_address(http: ClientSession) -> None:
    headers = {"X-Forwarded-For": "192.0.2.1"}
    async with served(settings(per_minute=20)) as gateway, connect(gateway.url, headers=headers) as wire:
        await wire.initialise()
        await wire.subscribe("1", NOTE)
        assert [message["type"] for message in await wire.until_complete("1")] == ["next", "complete"]
        assert (await ask(http, gateway, NOTE, **headers))[0] == 429
        assert (await ask(http, gateway, NOTE))[0] == 200


async def test_every_event_of_a_subscription_is_charged() -> None:
    async with served(settings(per_minute=1000)) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", TICKS, extensions=TOLD)
        heard = await wire.until_complete("s")
    remaining = [message["payload"]["extensions"]["cost"]["remaining"] for message in heard[:-1]]
    # Between two events a little comes back.
    assert remaining[0] == 997
    assert all(value <= bound for value, bound in zip(remaining[1:], (995, 993), strict=True))


async def test_events_wait_until_they_are_earned(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("endpoints.costs.sleep", note)
    async with served(settings(per_minute=6)) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", TICKS)
        heard = await wire.until_complete("s")
    assert [message["type"] for message in heard] == ["next", "next", "next", "complete"]
    # 6 for a minute: the first two events are paid at once, the third and the one after it come on credit.
    assert [25 <= seconds <= 30 for seconds in waited[:1]] == [True]
    assert len(waited) == 2
    assert 50 <= waited[1] <= 60


async def test_a_subscription_that_is_too_dear_does_not_start() -> None:
    async with served(settings(per_operation=2)) as gateway, connect(gateway.url) as wire:
        await wire.initialise()
        await wire.subscribe("s", TICKS)
        (message,) = await wire.until_complete("s")
    assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert gateway.laboratory.seen["tick"] == 0
