"""The scheduler: what is due begins once, waits for its gate, and ends when its time is over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from models import DeploymentRow, OtaJobRow
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services import departures, pauses, stops
from services.access import Access
from services.errors import Conflict, WrongState
from services.expiries import Expiries
from services.job_starts import JobStarts
from services.leftovers import Leftovers
from services.scheduler import Duty, Scheduler
from services.unit_of_work import UnitOfWork
from tests.services.ota.campaigns import Clock, Made, counts, make_deployment, make_job, report, statuses
from tests.services.ota.fleet import Fleet, Working
from tests.statements import Recorder

SCHEDULED = OtaJobStatus.SCHEDULED


class Begun:
    """What is done at the start of a job: noted here."""

    def __init__(self) -> None:
        self.jobs: list[UUID] = []

    async def __call__(self, work: UnitOfWork, job_id: UUID) -> None:
        self.jobs.append(job_id)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def begun() -> Begun:
    return Begun()


@pytest.fixture
def starts(fleet: Fleet, clock: Clock, begun: Begun) -> JobStarts:
    return JobStarts(fleet.store, lambda: None, begun, clock)


def later(clock: Clock, **more: float) -> Any:
    return clock() + timedelta(**more)


async def started(fleet: Fleet) -> list[UUID]:
    """The jobs whose starts are in the log, in its order."""
    events = await fleet.events(EventKind.OTA_JOB_CHANGED)
    return [event.subject_id for event in events if event.detail.get("started")]


async def test_what_is_due_begins_once(
    fleet: Fleet, clock: Clock, begun: Begun, starts: JobStarts, statements: Recorder
) -> None:
    made = await make_deployment(
        fleet,
        {"size": 1, "status": SCHEDULED, "starts_at": later(clock, hours=1)},
        {"size": 1, "status": SCHEDULED, "starts_at": later(clock, hours=2)},
    )
    with statements() as seen:
        assert await starts.run() == 0
    assert all(text.startswith("SELECT") for text in seen.texts)
    clock.forward(hours=1)
    told: list[None] = []
    several = [JobStarts(fleet.store, lambda: told.append(None), begun, clock) for _ in range(3)]
    assert sum(await asyncio.gather(*(each.run() for each in several))) == 1
    assert len(told) == 1
    first, second = [await fleet.one(OtaJobRow, key) for key in made.jobs]
    assert (first.status, first.begun_at) == (OtaJobStatus.IN_PROGRESS, clock())
    assert (second.status, second.begun_at) == (SCHEDULED, None)
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.PENDING
    assert (await fleet.events(EventKind.DEPLOYMENT_CHANGED))[-1].subject_id == made.key
    clock.forward(hours=1)
    assert await starts.run() == 1
    assert await starts.run() == 0
    assert begun.jobs == await started(fleet) == made.jobs


async def test_a_deployment_in_which_something_has_ended_is_in_progress_when_it_starts(
    fleet: Fleet, working: Working, clock: Clock, starts: JobStarts
) -> None:
    made = await make_deployment(fleet, {"size": 2, "status": SCHEDULED, "starts_at": later(clock, hours=1)})
    async with working(fleet.thing()) as work:
        await departures.decommission(work, fleet.things[:1])
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.SCHEDULED
    clock.forward(hours=1)
    assert await starts.run() == 1
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.IN_PROGRESS


async def test_one_that_cannot_be_started_keeps_no_other_waiting(fleet: Fleet, clock: Clock, begun: Begun) -> None:
    early, late = [await make_job(fleet, 1, status=SCHEDULED, starts_at=later(clock, hours=n)) for n in (-2, -1)]

    async def begin(work: UnitOfWork, job_id: UUID) -> None:
        if job_id == early.jobs[0]:
            raise Conflict("somebody holds its things")
        await begun(work, job_id)

    with pytest.raises(Conflict):
        await JobStarts(fleet.store, lambda: None, begin, clock).run()
    assert begun.jobs == await started(fleet) == late.jobs
    assert (await fleet.one(OtaJobRow, early.jobs[0])).begun_at is None
    assert await JobStarts(fleet.store, lambda: None, begun, clock).run() == 1
    assert await started(fleet) == late.jobs + early.jobs


async def test_a_phase_waits_for_the_success_of_the_one_before(
    fleet: Fleet, working: Working, clock: Clock, starts: JobStarts
) -> None:
    gated = {"size": 1, "status": SCHEDULED, "after_success_percent": 50, "starts_at": later(clock, hours=1)}
    made = await make_deployment(fleet, {"size": 3}, gated)
    good, bad, last = made.executions[0]
    await report(fleet, working, good, Status.SUCCESS)
    await report(fleet, working, bad, Status.FAILURE)
    clock.forward(hours=2)
    assert await starts.run() == 0  # one thing of the first is open
    await report(fleet, working, last, Status.REJECTED)
    clock.forward(hours=-2)
    assert await starts.run() == 0  # its time has not come
    clock.forward(hours=1)
    assert await starts.run() == 1
    assert (await fleet.one(OtaJobRow, made.jobs[1])).status is OtaJobStatus.IN_PROGRESS


async def test_a_gate_that_stays_closed_is_told_once_and_opened_by_a_person(
    fleet: Fleet, working: Working, editor: Access, clock: Clock, starts: JobStarts
) -> None:
    gated = {"size": 1, "status": SCHEDULED, "after_success_percent": 80, "starts_at": later(clock)}
    made = await make_deployment(fleet, {"size": 2}, gated)
    good, bad = made.executions[0]
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await pauses.resume_job(work, made.jobs[1])
    await report(fleet, working, good, Status.SUCCESS)
    await report(fleet, working, bad, Status.FAILURE)
    assert await starts.run() == 0
    job, deployment = await fleet.one(OtaJobRow, made.jobs[1]), await fleet.one(DeploymentRow, made.key)
    assert (job.status, deployment.status) == (SCHEDULED, DeploymentStatus.IN_PROGRESS)
    reason = "phase 2 waits: 1 of 2 of the phase before have succeeded, it asks for 80 percent"
    assert job.stop_reason == deployment.stop_reason == reason
    told = len(await fleet.events(EventKind.OTA_JOB_CHANGED))
    assert await starts.run() == 0
    assert len(await fleet.events(EventKind.OTA_JOB_CHANGED)) == told
    async with working(editor) as work:
        await pauses.resume_job(work, made.jobs[1])
    assert (await fleet.one(DeploymentRow, made.key)).stop_reason == ""
    assert await starts.run() == 1
    job = await fleet.one(OtaJobRow, made.jobs[1])
    assert (job.status, job.stop_reason) == (OtaJobStatus.IN_PROGRESS, "")


async def test_nothing_starts_in_a_paused_or_ended_deployment(
    fleet: Fleet, working: Working, editor: Access, clock: Clock, starts: JobStarts
) -> None:
    made = await make_deployment(
        fleet, {"size": 1}, {"size": 1, "status": SCHEDULED, "starts_at": later(clock, hours=1)}
    )
    async with working(editor) as work:
        await pauses.pause_deployment(work, made.key)
    clock.forward(hours=2)
    assert await starts.run() == 0
    async with working(editor) as work:
        await pauses.resume_deployment(work, made.key)
    assert [(await fleet.one(OtaJobRow, key)).status for key in made.jobs] == [OtaJobStatus.IN_PROGRESS, SCHEDULED]
    async with working(editor) as work:
        await stops.abort(work, made.key)
    assert await starts.run() == 0
    assert await started(fleet) == []


async def test_what_is_out_of_time_ends(fleet: Fleet, working: Working, clock: Clock) -> None:
    made = await make_deployment(fleet, {"size": 5}, expires_at=later(clock, hours=1))
    await report(fleet, working, made.executions[0][0], Status.SUCCESS)
    await report(fleet, working, made.executions[0][1], Status.DOWNLOADING)
    expiries = Expiries(fleet.store, lambda: None, clock, batch=2)
    assert await expiries.run() == 0
    clock.forward(hours=1)
    assert await expiries.run() == 4
    assert await expiries.run() == 0
    assert await counts(fleet, DeploymentRow, made.key) == {"success": 1, "expired": 4}
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.FINISHED
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.FINISHED
    await fleet.assert_counts()
    await fleet.assert_ends()
    ended = [event.subject_id for event in await fleet.events(EventKind.OTA_EXECUTION_CHANGED)]
    assert sorted(ended[2:]) == sorted(made.executions[0][1:])


@pytest.mark.parametrize("size", [0, 2])
async def test_a_dynamic_deployment_ends_with_its_time(fleet: Fleet, clock: Clock, size: int) -> None:
    made = await make_deployment(fleet, {"size": size}, dynamic=True, expires_at=later(clock))
    assert await Expiries(fleet.store, lambda: None, clock).run() == size + 1
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.FINISHED
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.FINISHED
    assert await Expiries(fleet.store, lambda: None, clock).run() == 0


async def test_time_runs_out_for_paused_and_cancelled_jobs_too(
    fleet: Fleet, working: Working, editor: Access, clock: Clock
) -> None:
    paused, cancelled = [await make_job(fleet, 1, expires_at=later(clock)) for _ in range(2)]
    await report(fleet, working, cancelled.executions[0][0], Status.DOWNLOADING)
    async with working(editor) as work:
        await pauses.pause_job(work, paused.jobs[0])
        await stops.cancel(work, cancelled.jobs[0])
    await Expiries(fleet.store, lambda: None, clock).run()
    jobs = [await fleet.one(OtaJobRow, made.jobs[0]) for made in (paused, cancelled)]
    assert [job.status for job in jobs] == [OtaJobStatus.FINISHED, OtaJobStatus.CANCELLED]
    assert all(job.finished_at is not None for job in jobs)
    assert [job.expired_count for job in jobs] == [1, 1]


async def test_several_processes_end_each_once(fleet: Fleet, clock: Clock) -> None:
    made = await make_job(fleet, 30, expires_at=later(clock))
    several = [Expiries(fleet.store, lambda: None, clock, batch=4) for _ in range(3)]
    await asyncio.gather(*(each.run() for each in several))
    await several[0].run()
    assert await counts(fleet, OtaJobRow, made.jobs[0]) == {"expired": 30}
    events = await fleet.events(EventKind.OTA_EXECUTION_CHANGED)
    assert sorted(event.subject_id for event in events) == sorted(made.executions[0])


async def test_what_others_have_left_is_found(fleet: Fleet, working: Working, editor: Access, clock: Clock) -> None:
    paused = await make_deployment(fleet, {"size": 1}, {"size": 1})
    full = await make_deployment(fleet, {"size": 2}, dynamic=True)
    lonely = await make_job(fleet, 2)
    cancelled = await make_job(fleet, 2, dynamic=True)
    ended = await make_deployment(fleet, {"size": 0, "status": OtaJobStatus.FINISHED}, dynamic=True)
    await report(fleet, working, cancelled.executions[0][0], Status.DOWNLOADING)
    await set_status(fleet, DEPLOYMENT, paused.key, DeploymentStatus.PAUSED)
    await set_status(fleet, DEPLOYMENT, full.key, DeploymentStatus.FINISHED, finished_at=clock())
    await set_status(fleet, OTA_JOB, lonely.jobs[0], OtaJobStatus.FINISHED, finished_at=clock())
    await set_status(fleet, OTA_JOB, cancelled.jobs[0], OtaJobStatus.CANCELLED)
    leftovers = Leftovers(fleet.store, lambda: None, clock)
    assert await leftovers.run() == 5
    assert await leftovers.run() == 0
    assert [(await fleet.one(OtaJobRow, key)).status for key in paused.jobs] == [OtaJobStatus.PAUSED] * 2
    assert (await fleet.one(OtaJobRow, full.jobs[0])).status is OtaJobStatus.FINISHED
    assert await statuses(fleet, full.executions[0] + lonely.executions[0]) == [Status.ABORTED] * 4
    assert await statuses(fleet, cancelled.executions[0]) == [Status.DOWNLOADING, Status.ABORTED]
    assert (await fleet.one(DeploymentRow, ended.key)).status is DeploymentStatus.FINISHED
    await fleet.assert_counts()


async def set_status(fleet: Fleet, table: Any, key: UUID, status: Any, **more: Any) -> None:
    """Write a status as if the rest had been left to others."""
    async with fleet.store.write() as session:
        await session.execute(update(table).where(table.c.id == key).values(status=status, **more))


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_what_is_held_by_others_is_left_and_found_later(fleet: Fleet, working: Working, clock: Clock) -> None:
    """Somebody only looks at an execution while the campaign fills up: nobody waits, and the next look ends it."""
    made = await make_job(fleet, 2, dynamic=True, max_things=1)
    held, done = made.executions[0]
    async with fleet.store.write() as session:
        await session.execute(OTA_EXECUTION.select().where(OTA_EXECUTION.c.id == held).with_for_update())
        async with asyncio.timeout(20):
            await report(fleet, working, done, Status.SUCCESS)
    job = await fleet.one(OtaJobRow, made.jobs[0])
    assert (job.status, job.pending_count) == (OtaJobStatus.FINISHED, 1)
    assert await Leftovers(fleet.store, lambda: None, clock).run() == 1
    assert await statuses(fleet, [held]) == [Status.ABORTED]
    await fleet.assert_counts()


class Failing:
    """A duty that fails twice, and is done then; it says each time that it was looked after."""

    name = "test"

    def __init__(self, failures: list[Exception]) -> None:
        self.failures = failures
        self.done = asyncio.Event()

    async def run(self) -> int:
        if self.failures:
            raise self.failures.pop()
        self.done.set()
        return 1


async def test_a_duty_that_fails_is_tried_again_and_keeps_no_other_waiting(
    fleet: Fleet, clock: Clock, starts: JobStarts
) -> None:
    made = await make_job(fleet, 1, status=SCHEDULED, starts_at=later(clock))
    failing, stuck = Failing([Conflict("twice"), RuntimeError("once")]), Stuck()
    duties: list[Duty] = [stuck, failing, starts]
    scheduler = Scheduler(duties, seconds=0.01)
    with capture_logs() as logs:
        await scheduler.start()
        async with asyncio.timeout(20):
            await failing.done.wait()
            while not (await started(fleet)):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.01)
        await scheduler.stop()
    assert await started(fleet) == made.jobs
    assert failing.failures == []
    assert [entry["duty"] for entry in logs if entry["log_level"] == "error"] == ["test"]
    assert stuck.was_stopped


class Stuck:
    """A duty that does not come to its end."""

    name = "stuck"
    was_stopped = False

    async def run(self) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            self.was_stopped = True
        return 0


async def test_jobs_that_a_campaign_has_begun_itself_are_not_started_again(
    fleet: Fleet, starts: JobStarts, clock: Clock
) -> None:
    made: Made = await make_job(fleet, 1, begun_at=clock())
    assert await starts.run() == 0
    assert (await fleet.one(OtaJobRow, made.jobs[0])).begun_at == clock()
