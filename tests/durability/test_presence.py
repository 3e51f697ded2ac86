"""`kill -9` of a gateway that keeps sockets of things: each goes offline once, and not at all if it has come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from models.enums import EventKind
from models.ids import new_id
from models.store import Store, StoreSettings, open_store
from models.tables import EVENT, GATEWAY_PROCESS, THING_SOCKET
from services.events import latest_position
from tests.client import GatewayClient, Subscription
from tests.fleets import Fleet, ThingHandle
from tests.live.processes import GatewayProcess
from tests.rows import key

SETTINGS = {"presence_lease_seconds": 3, "presence_sweep_seconds": 0.2}
WATCH = "subscription ($after: String) { thingConnectivityChanged(after: $after) { connected reason thing { name } } }"
SECONDS = 60.0

pytestmark = pytest.mark.timeout(300)


@asynccontextmanager
async def running(database_url: str, directory: Path) -> AsyncIterator[GatewayProcess]:
    """A gateway with short leases; however the test ends, so does the process."""
    process = GatewayProcess(database_url, directory / new_id().hex, SETTINGS)
    try:
        await process.start()
        yield process
    finally:
        process.kill()


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Store]:
    store = open_store(StoreSettings(database_url))
    try:
        yield store
    finally:
        await store.close()


async def changes(store: Store, thing: ThingHandle) -> list[dict[str, Any]]:
    """What the log says of the connectivity of a thing."""
    mine = (EVENT.c.kind == EventKind.THING_CONNECTIVITY_CHANGED, EVENT.c.thing_id == key(thing.id))
    async with store.read() as connection:
        rows = await connection.execute(select(EVENT.c.detail).where(*mine).order_by(EVENT.c.sequence))
        return list(rows.scalars())


async def count(store: Store, table: Any) -> int:
    async with store.read() as connection:
        return len((await connection.execute(select(table.c.id))).all())


async def next_of(events: Subscription) -> tuple[str, bool, str]:
    event = (await events.next(SECONDS))["thingConnectivityChanged"]
    return event["thing"]["name"], event["connected"], event["reason"]


def told(*changed: bool) -> list[dict[str, Any]]:
    return [{"connected": connected, "reason": "SOCKET"} for connected in changed]


async def test_another_process_takes_the_things_of_a_killed_one_offline_once(
    fleet: Fleet, database_url: str, tmp_path: Path
) -> None:
    pump, probe, owner = fleet.alder.pump, fleet.alder.probe, fleet.alder.owner
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(database_url))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        killed = await stack.enter_async_context(running(database_url, tmp_path))
        witness = await stack.enter_async_context(running(database_url, tmp_path))
        here, there = GatewayClient(killed.url, session), GatewayClient(witness.url, session)
        after = {"after": (await latest_position(store)).cursor}
        events = await stack.enter_async_context(there.subscribe(WATCH, after, token=owner.token))
        for thing in (pump, probe):
            await stack.enter_async_context(here.socket(thing.token))
        assert {await next_of(events), await next_of(events)} == {
            (pump.name, True, "SOCKET"),
            (probe.name, True, "SOCKET"),
        }
        killed.kill()
        await stack.enter_async_context(there.socket(probe.token))
        assert await next_of(events) == (pump.name, False, "SOCKET")
        await until_forgotten(store, sockets=1)
        assert await changes(store, pump) == told(True, False)
        assert await changes(store, probe) == told(True)


async def test_a_gateway_that_is_started_again_takes_them_offline_once(
    fleet: Fleet, database_url: str, tmp_path: Path
) -> None:
    pump = fleet.alder.pump
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(database_url))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        gateway = await stack.enter_async_context(running(database_url, tmp_path))
        client = GatewayClient(gateway.url, session)
        async with client.socket(pump.token):
            await until_changes(store, pump, 1)
            gateway.kill()
        assert await changes(store, pump) == told(True)
        await gateway.start()
        await until_forgotten(store, sockets=0)
        assert await changes(store, pump) == told(True, False)


async def until_changes(store: Store, thing: ThingHandle, number: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len(await changes(store, thing)) < number:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


async def until_forgotten(store: Store, *, sockets: int) -> None:
    """Wait until the sockets of processes that died are gone, and their leases; a process with sockets has one."""
    async with asyncio.timeout(SECONDS):
        wanted = (sockets, min(sockets, 1))
        while (await count(store, THING_SOCKET), await count(store, GATEWAY_PROCESS)) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
