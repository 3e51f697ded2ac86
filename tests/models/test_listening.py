"""Listening on PostgreSQL: told of commits, and again after the connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from models.store import NOTIFY_CHANNEL, Store, StoreSettings, open_store

TELL = text(f"NOTIFY {NOTIFY_CHANNEL}")
END_IT = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
)
SECONDS = 20


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(url=database_url, readers=1))
    yield opened
    await opened.close()


async def run(store: Store, statement: object) -> int:
    """Run a statement; how many rows it gave, 0 for none at all."""
    async with store.write() as session:
        result = await session.execute(statement)  # type: ignore[call-overload]
        return len(result.all()) if result.returns_rows else 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_lost_connection_is_made_anew_and_wakes_once_for_what_was_missed(store: Store) -> None:
    woken = asyncio.Event()
    stop = await store.listen(woken.set)
    try:
        await run(store, TELL)
        async with asyncio.timeout(SECONDS):
            await woken.wait()
        woken.clear()
        assert await run(store, END_IT) == 1
        async with asyncio.timeout(SECONDS):
            await woken.wait()
        woken.clear()
        await run(store, TELL)
        async with asyncio.timeout(SECONDS):
            await woken.wait()
    finally:
        await stop()
    woken.clear()
    await run(store, TELL)
    await asyncio.sleep(0.3)
    assert not woken.is_set()
