"""Things that leave while updates are open."""

from __future__ import annotations

from models import DeploymentRow, OtaExecutionRow
from models.enums import DeploymentStatus, EventKind
from models.enums import OtaExecutionStatus as Status
from models.tables import THING
from services import departures, executions
from services.access import Access
from services.executions import Report
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start


async def test_decommissioned_things_end_and_stay_as_history(fleet: Fleet, working: Working, editor: Access) -> None:
    done, leaving, staying = await fleet.add_things(3)
    key = await start(fleet, working, editor, Target(everything=True))
    made = await fleet.executions()
    async with working(fleet.thing(0)) as work:
        await executions.report(work, made[done].id, Report(Status.SUCCESS))
    async with working(editor) as work:
        await departures.decommission(work, [done, leaving])
    made = await fleet.executions()
    assert [made[thing].status for thing in (done, leaving, staying)] == [
        Status.SUCCESS,
        Status.DECOMMISSIONED,
        Status.PENDING,
    ]
    assert (await fleet.events(EventKind.OTA_EXECUTION_CHANGED))[-1].detail == {"status": "DECOMMISSIONED"}
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.decommissioned_count, deployment.status) == (1, DeploymentStatus.IN_PROGRESS)
    await fleet.assert_counts()
    async with working(editor) as work:
        await departures.decommission(work, [staying])
    assert (await fleet.one(DeploymentRow, key)).status is DeploymentStatus.FINISHED
    await fleet.assert_counts()


async def test_deleted_things_leave_no_trace_in_the_counts(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(2)
    key = await start(fleet, working, editor, Target(everything=True))
    async with working(editor) as work:
        await departures.forget(work, things[:1])
        await work.session.execute(THING.delete().where(THING.c.id == things[0]))
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.pending_count, deployment.status) == (1, DeploymentStatus.PENDING)
    assert await fleet.count(OtaExecutionRow) == 1
    await fleet.assert_counts()


async def test_things_without_updates_change_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(1)
    async with working(editor) as work:
        await departures.decommission(work, things)
        await departures.forget(work, things)
    assert await fleet.events(EventKind.OTA_JOB_CHANGED) == []
