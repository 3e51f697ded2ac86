"""Processes that die, or are held up, and what becomes of the things whose sockets they kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from models.columns import now
from models.store import Store
from models.tables import GATEWAY_PROCESS, THING, THING_SOCKET
from services import presence
from services.errors import Conflict
from tests.cast import Cast
from tests.presences import (
    CLOSED,
    CONNECTED,
    changes,
    end_leases,
    is_connected,
    process,
    report,
    seen_at,
    settle,
    until,
)


async def test_things_of_a_process_that_died_go_offline_once(cast: Cast) -> None:
    silent, reporting, elsewhere, again = await cast.add_things(4)
    dead, here, there = process(cast), process(cast), process(cast)
    for thing in (silent, silent, reporting, elsewhere, again):
        dead.opened(thing)
    await settle(dead)
    await report(cast, [reporting], 100)
    moment = await end_leases(cast)
    here.opened(elsewhere)
    await settle(here)
    await asyncio.gather(here.sweep(), there.sweep())
    await here.sweep()
    assert here.counts.offline["LEASE"] + there.counts.offline["LEASE"] == 2
    assert {thing: await is_connected(cast, thing) for thing in (silent, reporting, elsewhere, again)} == {
        silent: False,
        reporting: True,
        elsewhere: True,
        again: False,
    }
    left = [(thing, detail) for thing, detail in await changes(cast) if not detail["connected"]]
    assert sorted(left, key=str) == sorted([(silent, CLOSED), (again, CLOSED)], key=str)
    assert await seen_at(cast, silent) >= moment
    assert await cast.count(GATEWAY_PROCESS) == await cast.count(THING_SOCKET) == 1


async def test_the_last_heartbeat_is_when_a_thing_was_last_seen(cast: Cast) -> None:
    dead = process(cast)
    dead.opened(cast.thing)
    await settle(dead)
    async with cast.store.write() as session:
        await session.execute(update(THING).values(last_seen_at=now() - timedelta(days=3)))
    moment = await end_leases(cast, ago=60)
    assert await process(cast).sweep() == 1
    assert await seen_at(cast, cast.thing) == moment


async def test_a_beat_keeps_the_lease(cast: Cast) -> None:
    here = process(cast)
    await here.beat()
    assert await cast.count(GATEWAY_PROCESS) == 0, "who keeps no sockets needs no lease"
    here.opened(cast.thing)
    await settle(here)
    before = await cast.value(GATEWAY_PROCESS.c.lease_until)
    await here.beat()
    assert await cast.value(GATEWAY_PROCESS.c.lease_until) > before
    assert await process(cast).sweep() == 0


@pytest.mark.parametrize("is_swept", [True, False])
async def test_a_process_that_was_held_up_writes_its_sockets_again(cast: Cast, *, is_swept: bool) -> None:
    here = process(cast)
    here.opened(cast.thing)
    await settle(here)
    first = await cast.value(GATEWAY_PROCESS.c.id)
    await end_leases(cast)
    if is_swept:
        assert await process(cast).sweep() == 1
    await here.beat()
    await settle(here)
    assert await is_connected(cast, cast.thing)
    assert await process(cast).sweep() == 0
    assert await cast.value(GATEWAY_PROCESS.c.id) != first
    details = [detail for _, detail in await changes(cast)]
    assert details == ([CONNECTED, CLOSED, CONNECTED] if is_swept else [CONNECTED])


async def test_a_socket_that_opens_under_a_lease_that_is_gone_is_written_under_another(cast: Cast) -> None:
    first, second = await cast.add_things(2)
    here = process(cast)
    here.opened(first)
    await settle(here)
    await end_leases(cast)
    await process(cast).sweep()
    here.opened(second)
    with pytest.raises(Conflict):
        await here.write()
    await settle(here)
    assert await cast.count(THING_SOCKET) == 2
    assert [await is_connected(cast, each) for each in (first, second)] == [True, True]


async def test_the_database_may_be_away(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """What opened and closed meanwhile is written when it is back, and nobody who keeps a socket is told."""
    here = process(cast, lease=0.3)
    monkeypatch.setattr(presence, "RETRY_SECONDS", 0.01)
    faults: list[object] = []
    monkeypatch.setattr(presence.log, "warning", lambda *told, **_: faults.append(told))
    first, second = await cast.add_things(2)
    await here.start()
    try:
        key = here.opened(first)
        await until(cast, [(first, CONNECTED)])
        with monkeypatch.context() as away:
            away.setattr(Store, "write", _no_database)
            here.closed(key)
            here.opened(second)
            async with asyncio.timeout(20):
                while len(faults) < 5:  # noqa: ASYNC110 - nobody is told of what is logged
                    await asyncio.sleep(0.01)
        await until(cast, [(first, CLOSED), (first, CONNECTED), (second, CONNECTED)])
    finally:
        await here.stop()


def _no_database(_: Store) -> Any:
    raise OperationalError("BEGIN", {}, ConnectionRefusedError("nobody listens"))


async def test_what_closes_while_the_process_ends_counts_until_its_lease_is_over(cast: Cast) -> None:
    stays, comes_back = await cast.add_things(2)
    here, there = process(cast), process(cast)
    keys = [here.opened(thing) for thing in (stays, comes_back)]
    await settle(here)
    here.leave()
    for key in keys:
        here.closed(key)
    here.opened(cast.thing)
    await settle(here)
    assert [detail for _, detail in await changes(cast)] == [CONNECTED] * 2
    await end_leases(cast)
    there.opened(comes_back)
    await settle(there)
    assert await there.sweep() == 1
    assert (await changes(cast))[2:] == [(stays, CLOSED)]


async def test_leases_of_processes_that_died_without_sockets_are_forgotten(cast: Cast) -> None:
    dead = process(cast)
    key = dead.opened(cast.thing)
    await settle(dead)
    dead.closed(key)
    await settle(dead)
    await end_leases(cast)
    assert await process(cast).sweep() == 0
    assert await cast.count(GATEWAY_PROCESS) == 0
