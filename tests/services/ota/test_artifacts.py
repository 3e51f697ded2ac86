"""Declaring, editing and deleting artifacts and releases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from models import ArtifactRow, OtaExecutionRow, OtaJobRow, ReleaseRow
from models.enums import ArtifactStatus, Role
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from services import artifacts, executions, ota_jobs, releases, stops
from services.access import Access
from services.artifacts import Declaration
from services.errors import Conflict, FleetError, Forbidden, InvalidInput, LimitReached, NotFound, WrongState
from services.executions import Report
from services.targets import Target
from tests.services.ota.fleet import Fleet, Working, start

MOST = 1_000_000
DECLARED = Declaration(
    release_name="1.0",
    version="1.0.3",
    model="lamp",
    file_name="firmware.bin",
    size=5,
    sha256="AB" * 32,
    compatible_types=["red"],
)


async def declare(fleet: Fleet, working: Working, access: Access, **changes: Any) -> UUID:
    async with working(access) as work:
        declared = replace(DECLARED, **changes)
        made = await artifacts.create(work, organization_id=fleet.organization, declared=declared, max_bytes=MOST)
    return made.id


async def test_the_first_artifact_makes_its_release(fleet: Fleet, working: Working, editor: Access) -> None:
    first = await declare(
        fleet,
        working,
        editor,
        provides={"rootfs": "1.0.3"},
        depends={"bootloader": "2", "rootfs": ["1.0.1", "1.0.2"]},
        compatible_types=["red", "green", "red"],
    )
    row = await fleet.one(ArtifactRow, first)
    assert (row.name, row.artifact_version, row.status) == ("1.0", "1.0.3", ArtifactStatus.AWAITING_UPLOAD)
    assert (row.sha256, row.size, row.compatible_types) == ("ab" * 32, 5, ["red", "green"])
    assert row.depends == {"bootloader": ["2"], "rootfs": ["1.0.1", "1.0.2"]}
    second = await declare(fleet, working, editor, compatible_types=["blue"])
    assert (await fleet.one(ArtifactRow, second)).release_id == row.release_id
    assert await fleet.count(ReleaseRow) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_two_first_artifacts_at_the_same_time(fleet: Fleet, working: Working, editor: Access) -> None:
    await asyncio.gather(*(declare(fleet, working, editor, compatible_types=[str(index)]) for index in range(4)))
    assert (await fleet.count(ReleaseRow), await fleet.count(ArtifactRow)) == (1, 4)


BAD_VALUES: Final[list[tuple[dict[str, Any], type[FleetError], tuple[str, ...]]]] = [
    ({"release_name": " "}, InvalidInput, ("releaseName",)),
    ({"release_name": "x" * 255}, InvalidInput, ("releaseName",)),
    ({"version": "\x00"}, InvalidInput, ("version",)),
    ({"file_name": "../../etc/passwd"}, InvalidInput, ("fileName",)),
    ({"file_name": "a\\b"}, InvalidInput, ("fileName",)),
    ({"file_name": ".."}, InvalidInput, ("fileName",)),
    ({"file_name": "a\r\nSet-Cookie: b"}, InvalidInput, ("fileName",)),
    ({"file_name": "gpj.\u202eexe"}, InvalidInput, ("fileName",)),
    ({"size": 0}, InvalidInput, ("size",)),
    ({"size": MOST + 1}, LimitReached, ("size",)),
    ({"sha256": "ab"}, InvalidInput, ("sha256",)),
    ({"sha256": "zz" * 32}, InvalidInput, ("sha256",)),
    ({"compatible_types": ["red", ""]}, InvalidInput, ("compatibleTypes", "1")),
    ({"compatible_types": ["x"] * 101}, InvalidInput, ("compatibleTypes",)),
    ({"provides": {"a": 1}}, InvalidInput, ("provides", "a")),
    ({"provides": []}, InvalidInput, ("provides",)),
    ({"depends": {"a": {"b": "c"}}}, InvalidInput, ("depends", "a")),
    ({"depends": {"a": [1]}}, InvalidInput, ("depends", "a")),
    ({"description": "x" * 4097}, InvalidInput, ("description",)),
]


async def test_bad_values_make_nothing(fleet: Fleet, working: Working, editor: Access) -> None:
    for changes, error, path in BAD_VALUES:
        with pytest.raises(error) as caught:
            await declare(fleet, working, editor, **changes)
        assert caught.value.path == path
    assert await fleet.count(ReleaseRow) == await fleet.count(ArtifactRow) == 0


async def test_who_may_declare(fleet: Fleet, working: Working) -> None:
    with pytest.raises(Forbidden):
        await declare(fleet, working, fleet.member(Role.VIEWER))
    for outsider in (Access(None), Access(None, roles={fleet.stranger: Role.OWNER})):
        with pytest.raises(NotFound) as caught:
            await declare(fleet, working, outsider)
        assert caught.value.path == ("organizationId",)
    assert await fleet.count(ReleaseRow) == 0


async def test_the_same_version_for_the_same_type_is_a_conflict(fleet: Fleet, working: Working, editor: Access) -> None:
    await declare(fleet, working, editor, compatible_types=["red", "blue"])
    with pytest.raises(Conflict):
        await declare(fleet, working, editor, compatible_types=["green", "blue"])
    await declare(fleet, working, editor, compatible_types=["green"])
    await declare(fleet, working, editor, compatible_types=["blue"], depends={"rootfs": "1.0.2"})
    await declare(fleet, working, editor, compatible_types=["blue"], version="1.0.4")
    assert await fleet.count(ArtifactRow) == 4


async def test_a_new_upload_address_only_for_a_file_that_is_awaited(
    fleet: Fleet, working: Working, editor: Access
) -> None:
    release = await fleet.add_release()
    waiting, ready = await fleet.add_artifact(release, ready=False), await fleet.add_artifact(release)
    async with working(editor) as work:
        assert await artifacts.renew_upload(work, waiting) is False
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await artifacts.renew_upload(work, ready)
    with pytest.raises(Forbidden):
        async with working(fleet.member(Role.VIEWER)) as work:
            await artifacts.renew_upload(work, waiting)


async def test_edit_until_it_is_used(fleet: Fleet, working: Working, editor: Access) -> None:
    artifact = await declare(fleet, working, editor)
    async with working(editor) as work:
        await artifacts.update(work, artifact, {"description": "New.", "compatible_types": ["pink"]}, 1)
    row = await fleet.one(ArtifactRow, artifact)
    assert (row.description, row.compatible_types, row.version) == ("New.", ["pink"], 2)
    with pytest.raises(Conflict):
        async with working(editor) as work:
            await artifacts.update(work, artifact, {"description": "Newer."}, 1)
    await fleet.add_things(1)
    used = await fleet.add_artifact(row.release_id)
    key = await start(fleet, working, editor, Target(everything=True), release_id=row.release_id)
    async with working(editor) as work:
        await stops.abort(work, key)
    with pytest.raises(WrongState):
        async with working(editor) as work:
            await artifacts.update(work, used, {"description": "Newer."})
    assert (await fleet.one(ArtifactRow, used)).description == ""


async def test_edit_into_a_conflict(fleet: Fleet, working: Working, editor: Access) -> None:
    await declare(fleet, working, editor, compatible_types=["red"])
    other = await declare(fleet, working, editor, compatible_types=["blue"])
    with pytest.raises(Conflict):
        async with working(editor) as work:
            await artifacts.update(work, other, {"compatible_types": ["blue", "red"]})
    assert (await fleet.one(ArtifactRow, other)).compatible_types == ["blue"]


async def test_delete_is_refused_while_an_update_uses_it(fleet: Fleet, working: Working) -> None:
    admin = fleet.member(Role.ADMIN)
    (thing,) = await fleet.add_things(1)
    release = await fleet.add_release()
    artifact = await fleet.add_artifact(release)
    await start(fleet, working, admin, Target(everything=True), release_id=release)
    with pytest.raises(Conflict):
        async with working(admin) as work:
            await artifacts.delete(work, artifact)
    execution = (await fleet.executions())[thing]
    async with working(fleet.thing()) as work:
        await executions.report(work, execution.id, Report(Status.SUCCESS))
    async with working(admin) as work:
        await artifacts.delete(work, artifact)
    assert await fleet.count(ArtifactRow) == 0
    assert (await fleet.one(OtaExecutionRow, execution.id)).artifact_id is None
    assert (await fleet.one(ReleaseRow, release)).name == "1.0"


async def test_the_last_artifact_takes_its_release_with_it(fleet: Fleet, working: Working, editor: Access) -> None:
    release = await fleet.add_release()
    first, last = await fleet.add_artifact(release), await fleet.add_artifact(release)
    with pytest.raises(Forbidden):
        async with working(editor) as work:
            await artifacts.delete(work, first)
    admin = fleet.member(Role.ADMIN)
    async with working(admin) as work:
        await artifacts.delete(work, first)
    assert await fleet.count(ReleaseRow) == 1
    async with working(admin) as work:
        await artifacts.delete(work, last)
    assert await fleet.count(ReleaseRow) == await fleet.count(ArtifactRow) == 0


async def test_edit_a_release(fleet: Fleet, working: Working, editor: Access) -> None:
    release = await fleet.add_release("1.0")
    other = await fleet.add_release("2.0")
    artifact = await fleet.add_artifact(release)
    async with working(editor) as work:
        await releases.update(work, release, {"name": "1.1", "notes": "Better."}, 1)
    row = await fleet.one(ReleaseRow, release)
    assert (row.name, row.notes, row.version) == ("1.1", "Better.", 2)
    assert (await fleet.one(ArtifactRow, artifact)).name == "1.1"
    with pytest.raises(Conflict) as caught:
        async with working(editor) as work:
            await releases.update(work, other, {"name": "1.1"})
    assert caught.value.path == ("name",)
    with pytest.raises(Conflict):
        async with working(editor) as work:
            await releases.update(work, release, {"notes": None}, 1)


async def test_delete_a_release_with_its_artifacts(fleet: Fleet, working: Working) -> None:
    admin = fleet.member(Role.ADMIN)
    (thing,) = await fleet.add_things(1)
    release = await fleet.add_release()
    made = {await fleet.add_artifact(release), await fleet.add_artifact(release)}
    async with working(admin) as work:
        job = await ota_jobs.create(
            work,
            organization_id=fleet.organization,
            artifact_id=next(iter(made)),
            name="One",
            target=Target(thing_ids=[thing]),
        )
    with pytest.raises(Conflict):
        async with working(admin) as work:
            await releases.delete(work, release)
    async with working(admin) as work:
        await stops.cancel(work, job)
    async with working(admin) as work:
        removed = await releases.delete(work, release)
    assert set(removed.artifact_ids) == set(removed.files) == made
    assert await fleet.count(ReleaseRow) == await fleet.count(ArtifactRow) == 0
    assert (await fleet.one(OtaJobRow, job)).artifact_id is None


async def test_a_release_that_a_deployment_names_stays(fleet: Fleet, working: Working) -> None:
    admin = fleet.member(Role.ADMIN)
    await fleet.add_things(1)
    release = await fleet.add_release()
    await fleet.add_artifact(release)
    key = await start(fleet, working, admin, Target(everything=True), release_id=release)
    async with working(admin) as work:
        await stops.abort(work, key)
    with pytest.raises(Conflict):
        async with working(admin) as work:
            await releases.delete(work, release)
    with pytest.raises(NotFound):
        async with working(admin) as work:
            await releases.delete(work, new_id())
    assert await fleet.count(ReleaseRow) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_deleting_and_deploying_at_the_same_time(fleet: Fleet, working: Working) -> None:
    """One of the two fails, whichever comes first: no execution is left without the file that it was promised."""
    admin = fleet.member(Role.ADMIN)
    await fleet.add_things(1, "red")
    for number in range(6):
        release = await fleet.add_release(f"{number}.0")
        artifact = await fleet.add_artifact(release)
        await fleet.add_artifact(release, "never asked for")

        async def delete(artifact: UUID = artifact) -> None:
            async with working(admin) as work:
                await artifacts.delete(work, artifact)

        outcomes = await asyncio.gather(
            delete(),
            start(fleet, working, admin, Target(everything=True), release_id=release),
            return_exceptions=True,
        )
        assert all(isinstance(each, FleetError) for each in outcomes if isinstance(each, BaseException)), outcomes
    for execution in await fleet.all_executions():
        assert (execution.artifact_id is None) is (execution.status is Status.NO_ARTIFACT)
