"""Several gateway processes over one PostgreSQL are one gateway to their subscribers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final
from uuid import UUID

import aiohttp
import pytest

from tests.client import GatewayClient
from tests.fleets import Fleet, ThingHandle
from tests.live.conftest import StartProcess, beginning
from tests.live.reading import Reader, check_order, check_whole, logged
from tests.live.writing import Things, Writer

GATEWAYS: Final = 3
REPORTS: Final = 40


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_what_is_written_through_one_arrives_at_subscribers_of_all_once(
    start_process: StartProcess, session: aiohttp.ClientSession, fleet: Fleet, writer: Writer, things: Things
) -> None:
    gateways = await asyncio.gather(*(start_process() for _ in range(GATEWAYS)))
    tenant, start = fleet.alder, await beginning(fleet, writer)
    readers = [Reader(session, [each.url], tenant.viewer.token, start, UUID(things.last.id)) for each in gateways]
    following = [asyncio.create_task(reader.read_on()) for reader in readers]

    async def report(url: str, thing: ThingHandle) -> None:
        for number in range(REPORTS):
            reported = {"reported": {"number": number}}
            client = GatewayClient(url, session)
            await client.change("reportThingState", reported, select="state { version }", token=thing.token)

    # Each gateway has a thing of its own that reports through it; one thing reports through all of them in turn.
    own = zip(gateways, (tenant.pump, tenant.probe, tenant.relay), strict=True)
    async with asyncio.TaskGroup() as writing:
        for gateway, thing in own:
            writing.create_task(report(gateway.url, thing))
    for gateway in gateways:
        await report(gateway.url, tenant.meter)
    await writer.report(things.last)
    await asyncio.gather(*following)
    expected = await logged(writer.store, after=start)
    assert len(expected) == 2 * GATEWAYS * REPORTS + 1
    check_order(expected)
    for reader in readers:
        check_whole(reader.seen, expected)
        assert reader.connections == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_cursor_of_one_is_good_at_another(
    start_process: StartProcess, session: aiohttp.ClientSession, fleet: Fleet, writer: Writer, things: Things
) -> None:
    """A client that is sent to another process for each of its connections sees all, each event once."""
    gateways = await asyncio.gather(*(start_process() for _ in range(2)))
    tenant, start = fleet.alder, await beginning(fleet, writer)
    reader = Reader(session, [], tenant.viewer.token, start, UUID(things.last.id))
    written = 0
    for turn in range(6):
        writing, reading = gateways[turn % 2], gateways[(turn + 1) % 2]
        client = GatewayClient(writing.url, session)
        async with AsyncExitStack() as connection:
            subscription = await connection.enter_async_context(reader.subscribed(reading.url))
            for _ in range(5):
                reported = {"reported": {"number": written}}
                await client.change("reportThingState", reported, select="state { version }", token=tenant.pump.token)
                written += 1
            # The last of them is left for the next connection.
            while len(reader.seen) < written - 1:
                await reader.take(subscription)
    await writer.report(things.last)
    reader.urls = [gateways[0].url]
    await reader.read_on()
    check_whole(reader.seen, await logged(writer.store, after=start))
    check_order(reader.seen)
