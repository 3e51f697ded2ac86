"""Things that come and go with their connections, as subscribers and operators see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from endpoints.application import METRICS
from models.enums import EventKind
from models.tables import EVENT, THING, THING_SOCKET
from tests.cast import THING_KEY, Cast
from tests.client import SECONDS_FOR_AN_EVENT, Subscription
from tests.gateways import StartGateway

WATCH = "subscription { thingConnectivityChanged { connected reason thing { name connected } } }"
Keep = Callable[[Cast], AbstractAsyncContextManager[None]]
OWN = "subscription { thingStateChanged { version } }"


def told(*, connected: bool, reason: str = "SOCKET") -> dict[str, object]:
    return {"connected": connected, "reason": reason, "thing": {"name": "Pump", "connected": connected}}


async def next_of(events: Subscription) -> object:
    return (await events.next())["thingConnectivityChanged"]


@asynccontextmanager
async def stream(cast: Cast) -> AsyncIterator[None]:
    """A stream of server-sent events that the thing keeps."""
    headers = {"Accept": "text/event-stream", "Authorization": f"Thing {THING_KEY}"}
    async with cast.gateway.session.post(f"{cast.gateway.url}/graphql", json={"query": OWN}, headers=headers) as answer:
        assert answer.status == 200
        yield


@asynccontextmanager
async def socket(cast: Cast) -> AsyncIterator[None]:
    """A WebSocket that the thing keeps, without an operation on it."""
    async with cast.gateway.socket(f"Thing {THING_KEY}"):
        yield


def measured(cast: Cast, name: str, **labels: str) -> float | None:
    return cast.gateway.application[METRICS].registry.get_sample_value(name, labels)


@pytest.mark.parametrize("connection", [socket, stream])
async def test_a_thing_is_connected_while_it_keeps_a_connection(cast: Cast, connection: Keep) -> None:
    async with cast.gateway.subscribe(WATCH, token=await cast.token("viewer")) as events:
        async with connection(cast):
            assert await next_of(events) == told(connected=True)
            assert measured(cast, "fleetgraph_things_with_sockets") == 1
            async with socket(cast):
                assert await cast.value(THING.c.connected)
            assert await cast.gateway.data("{ viewer { thing { connected } } }", token=f"Thing {THING_KEY}") == {
                "viewer": {"thing": {"connected": True}}
            }
        assert await next_of(events) == told(connected=False)
    assert measured(cast, "fleetgraph_things_with_sockets") == 0
    assert await cast.count(EVENT, EVENT.c.kind == EventKind.THING_CONNECTIVITY_CHANGED) == 2


async def test_the_connections_of_people_connect_nothing(cast: Cast) -> None:
    async with cast.gateway.socket(await cast.token("owner")), cast.gateway.socket():
        assert measured(cast, "fleetgraph_things_with_sockets") == 0
    assert await cast.count(EVENT) == await cast.count(THING_SOCKET) == 0


async def test_a_report_and_a_silence_are_told_with_their_reasons(start_gateway: StartGateway) -> None:
    cast = Cast(await start_gateway(presence_sweep_seconds=0.05))
    await cast.build()
    patch = {"id": f"thing_{cast.thing.hex}", "reportIntervalSeconds": 1}
    await cast.change("editor", "updateThings", {"things": [patch]})
    async with cast.gateway.subscribe(WATCH, token=await cast.token("viewer")) as events:
        await cast.change("thing", "reportThingState", {"reported": {"on": True}})
        assert await next_of(events) == told(connected=True, reason="REPORT")
        assert await next_of(events) == told(connected=False, reason="SILENCE")
    assert measured(cast, "fleetgraph_things_gone_offline_total", reason="SILENCE") == 1


async def test_things_need_not_notice_that_a_gateway_is_restarted(start_gateway: StartGateway) -> None:
    """Its sockets are closed as it ends; a thing that is back before its lease is over was never away."""
    first = await start_gateway()
    second = await start_gateway(presence_sweep_seconds=0.05)
    cast = Cast(first)
    await cast.build()
    async with second.subscribe(WATCH, token=await cast.token("viewer")) as events:
        async with socket(cast):
            assert await next_of(events) == told(connected=True)
            await first.application.shutdown()
        cast.gateway = second
        async with socket(cast):
            async with asyncio.timeout(SECONDS_FOR_AN_EVENT):
                while await cast.count(THING_SOCKET) < 2:  # noqa: ASYNC110 - the database tells nobody
                    await asyncio.sleep(0.01)
            assert await cast.value(THING.c.connected)
        assert await cast.count(EVENT, EVENT.c.kind == EventKind.THING_CONNECTIVITY_CHANGED) == 1
