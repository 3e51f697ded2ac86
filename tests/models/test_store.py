"""What everybody relies on when a store is opened and closed."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from models.errors import StoreError
from models.store import StoreSettings, open_store


async def test_closing_waits_for_reads_and_leaves_nothing_open(database_url: str) -> None:
    store = open_store(StoreSettings(database_url))
    pool = store.reader.pool
    assert isinstance(pool, QueuePool)
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def read() -> int:
        async with store.read() as connection:
            reading.set()
            await go_on.wait()
            return int((await connection.execute(text("SELECT 7"))).scalar_one())

    under_way = asyncio.create_task(read())
    await reading.wait()
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    assert await under_way == 7
    assert (pool.checkedout(), pool.checkedin()) == (0, 0)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_closing_waits_for_threads_that_were_left_to_themselves(database_url: str) -> None:
    """A reader that is cancelled twice does not wait for the end of its statement, which a thread goes on with."""
    store = open_store(StoreSettings(database_url))
    others = set(threading.enumerate())
    started, go_on, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def hold() -> int:
        loop.call_soon_threadsafe(started.set)
        return int(go_on.wait(timeout=5))

    async def read() -> None:
        async with store.read() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.create_function("hold", 0, hold)
            await connection.execute(text("SELECT hold()"))

    reading = asyncio.create_task(read())
    await started.wait()
    while not reading.done():
        reading.cancel()
        await asyncio.sleep(0)
    left = set(threading.enumerate()) - others
    assert left
    loop.call_later(0.2, go_on.set)
    await store.close()
    assert go_on.is_set()
    assert not any(thread.is_alive() for thread in left)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_closing_waits_for_connections_that_nobody_waited_for(database_url: str) -> None:
    """A reader that is cancelled while its connection is opened leaves a thread, too."""
    others = set(threading.enumerate())
    store = open_store(StoreSettings(database_url))

    async def read() -> None:
        async with store.read():
            pytest.fail("it was cancelled before")

    reading = asyncio.create_task(read())
    while not (left := set(threading.enumerate()) - others):  # noqa: ASYNC110 - a thread tells nobody
        await asyncio.sleep(0)
    while not reading.done():
        reading.cancel()
        await asyncio.sleep(0)
    await store.close()
    assert not any(thread.is_alive() for thread in left)


@pytest.mark.parametrize("url", ["mysql://127.0.0.1/fleet", "sqlite://", "sqlite:///:memory:"])
def test_other_stores_are_refused(url: str) -> None:
    with pytest.raises(StoreError):
        open_store(StoreSettings(url))
