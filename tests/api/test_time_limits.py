"""What takes too long is told to its caller, and ends in the database, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.fleets import Fleet
from tests.gateways import StartGateway

QUERY = "{ things(first: 1) { nodes { name } } }"
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query LIKE '%FROM thing%' AND datname = current_database()
"""

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@asynccontextmanager
async def locked(database_url: str, table: str) -> AsyncIterator[asyncpg.Connection]:
    """Nobody can read the table in the block."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield connection
    finally:
        await connection.close()


async def waiting(connection: asyncpg.Connection, wanted: int) -> None:
    """Wait until so many statements wait for a lock."""
    async with asyncio.timeout(10):
        while await connection.fetchval(WAITING) != wanted:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def test_an_operation_ends_in_the_database(start_gateway: StartGateway, fleet: Fleet, database_url: str) -> None:
    gateway = await start_gateway(operation_timeout=0.5)
    token = fleet.alder.viewer.token
    await gateway.data(QUERY, token=token)
    async with locked(database_url, "thing") as connection:
        asked = asyncio.create_task(gateway.graphql(QUERY, token=token))
        await waiting(connection, 1)
        answer = await asked
        assert answer.codes == ["LIMIT_EXCEEDED"]
        await waiting(connection, 0)
    assert (await gateway.data(QUERY, token=token))["things"]["nodes"]


async def test_a_statement_ends_and_is_not_asked_again(
    start_gateway: StartGateway, fleet: Fleet, database_url: str
) -> None:
    gateway = await start_gateway(statement_timeout=0.3)
    token = fleet.alder.viewer.token
    await gateway.data(QUERY, token=token)
    async with locked(database_url, "thing") as connection:
        answer = await gateway.graphql(QUERY, token=token)
        assert answer.codes == ["LIMIT_EXCEEDED"]
        assert answer.json["data"] is None
        await waiting(connection, 0)
    assert (await gateway.data(QUERY, token=token))["things"]["nodes"]


async def test_who_leaves_leaves_nothing_running(start_gateway: StartGateway, fleet: Fleet, database_url: str) -> None:
    gateway = await start_gateway()
    token = fleet.alder.viewer.token
    await gateway.data(QUERY, token=token)
    async with locked(database_url, "thing") as connection:
        asked = asyncio.create_task(gateway.graphql(QUERY, token=token))
        await waiting(connection, 1)
        asked.cancel()
        await waiting(connection, 0)
    assert (await gateway.data(QUERY, token=token))["things"]["nodes"]
