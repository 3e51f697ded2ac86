"""What counts do by themselves: pause what fails too often, close what is full, and never finish what is dynamic."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.enums import DeploymentStatus, EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from models.tables import OTA_JOB
from services import departures, execution_steps, executions, pauses, stops
from services.access import Access
from services.errors import Conflict, WrongState
from tests.services.ota.campaigns import counts, make_deployment, make_job, report, statuses
from tests.services.ota.fleet import Fleet, Working


async def test_more_failures_than_allowed_pause_a_job(fleet: Fleet, working: Working) -> None:
    made = await make_job(fleet, 5, stop_failures=1)
    first, second, running, waiting, _ = made.executions[0]
    await report(fleet, working, running, Status.DOWNLOADING)
    await report(fleet, working, first, Status.FAILURE)
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.IN_PROGRESS
    await report(fleet, working, second, Status.FAILURE)
    job = await fleet.one(OtaJobRow, made.jobs[0])
    assert (job.status, job.stop_reason) == (OtaJobStatus.PAUSED, "2 failed, more than 1")
    assert job.paused_at == job.stopped_at == (await fleet.one(OtaExecutionRow, second)).finished_at
    await report(fleet, working, running, Status.INSTALLING, Status.SUCCESS)
    with pytest.raises(WrongState):
        await report(fleet, working, waiting, Status.DOWNLOADING)
    assert await counts(fleet, OtaJobRow, job.id) == {"failure": 2, "success": 1, "pending": 2}
    assert (await fleet.one(OtaJobRow, job.id)).status is OtaJobStatus.PAUSED


async def test_a_percentage_counts_from_its_minimum(fleet: Fleet, working: Working) -> None:
    made = await make_job(fleet, 8, stop_percent=40, stop_minimum=4)
    keys = made.executions[0]
    for key, status in zip(keys, (Status.FAILURE, Status.FAILURE, Status.SUCCESS), strict=False):
        await report(fleet, working, key, status)
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.IN_PROGRESS
    # What was aborted or decommissioned was not tried.
    async with working(fleet.thing()) as work:
        await departures.decommission(work, [fleet.things[7]])
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.IN_PROGRESS
    await report(fleet, working, keys[3], Status.SUCCESS)
    job = await fleet.one(OtaJobRow, made.jobs[0])
    assert (job.status, job.stop_reason) == (OtaJobStatus.PAUSED, "2 of 4 failed, more than 40 percent")


async def test_exactly_the_limit_is_not_more(fleet: Fleet, working: Working) -> None:
    made = await make_job(fleet, 5, stop_percent=50, stop_failures=2)
    for key in made.executions[0][:2]:
        await report(fleet, working, key, Status.SUCCESS)
    for key in made.executions[0][2:4]:
        await report(fleet, working, key, Status.FAILURE)
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.IN_PROGRESS


async def test_what_is_resumed_goes_on_until_another_fails(fleet: Fleet, working: Working, editor: Access) -> None:
    made = await make_job(fleet, 5, stop_percent=10)
    first, second, third, fourth, _ = made.executions[0]
    await report(fleet, working, first, Status.FAILURE)
    stopped = await fleet.one(OtaJobRow, made.jobs[0])
    async with working(editor) as work:
        await pauses.resume_job(work, made.jobs[0])
    job = await fleet.one(OtaJobRow, made.jobs[0])
    assert (job.status, job.paused_at, job.stop_reason) == (OtaJobStatus.IN_PROGRESS, None, "")
    assert job.stopped_at == stopped.stopped_at
    await report(fleet, working, second, Status.SUCCESS)
    await report(fleet, working, third, Status.DOWNLOADING, Status.SUCCESS)
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.IN_PROGRESS
    await report(fleet, working, fourth, Status.FAILURE)
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.PAUSED


async def test_a_job_that_stops_pauses_its_deployment_and_all_phases(fleet: Fleet, working: Working) -> None:
    later = {"size": 2, "status": OtaJobStatus.SCHEDULED}
    # Of the whole campaign too few have ended for its own rule.
    made = await make_deployment(fleet, {"size": 2, "stop_failures": 0}, {"size": 2}, later)
    before = len(await fleet.events(EventKind.OTA_JOB_CHANGED))
    await report(fleet, working, made.executions[0][0], Status.FAILURE)
    deployment = await fleet.one(DeploymentRow, made.key)
    assert (deployment.status, deployment.stop_reason) == (DeploymentStatus.PAUSED, "phase 1: 1 failed, more than 0")
    assert deployment.stopped_at == deployment.paused_at is not None
    jobs = [await fleet.one(OtaJobRow, key) for key in made.jobs]
    assert [job.status for job in jobs] == [OtaJobStatus.PAUSED] * 3
    assert [job.stop_reason for job in jobs] == ["phase 1: 1 failed, more than 0", "", ""]
    told = (await fleet.events(EventKind.OTA_JOB_CHANGED))[before:]
    assert sorted(event.subject_id for event in told) == sorted(made.jobs)


async def test_the_last_of_a_phase_stops_the_phases_behind_it(fleet: Fleet, working: Working) -> None:
    later = {"size": 3, "status": OtaJobStatus.SCHEDULED}
    made = await make_deployment(fleet, {"size": 1, "stop_percent": 50}, later)
    await report(fleet, working, made.executions[0][0], Status.FAILURE)
    jobs = [await fleet.one(OtaJobRow, key) for key in made.jobs]
    assert [job.status for job in jobs] == [OtaJobStatus.FINISHED, OtaJobStatus.PAUSED]
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.PAUSED


async def test_a_deployment_stops_by_the_sum_of_its_jobs(fleet: Fleet, working: Working) -> None:
    made = await make_deployment(fleet, {"size": 2}, {"size": 2}, stop_failures=1)
    for keys in made.executions:
        await report(fleet, working, keys[0], Status.FAILURE)
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.PAUSED
    assert {(await fleet.one(OtaJobRow, key)).status for key in made.jobs} == {OtaJobStatus.PAUSED}


async def test_a_full_dynamic_job_ends_what_is_open(fleet: Fleet, working: Working) -> None:
    made = await make_job(fleet, 4, dynamic=True, max_things=2)
    good, bad, running, waiting = made.executions[0]
    await report(fleet, working, running, Status.DOWNLOADING)
    await report(fleet, working, good, Status.SUCCESS)
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.IN_PROGRESS
    await report(fleet, working, bad, Status.FAILURE)
    job = await fleet.one(OtaJobRow, made.jobs[0])
    assert job.status is OtaJobStatus.FINISHED
    assert job.finished_at is not None
    assert await statuses(fleet, [running, waiting]) == [Status.ABORTED, Status.ABORTED]
    with pytest.raises(Conflict):
        await report(fleet, working, running, Status.SUCCESS)
    await fleet.assert_counts()
    ended = [event.detail["status"] for event in await fleet.events(EventKind.OTA_EXECUTION_CHANGED)]
    assert ended.count("ABORTED") == 2


async def test_a_full_dynamic_deployment_ends_all_its_phases(fleet: Fleet, working: Working) -> None:
    later = {"size": 2, "status": OtaJobStatus.SCHEDULED}
    made = await make_deployment(fleet, {"size": 2}, {"size": 1}, later, dynamic=True, max_things=1)
    await report(fleet, working, made.executions[0][0], Status.SUCCESS)
    deployment = await fleet.one(DeploymentRow, made.key)
    assert deployment.status is DeploymentStatus.FINISHED
    assert await counts(fleet, DeploymentRow, made.key) == {"success": 1, "aborted": 4}
    assert {(await fleet.one(OtaJobRow, key)).status for key in made.jobs} == {OtaJobStatus.FINISHED}
    await fleet.assert_counts()
    await fleet.assert_ends()


async def test_a_dynamic_one_does_not_finish_by_itself(fleet: Fleet, working: Working, editor: Access) -> None:
    made = await make_deployment(fleet, {"size": 2}, dynamic=True, max_things=3)
    for key in made.executions[0]:
        await report(fleet, working, key, Status.SUCCESS)
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.IN_PROGRESS
    assert (await fleet.one(OtaJobRow, made.jobs[0])).status is OtaJobStatus.IN_PROGRESS
    async with working(editor) as work:
        await stops.cancel(work, made.jobs[0])
    deployment = await fleet.one(DeploymentRow, made.key)
    assert (deployment.status, deployment.aborted_at) == (DeploymentStatus.FINISHED, None)


async def test_a_cancelled_job_ends_with_the_last_that_had_begun(
    fleet: Fleet, working: Working, editor: Access
) -> None:
    made = await make_deployment(fleet, {"size": 3})
    running, delayed, _ = made.executions[0]
    await report(fleet, working, running, Status.DOWNLOADING)
    await report(fleet, working, delayed, Status.DELAYED)
    async with working(editor) as work:
        await stops.cancel(work, made.jobs[0])
    job = await fleet.one(OtaJobRow, made.jobs[0])
    assert (job.status, job.finished_at) == (OtaJobStatus.CANCELLED, None)
    assert job.cancelled_at is not None
    assert await statuses(fleet, made.executions[0]) == [Status.DOWNLOADING, Status.ABORTED, Status.ABORTED]
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.IN_PROGRESS
    await report(fleet, working, running, Status.INSTALLING, Status.SUCCESS)
    job = await fleet.one(OtaJobRow, made.jobs[0])
    assert job.status is OtaJobStatus.CANCELLED
    assert job.finished_at is not None
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.FINISHED
    await fleet.assert_counts()


async def test_what_ends_before_it_begins_begins_a_deployment(fleet: Fleet, working: Working) -> None:
    made = await make_deployment(fleet, {"size": 2})
    async with working(fleet.thing()) as work:
        await departures.decommission(work, fleet.things[:1])
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.IN_PROGRESS


async def test_reports_at_the_same_time_stop_and_fill_once(fleet: Fleet, working: Working) -> None:
    """Things of two phases fail and succeed at once; every counter is exact, and everybody ends where the rule says."""
    rules = {"dynamic": True, "max_things": 6}
    made = await make_deployment(fleet, {"size": 8}, {"size": 8}, **rules)
    keys = [key for phase in made.executions for key in phase]
    outcomes = await asyncio.gather(
        *(report(fleet, working, key, Status.DOWNLOADING, Status.SUCCESS) for key in keys), return_exceptions=True
    )
    assert all(outcome is None or isinstance(outcome, Conflict) for outcome in outcomes), outcomes
    found = await counts(fleet, DeploymentRow, made.key)
    assert found.get("success", 0) >= 6
    assert set(found) <= {"success", "aborted"}
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.FINISHED
    await fleet.assert_counts()
    await fleet.assert_ends()
    async with fleet.store.read() as connection:
        assert set((await connection.execute(select(OTA_JOB.c.status))).scalars()) == {OtaJobStatus.FINISHED}


async def test_failures_at_the_same_time_pause_all_phases(fleet: Fleet, working: Working) -> None:
    made = await make_deployment(fleet, {"size": 6}, {"size": 6}, {"size": 6}, stop_failures=2)
    keys = [key for phase in made.executions for key in phase[:4]]
    outcomes = await asyncio.gather(
        *(report(fleet, working, key, Status.DOWNLOADING, Status.FAILURE) for key in keys), return_exceptions=True
    )
    assert all(outcome is None or isinstance(outcome, WrongState) for outcome in outcomes), outcomes
    assert (await fleet.one(DeploymentRow, made.key)).status is DeploymentStatus.PAUSED
    assert [(await fleet.one(OtaJobRow, key)).status for key in made.jobs] == [OtaJobStatus.PAUSED] * 3
    await fleet.assert_counts()


async def test_nothing_follows_for_ids_that_are_nowhere(fleet: Fleet, working: Working, editor: Access) -> None:
    made = await make_job(fleet, 1)
    async with working(editor) as work:
        await departures.decommission(work, [new_id()])
    assert await counts(fleet, OtaJobRow, made.jobs[0]) == {"pending": 1}


async def test_who_comes_behind_the_end_is_told_last_that_it_is_over(fleet: Fleet, working: Working) -> None:
    """A report that was on its way while the job filled up moves, and is ended at once; the log says it in order."""
    made = await make_job(fleet, 2, dynamic=True, max_things=1)
    late, done = made.executions[0]
    await report(fleet, working, done, Status.SUCCESS)
    assert await statuses(fleet, [late]) == [Status.ABORTED]
    async with fleet.store.write() as session:
        row = await session.get_one(OtaExecutionRow, late)
        row.status, row.finished_at = Status.PENDING, None
        job = await session.get_one(OtaJobRow, made.jobs[0])
        job.pending_count, job.aborted_count = 1, 0
    # It had read the job before that was FINISHED: what is left of `report` then is the move itself.
    async with working(fleet.thing(0)) as work:
        row = await work.fetch(OtaExecutionRow, late, None)
        standing = executions.standing_of(row, None)
        await execution_steps.take(work, [execution_steps.Step(standing, Status.DOWNLOADING)], begins=True)
    assert await statuses(fleet, [late]) == [Status.ABORTED]
    told = [e.detail["status"] for e in await fleet.events(EventKind.OTA_EXECUTION_CHANGED) if e.subject_id == late]
    assert told == ["ABORTED", "DOWNLOADING", "ABORTED"]
    await fleet.assert_counts()
