"""Which artifact a thing gets at creation: by the type that it has said, else by its type in the fleet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from models import ArtifactRow, DeploymentRow, ThingRow, UserRow
from models.columns import now
from models.enums import ArtifactStatus, DeploymentStatus
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from models.tables import ARTIFACT, THING
from services import ota_jobs
from services.access import Access
from services.errors import NotFound, WrongState
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start
from tests.statements import Recorder


async def test_what_a_thing_has_said_of_its_type(fleet: Fleet, working: Working, editor: Access) -> None:
    """The inventory attribute first, then what it last provided; an empty word says nothing."""
    (by_attribute,) = await fleet.add_things(1, "red")
    (by_software,) = await fleet.add_things(1)
    (by_both,) = await fleet.add_things(1, "red")
    (empty,) = await fleet.add_things(1, "")
    (unheard,) = await fleet.add_things(1)
    (other,) = await fleet.add_things(1, "green")
    for thing in (by_software, by_both):
        await change(fleet, THING, thing, {"software": {"device_type": "blue"}})
    await change(fleet, THING, unheard, {"software": {"artifact_name": "1.0"}})
    release = await fleet.add_release()
    red, blue = await fleet.add_artifact(release, "red"), await fleet.add_artifact(release, "blue")
    key = await start(fleet, working, editor, Target(everything=True), release_id=release)
    made = await fleet.executions()
    assert [made[thing].artifact_id for thing in (by_attribute, by_software, by_both)] == [red, blue, red]
    for thing in (empty, unheard):
        assert (made[thing].artifact_id, made[thing].status, made[thing].finished_at) == (None, Status.PENDING, None)
    assert (made[other].artifact_id, made[other].status) == (None, Status.NO_ARTIFACT)
    deployment = await fleet.one(DeploymentRow, key)
    assert (deployment.pending_count, deployment.no_artifact_count) == (5, 1)
    assert deployment.status is DeploymentStatus.IN_PROGRESS


async def test_a_thing_that_has_not_said_it(fleet: Fleet, working: Working, editor: Access) -> None:
    """Its type in the fleet comes before what fits all, and neither ends it."""
    (thing,) = await fleet.add_things(1)
    release = await fleet.add_release()
    for_all = await fleet.add_artifact(release)
    await start(fleet, working, editor, Target(everything=True), release_id=release)
    assert (await fleet.executions())[thing].artifact_id == for_all
    second = await fleet.add_release("2.0")
    sensors = await fleet.add_artifact(second, "SENSOR")
    await fleet.add_artifact(second)
    await start(fleet, working, editor, Target(everything=True), release_id=second)
    assert {row.artifact_id for row in await fleet.all_executions()} == {for_all, sensors}


async def test_what_is_never_picked(fleet: Fleet, working: Working, editor: Access) -> None:
    """Files that are not there, archived ones, signed forms of others, and what is private to somebody else."""
    (thing,) = await fleet.add_things(1, "red")
    stranger = new_id()
    await fleet.add(UserRow(id=stranger, email="s@example.com", name="S", password_hash="none"))
    release = await fleet.add_release()
    good = await fleet.add_artifact(release, "red")
    for values in (
        {"status": ArtifactStatus.AWAITING_UPLOAD},
        {"status": ArtifactStatus.FAILED},
        {"archived_at": now()},
        {"signed_from_id": good},
        {"private_to_id": stranger},
    ):
        await change(fleet, ARTIFACT, await fleet.add_artifact(release, "red"), values)
    await start(fleet, working, editor, Target(everything=True), release_id=release)
    assert (await fleet.executions())[thing].artifact_id == good
    mine = await fleet.add_artifact(release, "red")
    await change(fleet, ARTIFACT, mine, {"private_to_id": fleet.user})
    second = await start(fleet, working, editor, Target(everything=True), release_id=release)
    assert [row.artifact_id for row in await fleet.all_executions() if row.deployment_id == second] == [mine]


@pytest.mark.parametrize(
    "values", [{"archived_at": now()}, {"status": ArtifactStatus.FAILED}, {"private_to_id": "stranger"}]
)
async def test_a_release_without_anything_to_pick(
    fleet: Fleet, working: Working, editor: Access, values: dict[str, Any]
) -> None:
    await fleet.add_things(1, "red")
    if "private_to_id" in values:
        values = {"private_to_id": new_id()}
        row = UserRow(id=values["private_to_id"], email="s@example.com", name="S", password_hash="none")
        await fleet.add(row)
    release = await fleet.add_release()
    artifact = await fleet.add_artifact(release, "red")
    await change(fleet, ARTIFACT, artifact, values)
    with pytest.raises(WrongState) as caught:
        await start(fleet, working, editor, Target(everything=True), release_id=release)
    assert caught.value.path == ("releaseId",)
    error = NotFound if "private_to_id" in values else WrongState
    with pytest.raises(error) as refused:
        async with working(editor) as work:
            await ota_jobs.create(
                work,
                organization_id=fleet.organization,
                artifact_id=artifact,
                name="One",
                target=Target(everything=True),
            )
    assert refused.value.path == ("artifactId",)
    assert await fleet.count(DeploymentRow) == 0
    assert await fleet.all_executions() == []


async def test_very_many_types_and_words_of_all_kinds(
    fleet: Fleet, working: Working, editor: Access, statements: Recorder
) -> None:
    """Types go in one parameter, however many: no statement grows with them."""
    odd = ["a'b", 'say "x"', "ünïcödé", "%", "back\\slash", "{}"]
    things = {kind: (await fleet.add_things(1, kind))[0] for kind in odd}
    release = await fleet.add_release()
    texts = []
    for batch in ([odd[0]], [f"type {number}" for number in range(3_000)] + odd[1:]):
        made: dict[str, UUID] = {}
        for start_at in range(0, len(batch), 100):
            part = batch[start_at : start_at + 100]
            artifact = await fleet.add_artifact(release, *part)
            made |= dict.fromkeys(part, artifact)
        with statements() as seen:
            key = await start(fleet, working, editor, Target(everything=True), release_id=release)
        texts.append([text for text in seen.texts if text.startswith("INSERT INTO ota_execution")])
        mine = {row.thing_id: row.artifact_id for row in await fleet.all_executions() if row.deployment_id == key}
        assert {kind: mine[things[kind]] for kind in odd if kind in made} == {
            kind: made[kind] for kind in odd if kind in made
        }
    assert texts[0] == texts[1]
    assert len(texts[0]) == 1


async def test_a_decommissioned_thing_gets_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    stays, gone = await fleet.add_things(2)
    await change(fleet, THING, gone, {"decommissioned_at": now()})
    await start(fleet, working, editor, Target(thing_ids=[stays, gone]))
    assert set(await fleet.executions()) == {stays}
    assert await fleet.count(ThingRow) == 3


async def change(fleet: Fleet, table: Any, key: UUID, values: dict[str, Any]) -> None:
    async with fleet.store.write() as session:
        await session.execute(update(table).where(table.c.id == key).values(values))


async def test_artifacts_of_the_release_alone(fleet: Fleet, working: Working, editor: Access) -> None:
    (thing,) = await fleet.add_things(1, "red")
    mine, other = await fleet.add_release("1.0"), await fleet.add_release("2.0")
    artifact = await fleet.add_artifact(mine, "red")
    await fleet.add_artifact(other, "red")
    await start(fleet, working, editor, Target(everything=True), release_id=mine)
    assert (await fleet.executions())[thing].artifact_id == artifact
    assert await fleet.count(ArtifactRow) == 2
