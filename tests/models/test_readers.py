"""Reading by the drivers: what is lent comes back, whatever happens on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.errors import StatementTimeout, StoreBusy
from models.readers import Readers
from models.store import Store, StoreSettings, open_store

ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}
FAILING = "SELECT no_such_column"
ONE: list[Any] = []


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(url=database_url, readers=1))
    yield opened
    await opened.close()


@pytest.fixture
def readers(store: Store) -> Readers[Any]:
    return store.readers


def values(answers: list[Any]) -> list[Any]:
    return [row[0] for rows in answers for row in rows]


async def test_a_batch_gives_the_rows_of_each_statement(readers: Readers[Any]) -> None:
    answers = await readers.read([("SELECT 1", ONE), ("SELECT 2 WHERE 1 = 0", ONE), ("SELECT 3", ONE)])
    assert [len(rows) for rows in answers] == [1, 0, 1]
    assert values(answers) == [1, 3]


async def test_a_connection_is_good_after_an_error(readers: Readers[Any]) -> None:
    for _ in range(3):
        with pytest.raises(Exception, match="no_such_column"):
            await readers.read([(FAILING, ONE)])
    assert values(await readers.read([("SELECT 1", ONE)])) == [1]


async def test_what_is_cancelled_stops_in_the_database(store: Store, readers: Readers[Any]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await readers.read([(ENDLESS[store.dialect], ONE)])
    async with asyncio.timeout(5):
        assert values(await readers.read([("SELECT 1", ONE)])) == [1]
    if store.dialect == "postgresql":
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%' AND $1"
        assert values(await readers.read([(f"{running} AND pid <> pg_backend_pid()", [True])])) == [0]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_the_database_ends_statements_of_its_own(database_url: str) -> None:
    store = open_store(StoreSettings(url=database_url, readers=1, statement_timeout=0.1))
    try:
        with pytest.raises(StatementTimeout):
            await store.readers.read([(ENDLESS["postgresql"], ONE)])
        assert values(await store.readers.read([("SELECT 1", ONE)])) == [1]
    finally:
        await store.close()


async def test_who_waits_too_long_is_told(store: Store, readers: Readers[Any]) -> None:
    readers._timeout = 0.05
    endless = asyncio.create_task(readers.read([(ENDLESS[store.dialect], ONE)]))
    await asyncio.sleep(0.1)
    with pytest.raises(StoreBusy):
        await readers.read([("SELECT 1", ONE)])
    endless.cancel()
    with pytest.raises(asyncio.CancelledError):
        await endless
    assert values(await readers.read([("SELECT 1", ONE)])) == [1]


async def test_who_waits_gets_the_one_that_comes_back(readers: Readers[Any]) -> None:
    many = await asyncio.gather(*(readers.read([("SELECT 1", ONE)]) for _ in range(20)))
    assert [values(each) for each in many] == [[1]] * 20


async def test_nothing_can_be_written(store: Store, readers: Readers[Any]) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await readers.read([("DELETE FROM session", ONE)])
