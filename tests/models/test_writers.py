"""Transactions by the drivers: all of it or nothing, and a connection that is good afterwards, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import update

from models.columns import now
from models.store import PostgresStore, Store, StoreSettings, open_store
from models.tables import EVENT, THING, THING_STATE
from models.writers import Changes, Interrupted, NewEvent, NewState, PostgresWriting, Refused, StoredThing, Writing
from tests.cast import Cast


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(url=database_url))
    yield opened
    await opened.close()


def changes_of(thing: StoredThing, reported: str = '{"a": 1}') -> Changes:
    """A report of a thing, which is seen by it."""
    event = NewEvent("THING_STATE_CHANGED", thing.organization_id, thing.group_id, thing.id, '{"side": "REPORTED"}')
    return Changes([NewState(thing.id, reported, thing.version + 1)], [thing.id], [event])


async def versions(cast: Cast) -> int:
    return int(await cast.value(THING_STATE.c.version, THING_STATE.c.thing_id == cast.thing))


async def lock_one(writing: Writing, key: UUID) -> StoredThing:
    (thing,) = await writing.lock([key.hex])
    return thing


async def test_a_thing_is_read_as_it_is_stored(cast: Cast, store: Store) -> None:
    moment = now()
    async with cast.store.write() as session:
        await session.execute(update(THING).where(THING.c.id == cast.thing).values(last_seen_at=moment))
        await session.execute(update(THING_STATE).values(desired={"b": [1.5]}, desired_at=moment, version=7))
    async with store.writers.transaction() as writing:
        thing = await lock_one(writing, cast.thing)
        assert thing.epoch == await writing.epoch()
    assert (thing.id, thing.organization_id, thing.group_id) == (cast.thing.hex, cast.acme.hex, cast.group.hex)
    assert (thing.connected, thing.last_seen_at, thing.report_interval_seconds) == (False, moment, None)
    assert (thing.reported, thing.version, thing.desired_at) == ("{}", 7, moment)
    assert thing.desired.replace(" ", "") == '{"b":[1.5]}'
    assert thing.key_digest == await cast.value(THING.c.key_digest, THING.c.id == cast.thing)


async def test_what_is_applied_is_there_after_the_block(cast: Cast, store: Store) -> None:
    moment = now()
    async with store.writers.transaction() as writing:
        thing = await lock_one(writing, cast.thing)
        given = await writing.apply(changes_of(thing, '{"a":1}'), moment)
        assert {key: value.replace(" ", "") for key, value in given.items()} == {cast.thing.hex: '{"a":1}'}
        assert await versions(cast) == 0
    assert await versions(cast) == 1
    stored = await cast.value(THING_STATE.c.reported, THING_STATE.c.thing_id == cast.thing)
    assert stored == {"a": 1}
    ((event,),) = [await cast.rows(EVENT.select())]
    assert (event.kind, event.subject_id, event.thing_id) == ("THING_STATE_CHANGED", cast.thing, cast.thing)
    assert (event.organization_id, event.group_id, event.occurred_at) == (cast.acme, cast.group, moment)
    assert (event.transaction > 0) is (store.dialect == "postgresql")
    seen = await cast.rows(THING.select())
    assert [(row.connected, row.last_seen_at) for row in seen] == [(True, moment)]


async def test_what_raises_leaves_nothing_and_the_next_one_goes_on(cast: Cast, store: Store) -> None:
    for _ in range(3):
        with pytest.raises(RuntimeError, match="by the caller"):
            async with store.writers.transaction() as writing:
                await writing.apply(changes_of(await lock_one(writing, cast.thing)), now())
                raise RuntimeError("by the caller")
    assert (await versions(cast), await cast.count(EVENT)) == (0, 0)
    async with store.writers.transaction() as writing:
        await writing.apply(changes_of(await lock_one(writing, cast.thing)), now())
    assert (await versions(cast), await cast.count(EVENT)) == (1, 1)


async def test_a_cancelled_transaction_leaves_nothing_and_nothing_locked(cast: Cast, store: Store) -> None:
    applied = asyncio.Event()

    async def write() -> None:
        async with store.writers.transaction() as writing:
            await writing.apply(changes_of(await lock_one(writing, cast.thing)), now())
            applied.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write())
    await applied.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10), store.writers.transaction() as writing:
        assert (await lock_one(writing, cast.thing)).version == 0
    assert await cast.count(EVENT) == 0


async def test_what_the_database_cannot_store_is_refused(cast: Cast, store: Store) -> None:
    bad: Any = None
    with pytest.raises(Refused):
        async with store.writers.transaction() as writing:
            thing = await lock_one(writing, cast.thing)
            changes = changes_of(thing)
            changes.events[0] = changes.events[0]._replace(detail=bad)
            await writing.apply(changes, now())
    assert await versions(cast) == 0


async def test_things_that_are_not_there_are_left_out(cast: Cast, store: Store) -> None:
    async with store.writers.transaction() as writing:
        assert await writing.lock(["0" * 32]) == []
        assert [each.id for each in await writing.lock(sorted(["f" * 32, cast.thing.hex]))] == [cast.thing.hex]
        assert await writing.epoch() > 0


async def test_reports_and_units_of_work_wait_for_each_other(cast: Cast, store: Store) -> None:
    """Another writer of the same row, on SQLite any other writer: both changes are there in the end."""

    async def report() -> None:
        async with store.writers.transaction() as writing:
            thing = await lock_one(writing, cast.thing)
            await asyncio.sleep(0.01)
            await writing.apply(changes_of(thing), now())

    async def desire() -> None:
        async with store.write() as session:
            raised = THING_STATE.c.version + 1
            await session.execute(
                update(THING_STATE).where(THING_STATE.c.thing_id == cast.thing).values(version=raised)
            )
            await asyncio.sleep(0.01)

    for _ in range(5):
        await asyncio.gather(_until_written(report), desire(), _until_written(report), desire())
    assert await versions(cast) == 20


async def _until_written(report: Any) -> None:
    for _ in range(50):
        try:
            await report()
        except Interrupted:
            continue
        return
    raise AssertionError("interrupted for ever")


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_lost_connection_interrupts_and_is_replaced(cast: Cast, store: Store) -> None:
    with pytest.raises(Interrupted):
        async with store.writers.transaction() as writing:
            thing = await lock_one(writing, cast.thing)
            await _terminate(cast, writing)
            await writing.apply(changes_of(thing), now())
    async with store.writers.transaction() as writing:
        await writing.apply(changes_of(await lock_one(writing, cast.thing)), now())
    assert await versions(cast) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_connection_that_is_lost_at_the_commit_is_no_interruption(cast: Cast, store: Store) -> None:
    """Nobody knows then whether it was written: to repeat it might write it twice."""
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        async with store.writers.transaction() as writing:
            await writing.apply(changes_of(await lock_one(writing, cast.thing)), now())
            await _terminate(cast, writing)
    assert await versions(cast) == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_deadlock_interrupts(cast: Cast, store: Store) -> None:
    first, second = sorted([cast.thing, *await cast.add_things(1)])
    held = asyncio.Barrier(2)

    async def lock_both(one: UUID, other: UUID) -> str:
        try:
            async with store.writers.transaction() as writing:
                await writing.lock([one.hex])
                await held.wait()
                await writing.lock([other.hex])
        except Interrupted:
            return "interrupted"
        return "committed"

    outcomes = await asyncio.gather(lock_both(first, second), lock_both(second, first))
    assert sorted(outcomes) == ["committed", "interrupted"]


async def _terminate(cast: Cast, writing: Writing) -> None:
    """End the server's side of a transaction, and wait until this side has noticed."""
    assert isinstance(cast.store, PostgresStore)
    assert isinstance(writing, PostgresWriting)
    connection = writing._connection
    await cast.store.readers.read([("SELECT pg_terminate_backend($1)", [connection.get_server_pid()])])
    async with asyncio.timeout(10):
        while not connection.is_closed():  # noqa: ASYNC110 - a connection tells nobody
            await asyncio.sleep(0.01)
