"""A client on a phone: cut for ten minutes of events, back with its cursor, and nothing is missing."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

import aiohttp

from tests.fleets import Fleet
from tests.live.conftest import StartProcess, beginning
from tests.live.reading import Reader, check_order, check_whole, cut, logged
from tests.live.scale import Scale
from tests.live.writing import Things, Writer

EVENTS_BEFORE: Final = 40
MISSED: Final = 6_000
EVENTS_AFTER: Final = 300
OF_ONE_COMMIT: Final = 60


async def test_a_client_that_was_cut_gets_what_it_missed_and_goes_on_live(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    things: Things,
    scale: Scale,
) -> None:
    """A fleet that reports ten times a second writes 6,000 events in ten minutes."""
    gateway, start = await start_process(), await beginning(fleet, writer)
    chance, everything = scale.chance("cut"), [*things.shared, *things.own]
    phone = Reader(session, [gateway.url], fleet.alder.viewer.token, start, UUID(things.last.id))

    async with phone.subscribed(gateway.url) as subscription:
        for _ in range(EVENTS_BEFORE):
            await writer.report(chance.choice(everything))
            await phone.take(subscription)
        # What is on its way when the network is lost was sent, and never handled.
        await writer.report(*chance.choices(everything, k=OF_ONE_COMMIT))
        cut(subscription)
    handled = len(phone.seen)

    for _ in range(MISSED // OF_ONE_COMMIT):
        await writer.report(*chance.choices(everything, k=OF_ONE_COMMIT))

    async def go_on() -> None:
        while len(phone.seen) < handled + MISSED // 2:
            await writer.report(chance.choice(everything))
            await asyncio.sleep(0.01)
        for _ in range(EVENTS_AFTER):
            await writer.report(chance.choice(everything))
        await writer.report(things.last)

    async with asyncio.TaskGroup() as together:
        together.create_task(phone.read_on())
        together.create_task(go_on())
    assert phone.connections == 2
    assert len(phone.seen) > EVENTS_BEFORE + MISSED + EVENTS_AFTER
    check_whole(phone.seen, await logged(writer.store, after=start))
    check_order(phone.seen)
