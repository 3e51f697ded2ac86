"""Reports on updates: whether counters are exact after very many of them, and how many a second the service takes.

    python bench/executions.py [--reports 50000] [--jobs 5] [--writers 16] [--directory kept]

PostgreSQL on one core, the service on the other: `services.executions.report` in a transaction for each report, from as
many writers at once, in random order over all jobs. Two of the jobs are phases of one deployment, so that every report
on these needs the same row. Each update takes four reports: three steps, and an end that is a failure for every tenth.
Then every counter of every job and deployment is held against a count of the rows. Prints a table, and `EXACT reports`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import func, select, text

from bench.cores import pinned, two_cores
from bench.fleets import build_on_server, pinned_server
from bench.rollouts import FOLLOW, FOUND, THINGS
from bench.tables import say
from models import DeploymentRow, OtaJobRow
from models.columns import now
from models.counts import count_column
from models.enums import DeploymentStatus
from models.enums import OtaExecutionStatus as Status
from models.store import Store, StoreSettings, open_store
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services import executions
from services.access import Access, ThingPrincipal
from services.errors import Conflict
from services.executions import Report
from services.unit_of_work import unit_of_work

DEMO_THINGS: Final = 100
STEPS: Final = (Status.DOWNLOADING, Status.INSTALLING, Status.REBOOTING)
REPORTS_OF_ONE: Final = len(STEPS) + 1
PHASES: Final = 2
ATTEMPTS: Final = 20
ADD: Final = text("""
INSERT INTO ota_execution (
  id, version, created_at, updated_at, organization_id, job_id, deployment_id, thing_id, status, substate, progress,
  attempts, device_type, log_line_count)
SELECT uuidv7(), 1, now(), now(), organization_id, :job, :deployment, id, 'PENDING', '', 0, 0, '', 0
FROM thing WHERE external_id LIKE 'added-%'
""")


class Inexact(SystemExit):
    """A counter is not what counting gives."""


@dataclass(frozen=True)
class Update:
    """An execution, and the thing that reports on it."""

    key: UUID
    access: Access


async def start(store: Store, url: str, jobs: int, things: int) -> list[UUID]:
    """Jobs over all added things, the first two in a deployment; gives their ids."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetchrow(FOUND)
    finally:
        await connection.close()
    common = {"organization_id": found["org"], "name": "Reports", "pending_count": things, "planned_count": things}
    deployment = DeploymentRow(release_id=found["release"], status=DeploymentStatus.PENDING, **common)
    deployment.pending_count = PHASES * things
    parents = [deployment.id if number < PHASES else None for number in range(jobs)]
    rows = [OtaJobRow(begun_at=now(), deployment_id=parent, **common) for parent in parents]
    async with store.write() as session:
        session.add(deployment)
        await session.flush()
        session.add_all(rows)
        await session.flush()
        for row in rows:
            await session.execute(ADD, {"job": row.id, "deployment": row.deployment_id})
    return [row.id for row in rows]


async def read_updates(store: Store, jobs: list[UUID]) -> list[Update]:
    """All executions of the jobs, in random order."""
    columns = OTA_EXECUTION.c
    statement = select(columns.id, columns.thing_id, columns.organization_id).where(columns.job_id.in_(jobs))
    async with store.read() as connection:
        rows = (await connection.execute(statement)).all()
    updates = [Update(row.id, Access(ThingPrincipal(row.thing_id, row.organization_id, b""))) for row in rows]
    random.Random(7).shuffle(updates)
    return updates


async def report(store: Store, update: Update, status: Status) -> int:
    """Report once, and again when another transaction was in the way; gives how often it had to be repeated."""
    for attempt in range(ATTEMPTS):
        try:
            async with unit_of_work(store, update.access, _told) as work:
                await executions.report(work, update.key, Report(status))
        except Conflict:
            continue
        return attempt
    raise SystemExit(f"a report was in the way of others {ATTEMPTS} times")


def _told() -> None:
    """Nobody listens."""


async def report_all(store: Store, updates: list[Update], writers: int) -> int:
    """All reports of all updates, step by step, from several writers at once; gives how many had to be repeated."""
    repeated = 0
    for step in range(REPORTS_OF_ONE):
        waiting = iter(enumerate(updates))
        repeated += sum(await asyncio.gather(*(_write(store, waiting, step) for _ in range(writers))))
        say(f"step {step + 1} of {REPORTS_OF_ONE} reported by {len(updates):,} things")
    return repeated


async def _write(store: Store, waiting: Iterator[tuple[int, Update]], step: int) -> int:
    """Report the same step of what no other writer has taken yet."""
    repeated = 0
    for number, update in waiting:
        last = Status.FAILURE if number % 10 == 0 else Status.SUCCESS
        repeated += await report(store, update, STEPS[step] if step < len(STEPS) else last)
    return repeated


async def check(store: Store, jobs: list[UUID]) -> int:
    """Hold every counter against the rows; gives how many were held. Raises Inexact."""
    held = 0
    async with store.read() as connection:
        for table, column in ((OTA_JOB, OTA_EXECUTION.c.job_id), (DEPLOYMENT, OTA_EXECUTION.c.deployment_id)):
            statement = (
                select(column, OTA_EXECUTION.c.status, func.count())
                .where(OTA_EXECUTION.c.job_id.in_(jobs), column.is_not(None))
                .group_by(column, OTA_EXECUTION.c.status)
            )
            counted = {(key, status): number for key, status, number in (await connection.execute(statement)).all()}
            keys = {key for key, _ in counted}
            rows: Any = (await connection.execute(select(table).where(table.c.id.in_(keys)))).mappings()
            for row in rows:
                for status in Status:
                    kept, there = row[count_column(status)], counted.get((row["id"], status), 0)
                    if kept != there:
                        raise Inexact(f"{table.name} {row['id']}: {status} is kept as {kept}, and {there} are there")
                    held += 1
    return held


async def main(options: argparse.Namespace) -> None:
    """Build, report, count."""
    cores = two_cores()
    things = options.reports // (REPORTS_OF_ONE * options.jobs)
    with pinned_server(cores.load, options.directory) as (server, directory):
        fleet = await build_on_server(server, DEMO_THINGS, directory, f"executions_{things}")
        connection = await asyncpg.connect(fleet.url)
        try:
            if await connection.fetchval("SELECT count(*) FROM thing") == DEMO_THINGS:
                await connection.execute(THINGS.format(things=things) + ";" + FOLLOW)
            await connection.execute("VACUUM ANALYZE")
        finally:
            await connection.close()
        store = open_store(StoreSettings(fleet.url, readers=options.writers))
        try:
            with pinned(cores.servers):
                jobs = await start(store, fleet.url, options.jobs, things)
                updates = await read_updates(store, jobs)
                began, used = time.perf_counter(), time.process_time()
                repeated = await report_all(store, updates, options.writers)
                seconds, used = time.perf_counter() - began, time.process_time() - used
                held = await check(store, jobs)
        finally:
            await store.close()
    reports = len(updates) * REPORTS_OF_ONE
    print("\n| reports | jobs | writers | seconds | reports/s | service for 1 | anew | counters held to rows |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    print(
        f"| {reports:,} | {options.jobs} | {options.writers} | {seconds:.1f} | {reports / seconds:,.0f} "
        f"| {used / reports * 1000:.2f} ms | {repeated:,} | {held} |"
    )
    print(f"EXACT reports {reports}")


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=50_000)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--directory", type=Path, help="where the database stays for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(read_options()))
