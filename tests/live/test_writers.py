"""Eight processes write, commit in random order, and a reader that comes and goes loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
from uuid import UUID

import aiohttp
import pytest

from tests.fleets import Fleet
from tests.live.conftest import StartProcess, beginning
from tests.live.reading import Reader, check_order, check_whole, logged
from tests.live.scale import Scale
from tests.live.writing import Things, Writer, orders_of, write_in_processes

pytestmark = [
    pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True),
    pytest.mark.timeout(0),
]


async def test_a_reader_that_comes_and_goes_sees_every_event_once_and_in_order(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    things: Things,
    scale: Scale,
    database_url: str,
) -> None:
    gateway, start = await start_process(), await beginning(fleet, writer)
    reader = Reader(session, [gateway.url], fleet.alder.viewer.token, start, UUID(things.last.id))
    following = asyncio.create_task(reader.follow(scale.chance("reader"), at_most=150))
    await write_in_processes(orders_of(scale.seed, scale.events, database_url, things))
    await writer.report(things.last)
    await following
    check_whole(reader.seen, await logged(writer.store, after=start))
    check_order(reader.seen)
    assert len(reader.seen) > scale.events
    assert reader.connections > 10
