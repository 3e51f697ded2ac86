"""What is scheduled begins when its time has come, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import update

from models import DeploymentRow, OtaJobRow
from models.columns import now
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_JOB
from services import executions
from services.access import Access
from services.campaign_rules import Rules
from services.executions import Report
from services.starts import Starts
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder

LATER = Rules(starts_at=now() + timedelta(days=1))


async def test_what_is_due_begins_once(fleet: Fleet, working: Working, editor: Access, statements: Recorder) -> None:
    (thing,) = await fleet.add_things(1)
    key = await start(fleet, working, editor, Target(everything=True), rules=LATER)
    told: list[None] = []
    starts = Starts(fleet.store, lambda: told.append(None))
    with statements() as seen:
        assert await starts.begin_due() == 0
    assert all(text.startswith("SELECT") for text in seen.texts)
    await hurry(fleet)
    begun = await asyncio.gather(*(Starts(fleet.store, lambda: told.append(None)).begin_due() for _ in range(3)))
    assert sum(begun) == 2
    assert len(told) == 1
    assert await starts.begin_due() == 0
    execution = (await fleet.executions())[thing]
    assert (await fleet.one(DeploymentRow, key)).status is DeploymentStatus.PENDING
    assert (await fleet.one(OtaJobRow, execution.job_id)).status is OtaJobStatus.IN_PROGRESS
    assert (await fleet.events(EventKind.DEPLOYMENT_CHANGED))[-1].subject_id == key


async def test_a_report_begins_it_too(fleet: Fleet, working: Working, editor: Access) -> None:
    (thing,) = await fleet.add_things(1)
    key = await start(fleet, working, editor, Target(everything=True), rules=LATER)
    await hurry(fleet)
    execution = (await fleet.executions())[thing]
    async with working(fleet.thing()) as work:
        await executions.report(work, execution.id, Report(Status.DOWNLOADING))
    assert (await fleet.one(DeploymentRow, key)).status is DeploymentStatus.IN_PROGRESS
    assert (await fleet.one(OtaJobRow, execution.job_id)).status is OtaJobStatus.IN_PROGRESS


async def test_it_looks_until_it_is_stopped(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    key = await start(fleet, working, editor, Target(everything=True), rules=LATER)
    await hurry(fleet)
    begun = asyncio.Event()
    starts = Starts(fleet.store, begun.set, seconds=0.01)
    await starts.start()
    async with asyncio.timeout(20):
        await begun.wait()
    await starts.stop()
    assert (await fleet.one(DeploymentRow, key)).status is DeploymentStatus.PENDING


async def hurry(fleet: Fleet) -> None:
    """Let the time come."""
    async with fleet.store.write() as session:
        for table in (OTA_JOB, DEPLOYMENT):
            await session.execute(update(table).values(starts_at=now() - timedelta(seconds=1)))
