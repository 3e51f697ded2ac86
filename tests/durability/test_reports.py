"""`kill -9` while reports share commits: each one that was answered is there after the restart, with its event."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select

from models.enums import EventKind
from models.store import StoreSettings, open_store
from models.tables import EVENT, THING_STATE
from tests.client import GatewayClient
from tests.durability.test_kill import free_port, gateway_process
from tests.fleets import Fleet, Tenant

ROUNDS = 2
SINGLE = 24
"""Writers that report one by one."""
BATCHES = 4
"""Writers that report in batches."""
BATCH = 25
ANSWERS_BEFORE_A_KILL = 300
SECONDS_OF_WRITING = 60.0

Answered = dict[str, int]
"""The last number that each writer's own key was set to."""


async def report_one_by_one(client: GatewayClient, tenant: Tenant, name: str, start: int, answered: Answered) -> None:
    """Report a growing number under a key of this writer's own until the gateway is gone."""
    number = start
    while True:
        number += 1
        report = {"thingId": tenant.pump.id, "reported": {name: number}}
        payload = await client.mutate("reportThingState", report, select="state { version }", token=tenant.owner.token)
        assert payload["userErrors"] == []
        answered[name] = number


async def report_in_batches(client: GatewayClient, tenant: Tenant, name: str, start: int, answered: Answered) -> None:
    """The same, many numbers at once, over all things in turn."""
    things = [thing.id for thing in tenant.things]
    number = start
    while True:
        reports = []
        for _ in range(BATCH):
            number += 1
            reports.append({"thingId": things[number % len(things)], "reported": {name: number}})
        payload = await client.mutate(
            "reportThingStates", {"reports": reports}, select="taken", token=tenant.owner.token
        )
        assert (payload["taken"], payload["userErrors"]) == (BATCH, [])
        answered[name] = number


async def test_reports_that_were_answered_survive_a_kill(fleet: Fleet, database_url: str, tmp_path: Path) -> None:
    port, tenant, answered = free_port(), fleet.alder, Answered()
    for turn in range(ROUNDS):
        start = turn * 1_000_000
        before = sum(answered.values())
        async with aiohttp.ClientSession() as session, gateway_process(database_url, tmp_path, port) as process:
            client = GatewayClient(f"http://127.0.0.1:{port}", session)
            writers = [
                asyncio.create_task(report_one_by_one(client, tenant, f"single{number}", start, answered))
                for number in range(SINGLE)
            ]
            writers += [
                asyncio.create_task(report_in_batches(client, tenant, f"batch{number}", start, answered))
                for number in range(BATCHES)
            ]
            async with asyncio.timeout(SECONDS_OF_WRITING):
                while len(answered) < SINGLE + BATCHES or _answers(answered, start) < ANSWERS_BEFORE_A_KILL:
                    assert not any(each.done() for each in writers), "a writer ended before the gateway did"
                    await asyncio.sleep(0.01)
            process.kill()
            outcomes = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(each, aiohttp.ClientError) for each in outcomes), outcomes
        assert sum(answered.values()) > before
    await assert_all_is_there(database_url, tenant, answered)


def _answers(answered: Answered, start: int) -> int:
    """How many numbers were answered in this round."""
    return sum(number - start for number in answered.values() if number > start)


async def assert_all_is_there(url: str, tenant: Tenant, answered: Answered) -> None:
    """The newest number of each writer is in a state, each version has one event, and events are in order."""
    store = open_store(StoreSettings(url=url))
    try:
        async with store.read() as connection:
            states: Any = (await connection.execute(select(THING_STATE))).all()
            place = (EVENT.c.transaction, EVENT.c.sequence)
            told = select(EVENT.c.thing_id, EVENT.c.detail).where(EVENT.c.kind == EventKind.THING_STATE_CHANGED)
            events: Any = (await connection.execute(told.order_by(*place))).all()
    finally:
        await store.close()
    newest: Counter[str] = Counter()
    for state in states:
        for name, number in state.reported.items():
            newest[name] = max(newest[name], number)
    late = {name: (number, newest[name]) for name, number in answered.items() if newest[name] < number}
    assert late == {}, "answered reports are gone"
    for state in states:
        mine = [event.detail["version"] for event in events if event.thing_id == state.thing_id]
        assert mine == list(range(1, state.version + 1))
