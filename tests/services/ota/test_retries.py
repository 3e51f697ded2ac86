"""Trying again what has failed, and only that, by the rules of the campaign before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from models import DeploymentRow, OtaJobRow, SigningKeyRow
from models.columns import now
from models.enums import ArtifactFormat, JobSigning, KeySpec, Role
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from models.tables import ARTIFACT, OTA_JOB_KEY, SIGNING_REQUEST, THING
from services import deployments, executions, ota_jobs, stops
from services.access import Access
from services.campaign_rules import Rules, StopRule, Window
from services.errors import Forbidden, InvalidInput, LimitReached, NotFound, WrongState
from services.executions import Report
from services.ota_jobs import Signing
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start

ALL = Target(everything=True)
RULES = Rules(priority=3, retries=0, stop=StopRule(percent=50, minimum=5), window=Window(0, 60), metadata={"a": 1})


async def finish(fleet: Fleet, working: Working, parent: UUID, results: dict[UUID, Status]) -> None:
    """Have things report their ends."""
    for row in await fleet.all_executions():
        if parent in (row.job_id, row.deployment_id) and row.thing_id in results:
            async with working(fleet.thing(fleet.things.index(row.thing_id))) as work:
                await executions.report(work, row.id, Report(results[row.thing_id]))


async def test_what_failed_in_a_deployment(fleet: Fleet, working: Working, editor: Access) -> None:
    failed, moved, good, refused = await fleet.add_things(4)
    release = await fleet.add_release()
    artifact = await fleet.add_artifact(release)
    before = await start(fleet, working, editor, ALL, release_id=release, rules=RULES)
    with pytest.raises(WrongState):
        await again(working, editor, before)
    results = {failed: Status.FAILURE, moved: Status.FAILURE, good: Status.SUCCESS, refused: Status.REJECTED}
    await finish(fleet, working, before, results)
    async with fleet.store.write() as session:
        gone = update(THING).where(THING.c.id == moved)
        await session.execute(gone.values(organization_id=fleet.stranger))
    key = await again(working, editor, before)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.retry_of_id, deployment.release_id, deployment.name) == (before, release, "Again")
    assert (deployment.priority, deployment.stop_percent, deployment.window_end) == (3, 50, 60)
    assert (deployment.meta, deployment.dynamic, deployment.initial_thing_count) == ({"a": 1}, False, 1)
    (made,) = [row for row in await fleet.all_executions() if row.deployment_id == key]
    assert (made.thing_id, made.status, made.artifact_id) == (failed, Status.PENDING, artifact)
    await fleet.assert_counts()


async def test_a_deployment_that_cannot_be_tried_again(fleet: Fleet, working: Working, editor: Access) -> None:
    (thing,) = await fleet.add_things(1)
    release = await fleet.add_release()
    artifact = await fleet.add_artifact(release)
    good = await start(fleet, working, editor, ALL, release_id=release)
    await finish(fleet, working, good, {thing: Status.SUCCESS})
    with pytest.raises(WrongState):
        await again(working, editor, good)
    bad = await start(fleet, working, editor, ALL, release_id=release)
    await finish(fleet, working, bad, {thing: Status.FAILURE})
    with pytest.raises(InvalidInput) as caught:
        await again(working, editor, bad, name=" ")
    assert caught.value.path == ("name",)
    with pytest.raises(Forbidden):
        await again(working, fleet.member(Role.VIEWER), bad)
    with pytest.raises(NotFound):
        await again(working, editor, new_id())
    async with fleet.store.write() as session:
        await session.execute(update(ARTIFACT).where(ARTIFACT.c.id == artifact).values(archived_at=now()))
    with pytest.raises(WrongState):
        await again(working, editor, bad)
    assert await fleet.count(DeploymentRow) == 2


async def again(working: Working, access: Access, key: UUID, *, name: str = "Again") -> UUID:
    async with working(access) as work:
        return await deployments.retry(work, key, name=name)


async def test_what_failed_in_a_job(fleet: Fleet, working: Working, editor: Access) -> None:
    failed, good = await fleet.add_things(2)
    artifact = await fleet.add_artifact(await fleet.add_release())
    before = await make_job(fleet, working, editor, artifact, rules=RULES)
    with pytest.raises(WrongState):
        await job_again(working, editor, before)
    await finish(fleet, working, before, {failed: Status.FAILURE, good: Status.SUCCESS})
    key = await job_again(working, editor, before)
    job = await fleet.one(OtaJobRow, key)
    assert (job.retry_of_id, job.artifact_id, job.name, job.priority) == (before, artifact, "Again", 3)
    assert [row.thing_id for row in await fleet.all_executions() if row.job_id == key] == [failed]
    await finish(fleet, working, key, {failed: Status.SUCCESS})
    with pytest.raises(WrongState):
        await job_again(working, editor, key)
    await fleet.assert_counts()


async def test_a_cancelled_job_and_the_phase_of_a_deployment(fleet: Fleet, working: Working, editor: Access) -> None:
    failed, _ = await fleet.add_things(2)
    artifact = await fleet.add_artifact(await fleet.add_release())
    before = await make_job(fleet, working, editor, artifact)
    await finish(fleet, working, before, {failed: Status.FAILURE})
    async with working(editor) as work:
        await stops.cancel(work, before)
    key = await job_again(working, editor, before)
    assert [row.thing_id for row in await fleet.all_executions() if row.job_id == key] == [failed]
    deployment = await start(fleet, working, editor, Target(thing_ids=[failed]), release_id=await fleet_release(fleet))
    await finish(fleet, working, deployment, {failed: Status.FAILURE})
    phase = next(row.job_id for row in await fleet.all_executions() if row.deployment_id == deployment)
    with pytest.raises(WrongState):
        await job_again(working, editor, phase)


async def test_signing_with_keys(fleet: Fleet, working: Working, editor: Access) -> None:
    """The keys are kept with the job, and the file is asked to be signed with them, once."""
    (thing,) = await fleet.add_things(1)
    artifact = await fleet.add_artifact(await fleet.add_release())
    async with fleet.store.write() as session:
        of_esp = update(ARTIFACT).where(ARTIFACT.c.id == artifact)
        await session.execute(of_esp.values(format=ArtifactFormat.ESP_IMAGE))
    keys = [await add_key(fleet, fleet.organization) for _ in range(2)]
    strange = await add_key(fleet, fleet.stranger)
    before = await make_job(fleet, working, editor, artifact, signing=Signing([*keys, keys[0]]))
    job = await fleet.one(OtaJobRow, before)
    assert job.signing is JobSigning.KEYS
    assert await keys_of(fleet, before) == set(keys)
    assert [row.job_id for row in await rows_of(fleet, select(SIGNING_REQUEST))] == [before]
    await finish(fleet, working, before, {thing: Status.FAILURE})
    key = await job_again(working, editor, before)
    assert await keys_of(fleet, key) == set(keys)
    assert len(await rows_of(fleet, select(SIGNING_REQUEST))) == 1
    jobs = await fleet.count(OtaJobRow)
    bad: list[tuple[Signing, type[Exception], tuple[str, ...]]] = [
        (Signing([keys[0], strange]), NotFound, ("signing", "keyIds", "1")),
        (Signing([new_id()]), NotFound, ("signing", "keyIds", "0")),
        (Signing(keys, automatic=True), InvalidInput, ("signing",)),
        (Signing(), InvalidInput, ("signing",)),
        (Signing([]), InvalidInput, ("signing", "keyIds")),
        (Signing([new_id() for _ in range(11)]), LimitReached, ("signing", "keyIds")),
    ]
    for signing, error, path in bad:
        with pytest.raises(error) as caught:
            await make_job(fleet, working, editor, artifact, signing=signing)
        assert getattr(caught.value, "path", None) == path
    assert await fleet.count(OtaJobRow) == jobs


async def test_signing_for_each_thing(fleet: Fleet, working: Working, editor: Access) -> None:
    await fleet.add_things(1)
    artifact = await fleet.add_artifact(await fleet.add_release())
    key = await make_job(fleet, working, editor, artifact, signing=Signing(automatic=True))
    assert (await fleet.one(OtaJobRow, key)).signing is JobSigning.AUTOMATIC
    assert await keys_of(fleet, key) == set()
    plain = await make_job(fleet, working, editor, artifact)
    assert (await fleet.one(OtaJobRow, plain)).signing is JobSigning.NONE


async def make_job(
    fleet: Fleet,
    working: Working,
    access: Access,
    artifact: UUID,
    *,
    rules: Rules | None = None,
    signing: Signing | None = None,
) -> UUID:
    async with working(access) as work:
        return await ota_jobs.create(
            work,
            organization_id=fleet.organization,
            artifact_id=artifact,
            name="One",
            target=ALL,
            rules=rules,
            signing=signing,
        )


async def job_again(working: Working, access: Access, key: UUID) -> UUID:
    async with working(access) as work:
        return await ota_jobs.retry(work, key, name="Again")


async def fleet_release(fleet: Fleet) -> UUID:
    release = await fleet.add_release("another")
    await fleet.add_artifact(release)
    return release


async def add_key(fleet: Fleet, organization: UUID) -> UUID:
    key = new_id()
    row = SigningKeyRow(
        id=key,
        organization_id=organization,
        name=key.hex,
        spec=KeySpec.RSA_3072,
        public_key="",
        digest=key.hex * 2,
        private_key=b"",
    )
    await fleet.add(row)
    return key


async def keys_of(fleet: Fleet, job: UUID) -> set[UUID]:
    return {row.key_id for row in await rows_of(fleet, select(OTA_JOB_KEY).where(OTA_JOB_KEY.c.job_id == job))}


async def rows_of(fleet: Fleet, statement: Any) -> list[Any]:
    async with fleet.store.read() as connection:
        return list((await connection.execute(statement)).all())
