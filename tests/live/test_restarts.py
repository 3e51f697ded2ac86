"""`kill -9` of gateways, and restarts of PostgreSQL, while eight processes write: who comes back has lost nothing."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import aiohttp
import pytest

from models import migrate
from tests.fleets import Fleet, build
from tests.live.conftest import StartOwnProcess, StartProcess, beginning, make_things
from tests.live.reading import Reader, check_order, check_whole, logged
from tests.live.scale import Scale
from tests.live.servers import Server, own_server
from tests.live.writing import Orders, Things, Writer, open_writer, orders_of, write_in_processes
from tests.run import Run

SECONDS_BETWEEN_LOOKS: Final = 0.02

pytestmark = pytest.mark.timeout(0)
_numbers = itertools.count(1)


async def write_and_disturb(
    orders: list[Orders], reader: Reader, scale: Scale, disturbances: Sequence[Callable[[], Awaitable[None]]]
) -> None:
    """Write what the orders say, and disturb at even distances, by the number of events that the reader has seen."""
    writing = asyncio.create_task(write_in_processes(orders))
    for number, disturb in enumerate(disturbances, start=1):
        while len(reader.seen) < scale.events * number // (len(disturbances) + 1):
            assert not writing.done(), "the writers were done before the disturbance"
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        await disturb()
    await writing


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_killed_gateway_takes_nothing_with_it(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    things: Things,
    scale: Scale,
    database_url: str,
) -> None:
    """One of two gateways is killed, comes back, then the other is; the reader goes on at whichever is there."""
    one, other = await asyncio.gather(start_process(), start_process())
    start = await beginning(fleet, writer)
    reader = Reader(session, [one.url, other.url], fleet.alder.viewer.token, start, UUID(things.last.id))
    following = asyncio.create_task(reader.follow(scale.chance("reader"), at_most=150))

    async def kill_one() -> None:
        one.kill()

    async def start_one_and_kill_other() -> None:
        await one.start()
        other.kill()

    orders = orders_of(scale.seed, scale.events, database_url, things)
    await write_and_disturb(orders, reader, scale, [kill_one, start_one_and_kill_other])
    await writer.report(things.last)
    await following
    check_whole(reader.seen, await logged(writer.store, after=start))
    check_order(reader.seen)
    assert len(reader.seen) > scale.events


@pytest.fixture
def server(run: Run) -> Iterator[Server]:
    """A PostgreSQL server of the test's own."""
    with own_server(run.directory / f"own-{run.worker}-{next(_numbers)}") as started:
        yield started


async def test_gateways_come_back_after_a_restart_of_postgresql(
    server: Server, start_own_process: StartOwnProcess, session: aiohttp.ClientSession, scale: Scale, tmp_path: Path
) -> None:
    """The server is stopped in order, later as by a crash; two gateways and their reader go on by themselves."""
    await migrate.upgrade(server.url)
    fleet = await build(server.url, tmp_path / "fleet")
    async with open_writer(server.url) as writer:
        things = await make_things(fleet, writer)
        gateways = await asyncio.gather(start_own_process(server.url), start_own_process(server.url))
        start = await beginning(fleet, writer)
        urls = [each.url for each in gateways]
        reader = Reader(session, urls, fleet.alder.viewer.token, start, UUID(things.last.id))
        following = asyncio.create_task(reader.follow(scale.chance("reader"), at_most=150))
        orders = orders_of(scale.seed, scale.events, server.url, things, stubborn=True)
        restarts = [partial(server.restart, how) for how in (signal.SIGINT, signal.SIGQUIT)]
        await write_and_disturb(orders, reader, scale, restarts)
    # What the writer of this process had open died with the server.
    async with open_writer(server.url) as writer:
        await writer.report(things.last)
        await following
        check_whole(reader.seen, await logged(writer.store, after=start))
    check_order(reader.seen)
    assert len(reader.seen) > scale.events
    assert all(each.is_running for each in gateways)
