"""Reports on one execution: values, counts, retries, who may, and what happens at the same time."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.enums import DeploymentStatus, EventKind, OtaJobStatus, Role
from models.enums import OtaExecutionStatus as Status
from services import executions, stops
from services.access import Access
from services.campaign_rules import Rules
from services.errors import Conflict, FleetError, Forbidden, InvalidInput, NotFound
from services.executions import Report
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder


@pytest.fixture
async def deployment(fleet: Fleet, working: Working, editor: Access) -> UUID:
    """A deployment to two things, with one retry."""
    await fleet.add_things(2)
    return await start(fleet, working, editor, Target(everything=True), rules=Rules(retries=1))


async def first(fleet: Fleet) -> OtaExecutionRow:
    made = await fleet.executions()
    row: OtaExecutionRow = await fleet.one(OtaExecutionRow, made[fleet.things[0]].id)
    return row


async def report(fleet: Fleet, working: Working, given: Report, access: Access | None = None) -> None:
    row = await first(fleet)
    async with working(access or fleet.thing(0)) as work:
        await executions.report(work, row.id, given)


async def test_a_thing_goes_through_its_update(fleet: Fleet, working: Working, deployment: UUID) -> None:
    await report(fleet, working, Report(Status.DOWNLOADING, "from the cache", 40))
    row = await first(fleet)
    assert (row.status, row.substate, row.progress, row.attempts) == (Status.DOWNLOADING, "from the cache", 40, 0)
    assert row.started_at is not None
    assert (await fleet.one(DeploymentRow, deployment)).status is DeploymentStatus.IN_PROGRESS
    await report(fleet, working, Report(Status.INSTALLING))
    row = await first(fleet)
    assert (row.substate, row.progress, row.finished_at) == ("", 40, None)
    await report(fleet, working, Report(Status.SUCCESS))
    done = await first(fleet)
    assert (done.status, done.progress, done.version) == (Status.SUCCESS, 100, 4)
    assert done.started_at == row.started_at
    assert done.finished_at is not None
    await fleet.assert_counts()
    assert (await fleet.one(DeploymentRow, deployment)).status is DeploymentStatus.IN_PROGRESS


async def test_the_last_end_finishes_job_and_deployment(fleet: Fleet, working: Working, deployment: UUID) -> None:
    await report(fleet, working, Report(Status.SUCCESS))
    other = (await fleet.executions())[fleet.things[1]]
    async with working(fleet.thing(1)) as work:
        await executions.report(work, other.id, Report(Status.REJECTED))
    stored = await fleet.one(DeploymentRow, deployment)
    job = await fleet.one(OtaJobRow, other.job_id)
    assert (stored.status, job.status) == (DeploymentStatus.FINISHED, OtaJobStatus.FINISHED)
    assert stored.finished_at is not None
    assert job.finished_at is not None
    assert (stored.success_count, stored.rejected_count, stored.pending_count) == (1, 1, 0)
    await fleet.assert_counts()


async def test_a_failure_is_offered_again_until_no_attempt_is_left(
    fleet: Fleet, working: Working, deployment: UUID
) -> None:
    await report(fleet, working, Report(Status.INSTALLING, progress=80))
    await report(fleet, working, Report(Status.FAILURE, "bad block"))
    row = await first(fleet)
    assert (row.status, row.attempts, row.progress, row.substate) == (Status.PENDING, 1, 0, "bad block")
    assert row.finished_at is None
    await fleet.assert_counts()
    await report(fleet, working, Report(Status.FAILURE, "told again"))
    assert await first(fleet) == row
    await report(fleet, working, Report(Status.STARTED))
    await report(fleet, working, Report(Status.FAILURE))
    row = await first(fleet)
    assert (row.status, row.attempts) == (Status.FAILURE, 2)
    assert row.finished_at is not None
    await fleet.assert_counts()


async def test_a_failure_before_any_step_counts_as_an_attempt(fleet: Fleet, working: Working, deployment: UUID) -> None:
    await report(fleet, working, Report(Status.FAILURE))
    row = await first(fleet)
    assert (row.status, row.attempts) == (Status.PENDING, 1)
    await fleet.assert_counts()


async def test_a_repeated_status_changes_no_count(fleet: Fleet, working: Working, deployment: UUID) -> None:
    await report(fleet, working, Report(Status.DOWNLOADING))
    before = len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED))
    await report(fleet, working, Report(Status.DOWNLOADING))
    assert (await first(fleet)).version == 2
    assert len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED)) == before
    await report(fleet, working, Report(Status.DOWNLOADING, progress=50))
    assert (await first(fleet)).progress == 50
    assert len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED)) == before + 1
    await report(fleet, working, Report(Status.SUCCESS))
    ended = await first(fleet)
    await report(fleet, working, Report(Status.SUCCESS, "again", 10))
    assert await first(fleet) == ended
    await fleet.assert_counts()


async def test_the_expected_status_is_held(fleet: Fleet, working: Working, deployment: UUID) -> None:
    with pytest.raises(Conflict) as caught:
        await report(fleet, working, Report(Status.INSTALLING, expected=Status.DOWNLOADING))
    assert caught.value.path == ("expectedStatus",)
    await report(fleet, working, Report(Status.INSTALLING, expected=Status.PENDING))
    assert (await first(fleet)).status is Status.INSTALLING


async def test_bad_values(fleet: Fleet, working: Working, deployment: UUID) -> None:
    for given, path in (
        (Report(Status.DOWNLOADING, progress=101), ("progress",)),
        (Report(Status.DOWNLOADING, progress=-1), ("progress",)),
        (Report(Status.DOWNLOADING, "x" * 1025), ("substate",)),
        (Report(Status.DOWNLOADING, "\x00"), ("substate",)),
    ):
        with pytest.raises(InvalidInput) as caught:
            await report(fleet, working, given)
        assert caught.value.path == path
    assert (await first(fleet)).status is Status.PENDING


async def test_another_thing_or_person(fleet: Fleet, working: Working, deployment: UUID) -> None:
    for access, error in (
        (fleet.thing(1), NotFound),
        (Access(None), NotFound),
        (fleet.member(Role.VIEWER), Forbidden),
    ):
        with pytest.raises(error):
            await report(fleet, working, Report(Status.SUCCESS), access)
    assert (await first(fleet)).status is Status.PENDING
    await report(fleet, working, Report(Status.SUCCESS), fleet.member(Role.EDITOR))
    assert (await first(fleet)).status is Status.SUCCESS


async def test_a_person_aborts_one_update(fleet: Fleet, working: Working, deployment: UUID) -> None:
    await report(fleet, working, Report(Status.ABORTED), fleet.member(Role.EDITOR))
    assert (await first(fleet)).status is Status.ABORTED
    assert (await fleet.one(DeploymentRow, deployment)).aborted_count == 1
    await fleet.assert_counts()


async def test_events_say_what_moved(fleet: Fleet, working: Working, deployment: UUID) -> None:
    await report(fleet, working, Report(Status.DOWNLOADING))
    row = await first(fleet)
    (*_, event) = await fleet.events(EventKind.OTA_EXECUTION_CHANGED)
    assert (event.subject_id, event.thing_id, event.detail) == (row.id, fleet.things[0], {"status": "DOWNLOADING"})
    assert (await fleet.events(EventKind.OTA_JOB_CHANGED))[-1].subject_id == row.job_id
    assert (await fleet.events(EventKind.DEPLOYMENT_CHANGED))[-1].subject_id == deployment


async def test_a_report_is_a_handful_of_statements(
    fleet: Fleet, working: Working, deployment: UUID, statements: Recorder
) -> None:
    row = await first(fleet)
    async with working(fleet.thing(0)) as work:
        with statements() as seen:
            await executions.report(work, row.id, Report(Status.DOWNLOADING))
    assert seen.count == 5


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_reports_and_an_abort_at_the_same_time(fleet: Fleet, working: Working, editor: Access) -> None:
    """Each report either counts or is refused, whichever comes first; nobody waits in a circle."""
    things = await fleet.add_things(12)
    key = await start(fleet, working, editor, Target(everything=True))
    made = await fleet.executions()

    async def one(index: int) -> str:
        try:
            for status in (Status.DOWNLOADING, Status.INSTALLING, Status.SUCCESS):
                async with working(fleet.thing(index)) as work:
                    await executions.report(work, made[things[index]].id, Report(status))
        except Conflict as error:
            return error.message
        return "done"

    async def abort() -> str:
        await asyncio.sleep(0.05)
        async with working(editor) as work:
            await stops.abort(work, key)
        return "aborted"

    outcomes = await asyncio.gather(abort(), *(one(index) for index in range(12)), return_exceptions=True)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    stored = await fleet.one(DeploymentRow, key)
    assert stored.success_count == outcomes.count("done")
    assert stored.success_count + stored.aborted_count == 12
    assert stored.status is DeploymentStatus.FINISHED
    assert not any("same time" in str(outcome) for outcome in outcomes)
    await fleet.assert_counts()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_the_same_move_twice_at_the_same_time_counts_once(
    fleet: Fleet, working: Working, deployment: UUID
) -> None:
    row = await first(fleet)

    async def move(wanted: Status) -> FleetError | None:
        try:
            async with working(fleet.thing(0)) as work:
                await executions.report(work, row.id, Report(wanted))
        except Conflict as error:
            return error
        return None

    wanted = [Status.SUCCESS, Status.REJECTED] * 4
    outcomes = await asyncio.gather(*(move(status) for status in wanted))
    ended = (await first(fleet)).status
    assert [outcome is None for outcome in outcomes] == [status is ended for status in wanted]
    await fleet.assert_counts()
