"""Readers that never read: the gateway's memory stays within its bound, and nobody else loses or waits for anything."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final
from uuid import UUID

import aiohttp
import pytest

from endpoints.settings import SocketSettings
from live.deliveries import Patience
from tests.client import GatewayClient
from tests.fleets import Fleet
from tests.live.conftest import StartProcess, beginning
from tests.live.processes import GatewayProcess
from tests.live.raw_sockets import RawSocket
from tests.live.reading import WATCH, Reader, check_whole, logged
from tests.live.scale import Scale
from tests.live.writing import Things, Writer

OTHERS: Final = 3
COMMITS: Final = 60
OF_ONE_COMMIT: Final = 50
NOTE: Final = "x" * 1_000
SLACK: Final = 40_000_000
"""What a gateway needs to send so many events to whoever reads them (bytes): batches, pages, statements."""
A_LONG_TIME: Final = 900

CONNECTIVITY: Final = """
subscription ($after: String) { thingConnectivityChanged(after: $after) { cursor connected thing { id name } } }
"""

pytestmark = pytest.mark.timeout(0)


async def test_readers_that_stop_reading_cost_what_the_settings_say_and_slow_nobody(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    things: Things,
    scale: Scale,
) -> None:
    """Most of them want states, which can stand for each other, some another kind, which cannot."""
    gateway = await start_process(
        max_sockets_per_principal=scale.readers + OTHERS,
        socket_send_seconds=A_LONG_TIME,
        socket_ping_seconds=A_LONG_TIME,
        backlog_bytes=0,
    )
    start, viewer = await beginning(fleet, writer), fleet.alder.viewer.token
    everything, chance = [*things.shared, *things.own], scale.chance("stuck")
    async with AsyncExitStack() as open_sockets:
        for number in range(scale.readers):
            stuck = await open_sockets.enter_async_context(RawSocket(gateway.url, viewer))
            # Not all of them are equal: ten kinds of documents, each answered for itself.
            document = WATCH if number % 4 else CONNECTIVITY
            stuck.subscribe(f"# {number % 10}\n{document}", {"after": start})
            await stuck.settle()
        others = [Reader(session, [gateway.url], viewer, start, UUID(things.last.id)) for _ in range(OTHERS)]
        reading = [asyncio.create_task(other.read_on()) for other in others]
        await until_subscribed(gateway, session, scale.readers + OTHERS)
        before = gateway.resident_bytes
        for _ in range(COMMITS):
            targets = chance.choices(everything, k=OF_ONE_COMMIT)
            await writer.report(*targets, note=NOTE)
            await writer.tell(*targets)
        await writer.report(things.last)
        await asyncio.gather(*reading)
        after = gateway.resident_bytes
        assert await gauge(gateway, session, "fleetgraph_websocket_connections") >= scale.readers, "they have been cut"
    expected = await logged(writer.store, after=start)
    assert len(expected) == COMMITS * OF_ONE_COMMIT + 1
    for other in others:
        check_whole(other.seen, expected)
        assert other.connections == 1
    patience = Patience()
    for_each = SocketSettings().buffer_bytes + patience.octets
    assert after - before < scale.readers * for_each + SLACK


async def until_subscribed(gateway: GatewayProcess, session: aiohttp.ClientSession, count: int) -> None:
    """Wait until so many subscriptions run."""
    async with asyncio.timeout(A_LONG_TIME):
        while await gauge(gateway, session, "fleetgraph_subscriptions") < count:  # noqa: ASYNC110 - it is asked for
            await asyncio.sleep(0.05)


async def gauge(gateway: GatewayProcess, session: aiohttp.ClientSession, name: str) -> float:
    """A figure among those that the gateway tells of itself."""
    lines = (await GatewayClient(gateway.url, session).request("GET", "/metrics")).body.decode().splitlines()
    (found,) = [line for line in lines if line.startswith(f"{name} ")]
    return float(found.split()[1])
