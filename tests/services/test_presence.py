"""When things are connected: while they keep a socket, or report within their interval."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from models.columns import now
from models.enums import EventKind
from models.tables import EVENT, GATEWAY_PROCESS, THING, THING_SOCKET
from services import connectivity
from services.connectivity import BATCH
from services.presence import Presence, PresenceTimes
from tests.cast import Cast, thing_id
from tests.presences import (
    CLOSED,
    CONNECTED,
    INTERVAL,
    SILENT,
    add_silent_things,
    changes,
    is_connected,
    process,
    report,
    seen_at,
    settle,
    until,
)
from tests.statements import Recorder


async def test_a_thing_goes_offline_after_its_own_interval_or_that_of_the_settings(cast: Cast) -> None:
    kept, late, own, own_late, slow = await cast.add_things(5)
    await report(cast, [kept], 1_400)
    moment = await report(cast, [late], 1_600)
    await report(cast, [own], 10, interval=10)
    await report(cast, [own_late], 17, interval=10)
    await report(cast, [slow], 1_600, interval=2_000)
    woken: list[None] = []
    here = process(cast, woken)
    assert await here.sweep() == 2
    found = await changes(cast)
    assert sorted(found, key=lambda change: change[0]) == sorted([(late, SILENT), (own_late, SILENT)])
    assert len(woken) == 2
    assert [await is_connected(cast, each) for each in (kept, late, own, own_late, slow)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    assert await seen_at(cast, late) == moment
    assert await here.sweep() == 0
    assert await changes(cast) == found
    assert here.counts.offline == {"SILENCE": 2, "LEASE": 0}


async def test_the_event_has_what_access_is_asked_of(cast: Cast) -> None:
    await report(cast, [cast.thing], 1_600)
    await process(cast).sweep()
    columns = (EVENT.c.kind, EVENT.c.organization_id, EVENT.c.group_id, EVENT.c.thing_id, EVENT.c.subject_id)
    assert [tuple(row) for row in await cast.rows(select(*columns))] == [
        (EventKind.THING_CONNECTIVITY_CHANGED, cast.acme, cast.group, cast.thing, cast.thing)
    ]


async def test_a_report_counts_at_once_and_the_next_silence_is_told_again(cast: Cast) -> None:
    here = process(cast)
    for turn in (1, 2):
        await cast.change("thing", "reportThingState", {"reported": {"turn": turn}}, "state { version }")
        assert await here.sweep() == 0
        await report(cast, [cast.thing], 1_600)
        assert await here.sweep() == 1
    assert [detail["connected"] for _, detail in await changes(cast)] == [True, False, True, False]


async def test_nothing_is_written_when_nobody_is_silent(cast: Cast, statements: Recorder) -> None:
    await report(cast, await cast.add_things(3), 10)
    with statements() as seen:
        assert await process(cast).sweep() == 0
    assert seen.count == 3
    assert all(text.lstrip().startswith(("SELECT", "WITH")) for text in seen.texts)


async def test_processes_that_sweep_at_the_same_time_tell_each_silence_once(cast: Cast) -> None:
    things = await cast.add_things(3 * BATCH)
    moment = now() - timedelta(seconds=2_000)
    async with cast.store.write() as session:
        await session.execute(update(THING).values(connected=True, last_seen_at=moment))
    here, there = process(cast), process(cast)
    numbers = await asyncio.gather(here.sweep(), there.sweep())
    assert sum(numbers) + await here.sweep() == len(things) + 1
    assert sorted(await changes(cast)) == sorted((each, SILENT) for each in (*things, cast.thing))


@pytest.mark.timeout(600)
async def test_a_fleet_that_falls_silent_goes_offline_in_bounded_transactions(cast: Cast) -> None:
    number = 100_000
    await add_silent_things(cast, number)
    woken: list[None] = []
    assert await process(cast, woken).sweep() == number
    assert len(woken) == number / BATCH
    assert await cast.count(THING, THING.c.connected) == 0
    assert await cast.rows(select(func.count(), func.count(EVENT.c.thing_id.distinct()))) == [(number, number)]


async def test_a_socket_connects_and_its_end_disconnects(cast: Cast) -> None:
    woken: list[None] = []
    here = process(cast, woken)
    key = here.opened(cast.thing)
    await settle(here)
    assert await is_connected(cast, cast.thing)
    assert here.counts.things() == 1
    opened_at = await seen_at(cast, cast.thing)
    here.closed(key)
    await settle(here)
    assert not await is_connected(cast, cast.thing)
    assert await changes(cast) == [(cast.thing, CONNECTED), (cast.thing, CLOSED)]
    assert await seen_at(cast, cast.thing) > opened_at
    assert await cast.count(THING_SOCKET) == 0
    assert len(woken) == 2
    assert here.counts.things() == 0
    here.closed(key)
    assert await here.write()
    assert len(await changes(cast)) == 2


async def test_a_socket_that_is_kept_is_no_silence(cast: Cast) -> None:
    here = process(cast)
    with here.socket(cast.thing):
        await settle(here)
        async with cast.store.write() as session:
            await session.execute(update(THING).values(last_seen_at=now() - timedelta(days=40)))
        assert await process(cast).sweep() == 0
        assert await is_connected(cast, cast.thing)
    await settle(here)
    assert await changes(cast) == [(cast.thing, CONNECTED), (cast.thing, CLOSED)]


async def test_only_the_last_socket_disconnects(cast: Cast) -> None:
    here, there = process(cast), process(cast)
    first, second, third = here.opened(cast.thing), here.opened(cast.thing), there.opened(cast.thing)
    for each in (here, there):
        await settle(each)
    assert here.counts.things() == 1
    for keeper, key in ((here, first), (there, third)):
        keeper.closed(key)
        await settle(keeper)
        assert await is_connected(cast, cast.thing)
    here.closed(second)
    await settle(here)
    assert await changes(cast) == [(cast.thing, CONNECTED), (cast.thing, CLOSED)]


async def test_a_thing_that_has_reported_outlives_its_socket_until_it_is_silent(cast: Cast) -> None:
    here = process(cast)
    key = here.opened(cast.thing)
    await settle(here)
    await report(cast, [cast.thing], 900)
    here.closed(key)
    await settle(here)
    assert await is_connected(cast, cast.thing)
    assert await here.sweep() == 0
    await report(cast, [cast.thing], 1_600)
    assert await here.sweep() == 1
    assert await changes(cast) == [(cast.thing, CONNECTED), (cast.thing, SILENT)]


async def test_opening_a_socket_is_no_report(cast: Cast) -> None:
    here = process(cast)
    await report(cast, [cast.thing], 1_600)
    assert await here.sweep() == 1
    for _ in range(2):
        key = here.opened(cast.thing)
        await settle(here)
        here.closed(key)
        await settle(here)
    assert [detail for _, detail in await changes(cast)] == [SILENT, CONNECTED, CLOSED, CONNECTED, CLOSED]


async def test_a_connected_thing_that_opens_a_socket_leaves_no_event(cast: Cast) -> None:
    moment = await report(cast, [cast.thing], 10)
    here = process(cast)
    here.opened(cast.thing)
    await settle(here)
    assert await changes(cast) == []
    assert await seen_at(cast, cast.thing) == moment


async def test_it_works_in_the_background_until_it_is_stopped(cast: Cast) -> None:
    times = PresenceTimes(silence=INTERVAL, lease=600, sweep=0.01)
    here = Presence(cast.store, lambda: None, times)
    await here.start()
    await report(cast, [cast.thing], 1_600)
    await until(cast, [(cast.thing, SILENT)])
    await here.stop()
    assert all(task.cancelled() for task in here._tasks)


async def test_a_thing_may_be_deleted_while_it_keeps_a_socket(cast: Cast) -> None:
    here = process(cast)
    key = here.opened(cast.thing)
    await settle(here)
    await cast.change("owner", "deleteThings", {"ids": [thing_id(cast.thing)]})
    assert await cast.count(THING_SOCKET) == 0
    here.opened(cast.thing)
    here.closed(key)
    await settle(here)
    assert await here.sweep() == 0
    assert await changes(cast) == [(cast.thing, CONNECTED)]


async def test_a_socket_that_closes_before_it_was_written_leaves_nothing(cast: Cast) -> None:
    here = process(cast)
    with here.socket(cast.thing):
        assert here.counts.things() == 1
    assert await here.write()
    assert await changes(cast) == []
    assert await cast.count(GATEWAY_PROCESS) == 0


async def test_many_sockets_at_once_are_written_together(cast: Cast, statements: Recorder) -> None:
    things = await cast.add_things(BATCH + 1)
    here = process(cast)
    keys = [here.opened(thing) for thing in things]
    with statements() as seen:
        await settle(here)
    assert len(seen.reading("thing_socket")) == 2
    assert await cast.count(THING_SOCKET) == await cast.count(THING, THING.c.connected) == len(things)
    for key in keys:
        here.closed(key)
    await settle(here)
    assert await cast.count(THING_SOCKET) == await cast.count(THING, THING.c.connected) == 0
    assert len(await changes(cast)) == 2 * len(things)
    assert not here._attempted


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_neither_sweep_nor_sockets_wait_for_what_somebody_else_writes(cast: Cast) -> None:
    held, free = await cast.add_things(2)
    await report(cast, [held, free], 1_600)
    here = process(cast)
    async with cast.store.write() as session:
        await session.execute(select(THING.c.id).where(THING.c.id == held).with_for_update())
        async with asyncio.timeout(20):
            assert await here.sweep() == 1
            here.opened(held)
            assert not await here.write()
    assert await changes(cast) == [(free, SILENT)]
    assert await here.write()
    assert await is_connected(cast, held)
    assert await here.sweep() == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_socket_that_opens_under_the_eyes_of_the_sweep_is_seen(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not there when silent things were looked for, and is before one of them is taken offline."""
    await report(cast, [cast.thing], 1_600)
    here, there = process(cast), process(cast)
    find = connectivity.silent_things

    async def find_and_open(*arguments: Any) -> Any:
        found = await find(*arguments)
        if found:
            there.opened(cast.thing)
            await settle(there)
        return found

    monkeypatch.setattr(connectivity, "silent_things", find_and_open)
    assert await here.sweep() == 0
    assert await is_connected(cast, cast.thing)
    assert await changes(cast) == []
