"""Campaigns: what creating, editing, aborting and deleting one does to jobs, executions, counts and events."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.columns import now
from models.enums import DeploymentStatus, EventKind, OtaJobStatus, Role
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from models.tables import THING
from services import campaign_removal, deployments, executions, stops
from services.access import Access
from services.campaign_rules import Rules
from services.errors import Conflict, FleetError, Forbidden, InvalidInput, LimitReached, NotFound, WrongState
from services.executions import Report
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder


async def test_one_job_and_one_execution_for_each_thing(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(3)
    key = await start(fleet, working, editor, Target(everything=True, document={"all": True}))
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.status, deployment.pending_count, deployment.target) == (
        DeploymentStatus.PENDING,
        3,
        {"all": True},
    )
    assert deployment.created_by_id == fleet.user
    made = await fleet.executions()
    assert set(made) == set(things)
    assert {row.status for row in made.values()} == {Status.PENDING}
    job = await fleet.one(OtaJobRow, next(iter(made.values())).job_id)
    assert (job.status, job.pending_count, job.deployment_id) == (OtaJobStatus.IN_PROGRESS, 3, key)
    await fleet.assert_counts()
    assert len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED)) == 3
    assert len(await fleet.events(EventKind.OTA_JOB_CHANGED)) == 1
    assert len(await fleet.events(EventKind.DEPLOYMENT_CHANGED)) == 1


async def test_each_thing_gets_the_artifact_of_its_type(fleet: Fleet, working: Working, editor: Access) -> None:
    (red,) = await fleet.add_things(1, "red")
    (blue,) = await fleet.add_things(1, "blue")
    (plain,) = await fleet.add_things(1)
    (other,) = await fleet.add_things(1, "other")
    release = await fleet.add_release()
    await fleet.add_artifact(release, "red")
    newer = await fleet.add_artifact(release, "green", "red")
    for_blue = await fleet.add_artifact(release, "blue")
    for_sensors = await fleet.add_artifact(release, "SENSOR")
    await fleet.add_artifact(release, "other", ready=False)
    key = await start(fleet, working, editor, Target(everything=True), release_id=release)
    made = await fleet.executions()
    assert made[red].artifact_id == newer
    assert made[blue].artifact_id == for_blue
    assert made[plain].artifact_id == for_sensors
    assert (made[other].artifact_id, made[other].status) == (None, Status.NO_ARTIFACT)
    assert made[other].finished_at is not None
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.pending_count, deployment.no_artifact_count) == (3, 1)
    details = {row.thing_id: row.detail for row in await fleet.events(EventKind.OTA_EXECUTION_CHANGED)}
    assert details[other] == {"status": "NO_ARTIFACT"}
    assert details[red] == {"status": "PENDING"}


async def test_an_artifact_for_all_types_fits_the_rest(fleet: Fleet, working: Working, editor: Access) -> None:
    (red,) = await fleet.add_things(1, "red")
    (blue,) = await fleet.add_things(1, "blue")
    release = await fleet.add_release()
    for_red = await fleet.add_artifact(release, "red")
    for_all = await fleet.add_artifact(release)
    await start(fleet, working, editor, Target(everything=True), release_id=release)
    made = await fleet.executions()
    assert (made[red].artifact_id, made[blue].artifact_id) == (for_red, for_all)


async def test_nothing_that_fits_is_finished_at_once(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(2, "red")
    release = await fleet.add_release()
    await fleet.add_artifact(release, "blue")
    key = await start(fleet, working, editor, Target(everything=True), release_id=release)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.status, deployment.no_artifact_count) == (DeploymentStatus.FINISHED, 2)
    assert deployment.finished_at is not None
    job = await fleet.one(OtaJobRow, next(iter((await fleet.executions()).values())).job_id)
    assert job.status is OtaJobStatus.FINISHED


async def test_groups_bring_the_things_of_their_subgroups_once(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(4)
    above = await fleet.add_group(things[0])
    below = await fleet.add_group(things[0], things[1], parent=above)
    await start(fleet, working, editor, Target(thing_ids=[things[1], things[2]], group_ids=[above, below]))
    assert set(await fleet.executions()) == set(things[:3])


async def test_a_condition_stays_inside_the_organization(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(2)
    await start(fleet, working, editor, Target(condition=THING.c.name.like("%")))
    assert set(await fleet.executions()) == set(things)


async def test_a_later_start_is_scheduled(fleet: Fleet, working: Working, editor: Access) -> None:
    (thing,) = await fleet.add_things(1)
    key = await start(fleet, working, editor, Target(everything=True), rules=Rules(starts_at=now() + timedelta(days=1)))
    assert (await fleet.one(DeploymentRow, key)).status is DeploymentStatus.SCHEDULED
    execution = (await fleet.executions())[thing]
    assert (await fleet.one(OtaJobRow, execution.job_id)).status is OtaJobStatus.SCHEDULED
    with pytest.raises(WrongState):
        async with working(fleet.thing()) as work:
            await executions.report(work, execution.id, Report(Status.DOWNLOADING))


NO_TARGETS: Final[list[tuple[Target, type[FleetError], tuple[str, ...]]]] = [
    (Target(), InvalidInput, ("target",)),
    (Target(thing_ids=[]), InvalidInput, ("target",)),
    (Target(thing_ids=[new_id()], everything=True), InvalidInput, ("target",)),
    (Target(condition=THING.c.name == "nobody"), InvalidInput, ("target",)),
    (Target(thing_ids=[new_id()]), NotFound, ("target", "thingIds", "0")),
    (Target(group_ids=[new_id()]), NotFound, ("target", "groupIds", "0")),
    (Target(thing_ids=[new_id()] * 10_001), LimitReached, ("target", "thingIds")),
]


async def test_a_target_that_is_none_makes_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    release = await fleet.add_release()
    await fleet.add_artifact(release)
    for target, error, path in NO_TARGETS:
        with pytest.raises(error) as caught:
            await start(fleet, working, editor, target, release_id=release)
        assert caught.value.path == path
    assert await fleet.count(DeploymentRow) == await fleet.count(OtaJobRow) == await fleet.count(OtaExecutionRow) == 0
    assert await fleet.events(EventKind.DEPLOYMENT_CHANGED) == []


async def test_things_and_groups_of_others_do_not_exist(fleet: Fleet, working: Working, editor: Access) -> None:
    things = await fleet.add_things(1)
    with pytest.raises(NotFound) as caught:
        await start(fleet, working, editor, Target(thing_ids=[*things, fleet.strange_thing]))
    assert caught.value.path == ("target", "thingIds", "1")
    group = await fleet.add_group(fleet.strange_thing, organization=fleet.stranger)
    release = await fleet.add_release("2.0")
    await fleet.add_artifact(release)
    with pytest.raises(NotFound):
        await start(fleet, working, editor, Target(group_ids=[group]), release_id=release)
    assert await fleet.count(DeploymentRow) == 0


async def test_a_release_without_a_file_makes_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    release = await fleet.add_release()
    await fleet.add_artifact(release, ready=False)
    with pytest.raises(WrongState) as caught:
        await start(fleet, working, editor, Target(everything=True), release_id=release)
    assert caught.value.path == ("releaseId",)
    assert await fleet.count(DeploymentRow) == 0


async def test_numbers_out_of_range(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    release = await fleet.add_release()
    await fleet.add_artifact(release)
    for rules, path in (
        (Rules(priority=0), ("priority",)),
        (Rules(priority=11), ("priority",)),
        (Rules(retries=-1), ("retries",)),
        (Rules(retries=101), ("retries",)),
    ):
        with pytest.raises(InvalidInput) as caught:
            await start(fleet, working, editor, Target(everything=True), release_id=release, rules=rules)
        assert caught.value.path == path


async def test_a_viewer_sees_but_may_not(fleet: Fleet, working: Working) -> None:
    await fleet.add_things(1)
    with pytest.raises(Forbidden):
        await start(fleet, working, fleet.member(Role.VIEWER), Target(everything=True))
    assert await fleet.count(DeploymentRow) == 0


async def test_the_number_of_statements_does_not_grow(
    fleet: Fleet, working: Working, editor: Access, statements: Recorder
) -> None:
    counts = []
    for number in (1, 50):
        await fleet.add_things(number)
        release = await fleet.add_release(f"{number}.0")
        await fleet.add_artifact(release, "SENSOR")
        with statements() as seen:
            key = await start(fleet, working, editor, Target(everything=True), release_id=release)
        counts.append(seen.count)
        with statements() as seen:
            async with working(editor) as work:
                await stops.abort(work, key)
        counts.append(seen.count)
    assert counts[:2] == counts[2:]
    assert counts[0] <= 15


async def test_edit(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    key = await start(fleet, working, editor, Target(everything=True))
    async with working(editor) as work:
        await deployments.update(work, key, {"name": "July", "priority": 1}, 1)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.name, deployment.priority, deployment.version) == ("July", 1, 2)
    job = await fleet.one(OtaJobRow, next(iter((await fleet.executions()).values())).job_id)
    assert (job.name, job.priority, job.version) == ("June", 1, 2)
    with pytest.raises(Conflict):
        async with working(editor) as work:
            await deployments.update(work, key, {"name": "August"}, 1)
    async with working(editor) as work:
        await stops.abort(work, key)
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await deployments.update(work, key, {"priority": 2})
    async with working(editor) as work:
        await deployments.update(work, key, {"description": "It was aborted."})
    assert (await fleet.one(DeploymentRow, key)).description == "It was aborted."


async def test_abort_ends_what_is_open_and_keeps_the_rest(fleet: Fleet, working: Working, editor: Access) -> None:
    done, running, waiting = await fleet.add_things(3)
    key = await start(fleet, working, editor, Target(everything=True))
    made = await fleet.executions()
    async with working(fleet.thing(0)) as work:
        await executions.report(work, made[done].id, Report(Status.SUCCESS))
    async with working(fleet.thing(1)) as work:
        await executions.report(work, made[running].id, Report(Status.DOWNLOADING))
    before = len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED))
    async with working(editor) as work:
        await stops.abort(work, key)
    made = await fleet.executions()
    assert [made[thing].status for thing in (done, running, waiting)] == [
        Status.SUCCESS,
        Status.ABORTED,
        Status.ABORTED,
    ]
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.status, deployment.success_count, deployment.aborted_count) == (DeploymentStatus.FINISHED, 1, 2)
    assert deployment.aborted_at == deployment.finished_at is not None
    assert (await fleet.one(OtaJobRow, made[done].job_id)).status is OtaJobStatus.CANCELLED
    assert len(await fleet.events(EventKind.OTA_EXECUTION_CHANGED)) == before + 2
    await fleet.assert_counts()
    with pytest.raises(Conflict):
        async with working(fleet.thing(1)) as work:
            await executions.report(work, made[running].id, Report(Status.INSTALLING))
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await stops.abort(work, key)


async def test_delete_only_what_has_finished(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(2)
    key = await start(fleet, working, editor, Target(everything=True))
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await campaign_removal.delete_deployment(work, key)
    assert await fleet.count(DeploymentRow) == 1
    async with working(editor) as work:
        await stops.abort(work, key)
    async with working(editor) as work:
        await campaign_removal.delete_deployment(work, key)
    assert await fleet.count(DeploymentRow) == await fleet.count(OtaJobRow) == await fleet.count(OtaExecutionRow) == 0


async def test_deployments_of_others_do_not_exist(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    key = await start(fleet, working, editor, Target(everything=True))
    nobody = Access(editor.principal, roles={fleet.stranger: Role.OWNER})
    for change in (stops.abort, campaign_removal.delete_deployment):
        with pytest.raises(NotFound):
            async with working(nobody) as work:
                await change(work, key)
        with pytest.raises(Forbidden):
            async with working(fleet.member(Role.VIEWER)) as work:
                await change(work, key)
    assert (await fleet.one(DeploymentRow, key)).status is DeploymentStatus.PENDING
