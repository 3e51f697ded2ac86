"""What everybody relies on when a store is opened and closed."""

from __future__ import annotations

import asyncio

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


@pytest.mark.parametrize("url", ["mysql://127.0.0.1/fleet", "sqlite://", "sqlite:///:memory:"])
def test_other_stores_are_refused(url: str) -> None:
    with pytest.raises(StoreError):
        open_store(StoreSettings(url))
