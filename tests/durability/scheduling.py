"""A process that looks after campaigns as a gateway does, and whose things report; it goes on until it is killed.

`python -m tests.durability.scheduling DATABASE_URL SEED`; it says `ready` when it begins.
"""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Final

from sqlalchemy import select

from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus
from models.store import Store, StoreSettings, open_store
from models.tables import OTA_EXECUTION, OTA_JOB
from services import beginnings, executions
from services.access import Access, ThingPrincipal
from services.errors import FleetError
from services.executions import Report
from services.expiries import Expiries
from services.job_starts import JobStarts
from services.leftovers import Leftovers
from services.scheduler import Duty, Scheduler
from services.unit_of_work import unit_of_work

SECONDS: Final = 0.01
AT_ONCE: Final = 4
OUTCOMES: Final = (Status.DOWNLOADING, Status.INSTALLING, Status.SUCCESS, Status.FAILURE)


def _told() -> None:
    """Nobody listens."""


async def report_at_random(store: Store, chance: random.Random) -> None:
    """Report steps and ends of updates that have begun and last, several at the same time, in any order."""
    lasting = (OTA_JOB.c.status.in_((OtaJobStatus.IN_PROGRESS, OtaJobStatus.PAUSED)), OTA_JOB.c.expires_at.is_(None))
    statement = (
        select(OTA_EXECUTION.c.id, OTA_EXECUTION.c.thing_id, OTA_EXECUTION.c.organization_id)
        .join_from(OTA_EXECUTION, OTA_JOB, OTA_JOB.c.id == OTA_EXECUTION.c.job_id)
        .where(*lasting, OTA_EXECUTION.c.finished_at.is_(None))
        .order_by(OTA_EXECUTION.c.id)
    )
    while True:
        async with store.read() as connection:
            found = (await connection.execute(statement)).all()
        chosen = chance.sample(found, min(AT_ONCE, len(found)))
        reports = [(row, Report(chance.choice(OUTCOMES))) for row in chosen]
        await asyncio.gather(*(_report(store, row, report) for row, report in reports))
        await asyncio.sleep(0 if chosen else SECONDS)


async def _report(store: Store, row: tuple[object, ...], report: Report) -> None:
    key, thing, organization = row
    access = Access(ThingPrincipal(thing, organization, b""))  # type: ignore[arg-type]
    try:
        async with unit_of_work(store, access, _told) as work:
            await executions.report(work, key, report)  # type: ignore[arg-type]
    except FleetError:
        return  # another process was first, or the campaign has stopped: the rules say no


async def main(url: str, seed: int) -> None:
    """Look after everything, in transactions as small as can be, so that there are many moments between them."""
    store = open_store(StoreSettings(url))
    duties: list[Duty] = [
        JobStarts(store, _told, beginnings.begin),
        Expiries(store, _told, batch=2),
        Leftovers(store, _told),
    ]
    await Scheduler(duties, seconds=SECONDS).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await report_at_random(store, random.Random(seed))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
