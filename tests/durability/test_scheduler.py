"""`kill -9` of processes that start, stop, fill and end campaigns: nothing is done twice, and nothing is forgotten."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import ColumnElement, func, select, update

from models.columns import now
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.store import StoreSettings, open_store
from models.tables import DEPLOYMENT, EVENT, OTA_EXECUTION, OTA_JOB, THING
from services.execution_counts import OPEN_JOB
from services.execution_moves import ACTIVE
from tests.gateways import ROOT, clean_environment
from tests.services.ota.campaigns import Made, make_deployment, make_job
from tests.services.ota.fleet import Fleet, make_fleet

KILLS = 5
PROCESSES = 2
SECONDS_TO_START = 120.0
SECONDS_TO_FINISH = 120.0
LONGEST_LIFE = 0.4

pytestmark = pytest.mark.timeout(600)


@dataclass
class Campaigns:
    """What there is to do: jobs to start and push, deployments to expire, to stop, and to fill."""

    starting: list[Made]
    expiring: list[Made]
    stopping: list[Made]
    filling: list[Made]


async def make_campaigns(fleet: Fleet) -> Campaigns:
    past, later = now() - timedelta(minutes=1), now() + timedelta(days=1)
    due = {"size": 2, "status": OtaJobStatus.SCHEDULED, "starts_at": past, "force": True}
    later_phase = {"size": 1, "status": OtaJobStatus.SCHEDULED, "starts_at": later}
    starting = [await make_deployment(fleet, dict(due), dict(later_phase), stop_failures=0) for _ in range(10)]
    expiring = [await make_deployment(fleet, {"size": 6}, expires_at=past) for _ in range(4)]
    expiring += [await make_job(fleet, 4, expires_at=past, dynamic=True) for _ in range(2)]
    stopping = [
        await make_deployment(fleet, {"size": 4}, {"size": 4}, dict(later_phase), stop_failures=1) for _ in range(4)
    ]
    filling = [await make_deployment(fleet, {"size": 4}, {"size": 4}, dynamic=True, max_things=2) for _ in range(4)]
    async with fleet.store.write() as session:
        await session.execute(update(THING).values(connected=True))
    return Campaigns(starting, expiring, stopping, filling)


@asynccontextmanager
async def working(url: str, seeds: random.Random) -> AsyncIterator[None]:
    """Processes that look after the campaigns, killed at the end: nothing of them gets to clean up."""
    processes = [
        subprocess.Popen(  # noqa: ASYNC220 - starting is quick
            [sys.executable, "-m", "tests.durability.scheduling", url, str(seeds.randrange(2**31))],
            env=clean_environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        async with asyncio.timeout(SECONDS_TO_START):
            for process in processes:
                assert process.stdout is not None
                assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        yield
        assert all(process.poll() is None for process in processes), "a process ended by itself"
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


async def test_killed_processes_do_nothing_twice_and_forget_nothing(
    database_url: str, record_testsuite_property: Any
) -> None:
    seed = random.SystemRandom().randrange(2**31)
    record_testsuite_property("scheduler-kill-seed", seed)
    chance = random.Random(seed)
    store = open_store(StoreSettings(database_url))
    try:
        fleet = await make_fleet(store)
        campaigns = await make_campaigns(fleet)
        for _ in range(KILLS):
            async with working(database_url, chance):
                await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
        async with working(database_url, chance), asyncio.timeout(SECONDS_TO_FINISH):
            while await is_anything_left(fleet, campaigns):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.05)
        await assert_started_once(fleet, campaigns)
        await assert_expired_once(fleet, campaigns)
        await assert_stopped(fleet, campaigns.stopping)
        await assert_filled(fleet, campaigns.filling)
        await assert_events_are_those_of_the_rows(fleet)
        await fleet.assert_counts()
    finally:
        await store.close()


async def count(fleet: Fleet, *conditions: ColumnElement[bool]) -> int:
    async with fleet.store.read() as connection:
        return (await connection.execute(select(func.count()).where(*conditions))).scalar_one()


async def is_anything_left(fleet: Fleet, campaigns: Campaigns) -> bool:
    """Whether some job has not begun, some campaign not expired, stopped or been filled."""
    first = [made.jobs[0] for made in campaigns.starting]
    expiring = [key for made in campaigns.expiring for key in made.jobs]
    filling = [made.key for made in campaigns.filling]
    running = [key for made in campaigns.stopping for key in made.jobs[:2]]
    return bool(
        await count(fleet, OTA_JOB.c.id.in_(first), OTA_JOB.c.begun_at.is_(None))
        or await count(fleet, OTA_JOB.c.id.in_(expiring), OTA_JOB.c.status.in_(OPEN_JOB))
        or await count(fleet, OTA_JOB.c.id.in_(running), OTA_JOB.c.status == OtaJobStatus.IN_PROGRESS)
        or await count(fleet, OTA_JOB.c.deployment_id.in_(filling), OTA_JOB.c.status.in_(OPEN_JOB))
        or await count(fleet, OTA_EXECUTION.c.deployment_id.in_(filling), OTA_EXECUTION.c.status.in_(ACTIVE))
    )


async def rows(fleet: Fleet, statement: Any) -> list[Any]:
    async with fleet.store.read() as connection:
        return list((await connection.execute(statement)).all())


async def assert_started_once(fleet: Fleet, campaigns: Campaigns) -> None:
    """Each job that was due has one start in the log; each of its things was sent the update once; later ones wait."""
    due = [made.jobs[0] for made in campaigns.starting]
    events = await fleet.events(EventKind.OTA_JOB_CHANGED)
    started = Counter(event.subject_id for event in events if event.detail.get("started"))
    assert started == Counter(due)
    pushed = [key for made in campaigns.starting for key in made.executions[0]]
    sent = Counter(
        event.subject_id
        for event in await fleet.events(EventKind.OTA_EXECUTION_CHANGED)
        if event.detail["status"] == Status.TRIGGERED.value
    )
    assert sent == Counter(pushed)
    last = [made.jobs[1] for made in campaigns.starting]
    assert await count(fleet, OTA_JOB.c.id.in_(last), OTA_JOB.c.begun_at.is_(None)) == len(last)


async def assert_expired_once(fleet: Fleet, campaigns: Campaigns) -> None:
    keys = [key for made in campaigns.expiring for key in made.executions[0]]
    found = await rows(fleet, select(OTA_EXECUTION.c.status).where(OTA_EXECUTION.c.id.in_(keys)))
    assert [row.status for row in found] == [Status.EXPIRED] * len(keys)
    told = Counter(event.subject_id for event in await fleet.events(EventKind.OTA_EXECUTION_CHANGED))
    assert {key: told[key] for key in keys} == dict.fromkeys(keys, 1)
    jobs = [made.jobs[0] for made in campaigns.expiring]
    assert await count(fleet, OTA_JOB.c.id.in_(jobs), OTA_JOB.c.status == OtaJobStatus.FINISHED) == len(jobs)
    deployments = [made.key for made in campaigns.expiring if made.deployment is not None]
    ended = (DEPLOYMENT.c.id.in_(deployments), DEPLOYMENT.c.status == DeploymentStatus.FINISHED)
    assert await count(fleet, *ended) == len(deployments)


async def assert_stopped(fleet: Fleet, made: list[Made]) -> None:
    """A campaign that failed too often is paused with all its phases; the others have ended."""
    for one in made:
        (deployment,) = await rows(fleet, select(DEPLOYMENT).where(DEPLOYMENT.c.id == one.key))
        found = {row.status for row in await rows(fleet, select(OTA_JOB.c.status).where(OTA_JOB.c.id.in_(one.jobs)))}
        if deployment.failure_count > 1:
            assert deployment.status is DeploymentStatus.PAUSED
            assert deployment.stopped_at is not None
            assert found <= {OtaJobStatus.PAUSED, OtaJobStatus.FINISHED}
        else:
            # Nothing but the phase of tomorrow is open in one that was never stopped.
            assert OtaJobStatus.PAUSED not in found


async def assert_filled(fleet: Fleet, made: list[Made]) -> None:
    """Each was closed when two had completed, with what was open; who was about to complete then may have."""
    for one in made:
        (deployment,) = await rows(fleet, select(DEPLOYMENT).where(DEPLOYMENT.c.id == one.key))
        assert deployment.status is DeploymentStatus.FINISHED
        assert deployment.success_count + deployment.failure_count >= 2
        assert deployment.success_count + deployment.failure_count + deployment.aborted_count == 8


async def assert_events_are_those_of_the_rows(fleet: Fleet) -> None:
    """The last event of each execution says its status, and exactly one says that it has ended."""
    events = await fleet.events(EventKind.OTA_EXECUTION_CHANGED)
    last = {event.subject_id: event.detail["status"] for event in events}
    ends = Counter(event.subject_id for event in events if Status(event.detail["status"]) not in ACTIVE)
    for row in await fleet.all_executions():
        if row.id in last:
            assert last[row.id] == row.status.value
        assert ends[row.id] == (row.status not in ACTIVE)
    assert len(await rows(fleet, select(EVENT.c.sequence))) > len(last)
