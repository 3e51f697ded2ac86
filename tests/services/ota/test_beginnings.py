"""What the start of a job means for its things: who is sent it at once, and who is told of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from models import DeploymentRow, OtaJobRow
from models.columns import now
from models.enums import EventKind
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB, THING
from services import beginnings
from services.access import ANONYMOUS, Access
from services.campaign_rules import Rules
from services.phases import Phase
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder

ALL = Target(everything=True)
HOUR = timedelta(hours=1)


async def test_a_forced_one_is_sent_to_connected_things_at_once(fleet: Fleet, working: Working, editor: Access) -> None:
    here, away = await fleet.add_things(2, "red")
    (unfit,) = await fleet.add_things(1, "blue")
    await connect(fleet, here, unfit)
    release = await fleet.add_release()
    await fleet.add_artifact(release, "red")
    key = await start(fleet, working, editor, ALL, release_id=release, rules=Rules(force=True))
    made = await fleet.executions()
    assert {thing: made[thing].status for thing in (here, away, unfit)} == {
        here: Status.TRIGGERED,
        away: Status.PENDING,
        unfit: Status.NO_ARTIFACT,
    }
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.triggered_count, deployment.pending_count, deployment.asked_count) == (1, 1, 0)
    assert made[here].offered_at is None
    told = {row.thing_id: row.detail["status"] for row in await fleet.events(EventKind.OTA_EXECUTION_CHANGED)}
    assert told == {here: "TRIGGERED", away: "PENDING", unfit: "NO_ARTIFACT"}
    await fleet.assert_counts()


async def test_only_phases_that_have_begun_are_sent(fleet: Fleet, working: Working, editor: Access) -> None:
    first, second = sorted(await fleet.add_things(2))
    await connect(fleet, first, second)
    phases = [Phase(count=1), Phase(starts_at=now() + HOUR)]
    await start(fleet, working, editor, ALL, rules=Rules(force=True), phases=phases)
    made = await fleet.executions()
    assert (made[first].status, made[second].status) == (Status.TRIGGERED, Status.PENDING)
    async with working(ANONYMOUS) as work:
        await beginnings.begin(work, made[second].job_id)
    made = await fleet.executions()
    assert (made[first].status, made[second].status) == (Status.TRIGGERED, Status.TRIGGERED)
    assert made[second].version == 2
    await fleet.assert_counts()


async def test_a_later_start_sends_then(fleet: Fleet, working: Working, editor: Access) -> None:
    here, away = await fleet.add_things(2)
    await connect(fleet, here)
    rules = Rules(force=True, starts_at=now() + HOUR)
    key = await start(fleet, working, editor, ALL, rules=rules)
    made = await fleet.executions()
    assert {row.status for row in made.values()} == {Status.PENDING}
    before = len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED))
    for _ in range(2):
        async with working(ANONYMOUS) as work:
            await beginnings.begin(work, made[here].job_id)
    made = await fleet.executions()
    assert (made[here].status, made[away].status) == (Status.TRIGGERED, Status.PENDING)
    assert len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED)) == before + 1
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.triggered_count, deployment.pending_count) == (1, 1)
    await fleet.assert_counts()


async def test_one_that_is_not_forced_waits_to_be_asked(fleet: Fleet, working: Working, editor: Access) -> None:
    (here,) = await fleet.add_things(1)
    await connect(fleet, here)
    await start(fleet, working, editor, ALL)
    (made,) = await fleet.all_executions()
    async with working(ANONYMOUS) as work:
        await beginnings.begin(work, made.job_id)
    assert (await fleet.executions())[here].status is Status.PENDING


async def test_people_are_told_when_they_are_to_be(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(3, "red")
    await fleet.add_things(1, "blue")
    release = await fleet.add_release()
    await fleet.add_artifact(release, "red")
    await start(fleet, working, editor, ALL, release_id=release, rules=Rules(approval=True))
    assert await fleet.events(EventKind.OTA_UPDATE_OFFERED) == []
    key = await start(fleet, working, editor, ALL, release_id=release, rules=Rules(approval=True, notify=True))
    offered = await fleet.events(EventKind.OTA_UPDATE_OFFERED)
    assert len(offered) == 3
    mine = {row.id: row.thing_id for row in await fleet.all_executions() if row.deployment_id == key}
    assert {row.thing_id for row in offered} == set(things)
    assert all(mine[row.subject_id] == row.thing_id for row in offered)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.awaiting_approval_count, deployment.no_artifact_count) == (3, 1)


async def test_people_are_told_at_the_start_and_not_before(fleet: Fleet, working: Working, editor: Access) -> None:
    waiting, decided = await fleet.add_things(2)
    rules = Rules(approval=True, notify=True, starts_at=now() + HOUR)
    await start(fleet, working, editor, ALL, rules=rules)
    assert await fleet.events(EventKind.OTA_UPDATE_OFFERED) == []
    made = await fleet.executions()
    async with fleet.store.write() as session:
        refused = update(OTA_EXECUTION).where(OTA_EXECUTION.c.id == made[decided].id)
        await session.execute(refused.values(status=Status.REJECTED))
    async with working(ANONYMOUS) as work:
        await beginnings.begin(work, made[waiting].job_id)
    assert [row.thing_id for row in await fleet.events(EventKind.OTA_UPDATE_OFFERED)] == [waiting]


async def test_the_end_of_a_phase_that_waits_is_counted_from_its_start(
    fleet: Fleet, working: Working, editor: Access
) -> None:
    await fleet.add_things(3)
    phases = [Phase(count=1), Phase(count=1, after_success_percent=50), Phase(after_success_percent=50)]
    key = await start(fleet, working, editor, ALL, rules=Rules(timeout_seconds=60), phases=phases)
    jobs = {row.phase: row for row in await rows_of(fleet, select(OTA_JOB))}
    assert [jobs[phase].expires_at is None for phase in (1, 2, 3)] == [False, True, True]
    moments = []
    for phase in (1, 2, 3):
        assert (await fleet.one(DeploymentRow, key)).expires_at is None
        async with working(ANONYMOUS) as work:
            await beginnings.begin(work, jobs[phase].id)
            moments.append(work.moment)
    assert (await fleet.one(OtaJobRow, jobs[1].id)).expires_at == jobs[1].expires_at
    last = (await fleet.one(OtaJobRow, jobs[3].id)).expires_at
    assert last == moments[-1] + timedelta(seconds=60)
    assert await rows_of(fleet, select(DEPLOYMENT.c.expires_at)) == [(last,)]


async def test_the_number_of_statements_is_that_of_no_things(
    fleet: Fleet, working: Working, editor: Access, statements: Recorder
) -> None:
    counts = []
    for number in (1, 60):
        things = await fleet.add_things(number)
        await connect(fleet, *things)
        release = await fleet.add_release(str(number))
        await fleet.add_artifact(release)
        rules = Rules(force=True, starts_at=now() + HOUR)
        key = await start(fleet, working, editor, Target(thing_ids=things), release_id=release, rules=rules)
        (job,) = await rows_of(fleet, select(OTA_JOB.c.id).where(OTA_JOB.c.deployment_id == key))
        with statements() as seen:
            async with working(ANONYMOUS) as work:
                await beginnings.begin(work, job.id)
        counts.append(seen.count)
    assert counts[0] == counts[1]


async def connect(fleet: Fleet, *things: UUID) -> None:
    async with fleet.store.write() as session:
        connected = update(THING).where(THING.c.id.in_(things))
        await session.execute(connected.values(connected=True, last_seen_at=now()))


async def rows_of(fleet: Fleet, statement: Any) -> list[Any]:
    async with fleet.store.read() as connection:
        return list((await connection.execute(statement)).all())
