"""Jobs of their own, and stopping single jobs of a deployment."""

from __future__ import annotations

from uuid import UUID

import pytest

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.enums import DeploymentStatus, OtaJobStatus, Role
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from services import campaign_removal, executions, ota_jobs, stops
from services.access import Access
from services.campaign_rules import Rules
from services.errors import Conflict, Forbidden, InvalidInput, NotFound, WrongState
from services.executions import Report
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start


async def make(fleet: Fleet, working: Working, access: Access, artifact: UUID, target: Target) -> UUID:
    async with working(access) as work:
        return await ota_jobs.create(
            work,
            organization_id=fleet.organization,
            artifact_id=artifact,
            name="One file",
            target=target,
            rules=Rules(priority=2),
        )


async def test_a_job_brings_one_artifact(fleet: Fleet, working: Working, editor: Access) -> None:
    (red,) = await fleet.add_things(1, "red")
    (blue,) = await fleet.add_things(1, "blue")
    artifact = await fleet.add_artifact(await fleet.add_release(), "red")
    key = await make(fleet, working, editor, artifact, Target(thing_ids=[red, blue]))
    job = await fleet.one(OtaJobRow, key)
    assert (job.artifact_id, job.deployment_id, job.priority) == (artifact, None, 2)
    assert (job.status, job.pending_count, job.no_artifact_count) == (OtaJobStatus.IN_PROGRESS, 1, 1)
    made = await fleet.executions()
    assert (made[red].artifact_id, made[red].deployment_id) == (artifact, None)
    assert made[blue].status is Status.NO_ARTIFACT
    await fleet.assert_counts()


async def test_a_job_that_cannot_be_makes_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    release = await fleet.add_release()
    waiting = await fleet.add_artifact(release, ready=False)
    ready = await fleet.add_artifact(release)
    for access, artifact, target, error, path in (
        (editor, waiting, Target(everything=True), WrongState, ("artifactId",)),
        (editor, new_id(), Target(everything=True), NotFound, ("artifactId",)),
        (editor, ready, Target(thing_ids=[]), InvalidInput, ("target",)),
        (fleet.member(Role.VIEWER), ready, Target(everything=True), Forbidden, ()),
    ):
        with pytest.raises(error) as caught:
            await make(fleet, working, access, artifact, target)
        assert caught.value.path == path
    assert await fleet.count(OtaJobRow) == await fleet.count(OtaExecutionRow) == 0


async def test_edit(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    artifact = await fleet.add_artifact(await fleet.add_release())
    key = await make(fleet, working, editor, artifact, Target(everything=True))
    async with working(editor) as work:
        await ota_jobs.update(work, key, {"name": "Two", "priority": 9}, 1)
    job = await fleet.one(OtaJobRow, key)
    assert (job.name, job.priority, job.version) == ("Two", 9, 2)
    with pytest.raises(Conflict):
        async with working(editor) as work:
            await ota_jobs.update(work, key, {"name": "Three"}, 1)
    with pytest.raises(InvalidInput):
        async with working(editor) as work:
            await ota_jobs.update(work, key, {"priority": 99})
    assert await fleet.one(OtaJobRow, key) == job


async def test_cancel_ends_what_is_open(fleet: Fleet, working: Working, editor: Access) -> None:
    done, waiting = await fleet.add_things(2)
    artifact = await fleet.add_artifact(await fleet.add_release())
    key = await make(fleet, working, editor, artifact, Target(everything=True))
    made = await fleet.executions()
    async with working(fleet.thing(0)) as work:
        await executions.report(work, made[done].id, Report(Status.SUCCESS))
    async with working(editor) as work:
        await stops.cancel(work, key)
    job = await fleet.one(OtaJobRow, key)
    assert (job.status, job.success_count, job.aborted_count) == (OtaJobStatus.CANCELLED, 1, 1)
    assert job.finished_at is not None
    assert (await fleet.executions())[waiting].status is Status.ABORTED
    await fleet.assert_counts()
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await stops.cancel(work, key)


async def test_cancelling_the_phase_of_a_deployment(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(2)
    key = await start(fleet, working, editor, Target(everything=True))
    job = next(iter((await fleet.executions()).values())).job_id
    async with working(editor) as work:
        await stops.cancel(work, job)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.status, deployment.aborted_count) == (DeploymentStatus.FINISHED, 2)
    assert deployment.aborted_at is None
    await fleet.assert_counts()
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await campaign_removal.delete_job(work, job)


async def test_delete_only_what_has_ended(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    artifact = await fleet.add_artifact(await fleet.add_release())
    key = await make(fleet, working, editor, artifact, Target(everything=True))
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await campaign_removal.delete_job(work, key)
    async with working(editor) as work:
        await stops.cancel(work, key)
    async with working(editor) as work:
        await campaign_removal.delete_job(work, key)
    assert await fleet.count(OtaJobRow) == await fleet.count(OtaExecutionRow) == 0
