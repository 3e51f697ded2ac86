"""`kill -9` while writes are on their way: what was answered is there afterwards, and nothing is there by half."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select

from models.enums import EventKind
from models.store import StoreSettings, open_store
from models.tables import EVENT, GROUP_THING, THING, THING_LIFECYCLE, THING_STATE
from tests.client import GatewayClient
from tests.fleets import Fleet, Tenant
from tests.gateways import ROOT, TOKEN_SECRET, clean_environment, is_ready

ROUNDS = 2
WRITERS = 8
THINGS_BEFORE_A_KILL = 24
SECONDS_OF_WRITING = 60.0
SECONDS_TO_START = 60.0


@dataclass
class Answered:
    """What the gateway has answered: the last number that each writer's own key was set to, and the things made."""

    numbers: dict[str, int] = field(default_factory=dict)
    things: set[str] = field(default_factory=set)
    reports: int = 0


@asynccontextmanager
async def gateway_process(url: str, directory: Path, port: int) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A gateway as production runs it, in a process that is killed at the end: nothing of it gets to clean up."""
    settings = {
        "FLEETGRAPH_DATABASE_URL": url,
        "FLEETGRAPH_DATA_DIR": str(directory),
        "FLEETGRAPH_TOKEN_SECRET": TOKEN_SECRET,
        "FLEETGRAPH_LOG_LEVEL": "error",
    }
    process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick, and nothing else runs meanwhile
        [sys.executable, str(ROOT / "gateway.py"), "serve", "--port", str(port)],
        env=clean_environment() | settings,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(SECONDS_TO_START):
            while not await asyncio.to_thread(is_ready, f"http://127.0.0.1:{port}"):
                assert process.poll() is None, "the gateway ended by itself"
                await asyncio.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


async def write(client: GatewayClient, tenant: Tenant, name: str, start: int, answered: Answered) -> None:
    """Report a growing number under a key of this writer's own, and make things, until the gateway is gone."""
    number = start
    while True:
        number += 1
        report = {"thingId": tenant.pump.id, "reported": {name: number}}
        thing = {"organizationId": tenant.organization, "things": [new_thing(name, number, tenant)]}
        payload = await client.mutate("reportThingState", report, select="state { version }", token=tenant.owner.token)
        assert payload["userErrors"] == []
        answered.numbers[name] = number
        answered.reports += 1
        payload = await client.mutate("createThings", thing, select="things { id }", token=tenant.owner.token)
        assert payload["userErrors"] == []
        answered.things.add(payload["things"][0]["id"])


def new_thing(name: str, number: int, tenant: Tenant) -> dict[str, Any]:
    """A thing that is made of several rows, so that half of it could be missing."""
    return {
        "name": f"{name}-{number}",
        "type": "SENSOR",
        "externalId": f"{name}-{number}",
        "homeGroupId": tenant.yard,
        "tags": ["made"],
    }


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        port: int = probing.getsockname()[1]
        return port


async def test_what_was_answered_survives_a_kill_and_nothing_is_half_written(
    fleet: Fleet, database_url: str, tmp_path: Path
) -> None:
    port, answered, tenant = free_port(), Answered(), fleet.alder
    for turn in range(ROUNDS):
        async with (
            aiohttp.ClientSession() as session,
            gateway_process(database_url, tmp_path, port) as process,
        ):
            client = GatewayClient(f"http://127.0.0.1:{port}", session)
            writers = [
                asyncio.create_task(write(client, tenant, f"writer{number}", turn * 1_000_000, answered))
                for number in range(WRITERS)
            ]
            async with asyncio.timeout(SECONDS_OF_WRITING):
                while len(answered.things) < (turn + 1) * THINGS_BEFORE_A_KILL:
                    assert not any(each.done() for each in writers), "a writer ended before the gateway did"
                    await asyncio.sleep(0.01)
            process.kill()
            outcomes = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(each, aiohttp.ClientError) for each in outcomes), outcomes
    assert answered.reports >= len(answered.things) >= ROUNDS * THINGS_BEFORE_A_KILL

    async with aiohttp.ClientSession() as session, gateway_process(database_url, tmp_path, port):
        client = GatewayClient(f"http://127.0.0.1:{port}", session)
        await assert_answers_are_there(client, tenant, answered)
    await assert_nothing_is_half_written(database_url, answered)


async def assert_answers_are_there(client: GatewayClient, tenant: Tenant, answered: Answered) -> None:
    """Every number is as answered, or newer by the one write that was cut off; every thing that was answered exists."""
    data = await client.data(
        "query ($id: ID!) { thing(id: $id) { state { reported } } }", {"id": tenant.pump.id}, token=tenant.owner.token
    )
    reported = data["thing"]["state"]["reported"]
    for name, number in answered.numbers.items():
        assert reported[name] >= number, f"an answered report of {name} is gone"
    ids = sorted(answered.things)
    for start in range(0, len(ids), 100):
        part = ids[start : start + 100]
        data = await client.data(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": part}, token=tenant.owner.token
        )
        assert [node and node["id"] for node in data["nodes"]] == part


async def assert_nothing_is_half_written(url: str, answered: Answered) -> None:
    """Rows that belong together are there together: state and events, things and all their parts."""
    store = open_store(StoreSettings(url=url))
    try:
        async with store.read() as connection:

            async def column(statement: Any) -> list[Any]:
                return list((await connection.execute(statement)).scalars())

            changes = Counter(
                await column(select(EVENT.c.thing_id).where(EVENT.c.kind == EventKind.THING_STATE_CHANGED))
            )
            states = (await connection.execute(select(THING_STATE.c.thing_id, THING_STATE.c.version))).all()
            assert {thing: version for thing, version in states if version} == dict(changes)
            assert sum(changes.values()) >= answered.reports

            made = set(await column(select(THING.c.id).where(THING.c.external_id.startswith("writer"))))
            assert len(made) >= len(answered.things)
            created = select(EVENT.c.thing_id).where(EVENT.c.kind == EventKind.THING_CREATED)
            for parts in (
                select(THING_STATE.c.thing_id),
                select(THING_LIFECYCLE.c.thing_id),
                select(GROUP_THING.c.thing_id).where(GROUP_THING.c.is_home),
                created,
            ):
                assert made <= set(await column(parts))
            things = (await connection.execute(select(func.count()).select_from(THING))).scalar_one()
            assert len(states) == things
    finally:
        await store.close()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_sqlite_commits_are_synchronous(database_url: str) -> None:
    """An answered write is on the disk, not only with the operating system: WAL with synchronous=FULL."""
    store = open_store(StoreSettings(url=database_url))
    try:
        async with store.write() as session:
            connection = await session.connection()
            modes = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert modes == ["wal", 2, 1]
    finally:
        await store.close()
