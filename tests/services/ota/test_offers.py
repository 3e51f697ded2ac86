"""What a thing is offered next: which file, what is marked, what is kept, and what that costs."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from models import DeploymentRow, OtaJobRow, ThingRow
from models.columns import now
from models.enums import (
    DeploymentStatus,
    EventKind,
    OtaJobStatus,
    Role,
)
from models.enums import OtaExecutionStatus as Status
from services.access import Access, ThingPrincipal
from services.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from services.offers import Installed, Offer, Offers
from tests.services.ota.asking import ask, asked_for, row_of
from tests.services.ota.fleet import Fleet
from tests.services.ota.jobs import OLD, add_file, add_job, set_execution
from tests.statements import Recorder


async def test_what_an_offer_says_and_marks(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    release = await fleet.add_release()
    artifact = await add_file(fleet, release, "pump", md5="a" * 32, artifact_version="7")
    made = await add_job(fleet, [thing], release=release, description="Repairs", meta={"download_window": {"end": 1}})
    offer = await ask(fleet, offers)
    row = await row_of(fleet, made[thing])
    assert offer == Offer(
        execution_id=row.id,
        job_id=row.job_id,
        deployment_id=row.deployment_id,
        artifact_id=artifact,
        artifact_name="1.0",
        artifact_version="7",
        file_name="f.bin",
        compatible_types=["pump"],
        size=5,
        sha256="0" * 64,
        md5="a" * 32,
        description="Repairs",
        metadata={"download_window": {"end": 1}},
        key_digests=[],
    )
    assert (row.status, row.device_type, row.artifact_id) == (Status.TRIGGERED, "pump", artifact)
    assert row.offered_at is not None
    job = await fleet.one(OtaJobRow, row.job_id)
    assert row.deployment_id is not None
    deployment = await fleet.one(DeploymentRow, row.deployment_id)
    assert (job.asked_count, deployment.asked_count) == (1, 1)
    assert deployment.status is DeploymentStatus.PENDING
    (event,) = await fleet.events(EventKind.OTA_EXECUTION_CHANGED)
    assert (event.subject_id, event.thing_id, event.detail) == (row.id, thing, {"status": "TRIGGERED"})
    await fleet.assert_counts()


async def test_the_same_again_changes_and_writes_nothing(
    fleet: Fleet, offers: Offers, thing: UUID, statements: Recorder
) -> None:
    made = await add_job(fleet, [thing], release=(release := await fleet.add_release()))
    await add_file(fleet, release)
    first = await ask(fleet, offers)
    row = await row_of(fleet, made[thing])
    events = await fleet.events(EventKind.OTA_EXECUTION_CHANGED)
    await add_file(fleet, release)
    with statements() as seen:
        assert await ask(fleet, offers) == first
    assert seen.count == 2
    assert all(text.startswith("SELECT") for text in seen.texts)
    assert await row_of(fleet, made[thing]) == row
    assert await fleet.events(EventKind.OTA_EXECUTION_CHANGED) == events


@pytest.mark.parametrize("others", [1, 1000])
async def test_nothing_waits_is_one_statement(
    fleet: Fleet, offers: Offers, thing: UUID, statements: Recorder, others: int
) -> None:
    await ask(fleet, offers)  # what it says is kept
    busy = await fleet.add_things(others)
    release = await fleet.add_release()
    await add_job(fleet, busy, artifact=await add_file(fleet, release))
    with statements() as seen:
        assert await ask(fleet, offers) is None
    assert seen.count == 1


async def test_what_a_thing_says_is_kept_when_it_is_news(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    said = Installed("pump", "0.9", {"rootfs-image.checksum": "ab"})
    for _ in range(2):
        assert await ask(fleet, offers, said) is None
    stored: ThingRow = await fleet.one(ThingRow, thing)
    assert stored.software == {"device_type": "pump", "artifact_name": "0.9", "rootfs-image.checksum": "ab"}
    (event,) = await fleet.events(EventKind.THING_UPDATED)
    assert event.subject_id == thing
    assert await ask(fleet, offers, None) is None
    assert (await fleet.one(ThingRow, thing)).software == stored.software


async def test_the_file_is_picked_when_the_thing_asks(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    """Type, then what it depends on, then age; a file that comes after the job was made counts."""
    release = await fleet.add_release()
    execution = (await add_job(fleet, [thing], release=release))[thing]
    await add_file(fleet, release)
    await add_file(fleet, release, "valve")
    fits = await add_file(fleet, release, "pump", depends={"artifact_name": ["0.8", "0.9"], "device_type": ["pump"]})
    await add_file(fleet, release, "pump", depends={"rootfs-image.checksum": ["ab", "cd"]})
    await add_file(fleet, release, "pump", private_to_id=fleet.user)
    await add_file(fleet, release, "pump", archived_at=now())
    await add_file(fleet, release, "pump", signed_from_id=fits)
    await fleet.add_artifact(release, "pump", ready=False)
    offer = await ask(fleet, offers)
    assert offer is not None
    assert (offer.execution_id, offer.artifact_id) == (execution, fits)


async def test_what_a_file_depends_on_is_met_by_what_the_thing_provides(
    fleet: Fleet, offers: Offers, thing: UUID
) -> None:
    release = await fleet.add_release()
    await add_file(fleet, release, "pump")
    delta = await add_file(fleet, release, "pump", depends={"rootfs-image.checksum": ["ab", "cd"]})
    await add_job(fleet, [thing], release=release)
    offer = await ask(fleet, offers, Installed("pump", "0.9", {"rootfs-image.checksum": "cd"}))
    assert offer is not None
    assert offer.artifact_id == delta


async def test_a_thing_that_says_nothing_goes_by_its_inventory(fleet: Fleet, offers: Offers) -> None:
    (thing,) = await fleet.add_things(1, "valve")
    release = await fleet.add_release()
    await add_file(fleet, release, "pump")
    fits = await add_file(fleet, release, "valve")
    execution = (await add_job(fleet, [thing], release=release))[thing]
    offer = await ask(fleet, offers, None)
    assert offer is not None
    assert offer.artifact_id == fits
    assert (await row_of(fleet, execution)).device_type == "valve"


async def test_nothing_fits(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    """It ends, counted apart, and the next update is looked at."""
    release = await fleet.add_release()
    await add_file(fleet, release, "valve")
    none = (await add_job(fleet, [thing], release=release, priority=1))[thing]
    artifact = await add_file(fleet, await fleet.add_release("2.0"), "pump")
    other = (await add_job(fleet, [thing], artifact=artifact))[thing]
    assert await asked_for(fleet, offers) == other
    row = await row_of(fleet, none)
    assert (row.status, row.artifact_id, row.device_type) == (Status.NO_ARTIFACT, None, "pump")
    assert row.finished_at is not None
    assert (await fleet.one(OtaJobRow, row.job_id)).asked_count == 1
    assert (await fleet.one(OtaJobRow, row.job_id)).status is OtaJobStatus.FINISHED
    assert (await row_of(fleet, other)).status is Status.TRIGGERED
    await fleet.assert_counts()


async def test_installed_already(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    """By its name, unless the thing says that something of it is otherwise."""
    release = await fleet.add_release()
    await add_file(fleet, release, provides={"rootfs-image.checksum": "ab"})
    for provides, expected in (
        ({}, Status.ALREADY_INSTALLED),
        ({"rootfs-image.checksum": "ab"}, Status.ALREADY_INSTALLED),
        ({"rootfs-image.checksum": "cd"}, Status.TRIGGERED),
    ):
        execution = (await add_job(fleet, [thing], release=release))[thing]
        offer = await ask(fleet, offers, Installed("pump", "1.0", provides))
        assert (offer is None) is (expected is Status.ALREADY_INSTALLED)
        assert (await row_of(fleet, execution)).status is expected
    await fleet.assert_counts()
    await fleet.assert_ends()


async def test_many_that_come_to_nothing_are_bounded(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release(), "valve")
    for _ in range(3):
        await add_job(fleet, [thing], artifact=artifact)
    assert await ask(fleet, offers) is None
    assert {row.status for row in await fleet.all_executions()} == {Status.NO_ARTIFACT}
    await fleet.assert_ends()


async def test_who_may_ask(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    with pytest.raises(Forbidden):
        await offers.next(fleet.member(Role.OWNER), OLD)
    with pytest.raises(Unauthenticated):
        await offers.next(Access(ThingPrincipal(thing, fleet.organization, b"another key")), OLD)
    with pytest.raises(Unauthenticated):
        await offers.next(Access(ThingPrincipal(fleet.organization, fleet.organization, b"none")), OLD)


@pytest.mark.parametrize(
    "said",
    [
        Installed("", "1.0"),
        Installed("pump", " "),
        Installed("p" * 255, "1.0"),
        Installed("pump", "1.0", {"x": "y" * 4097}),
        Installed("pump", "1.0", {"x" * 255: "y"}),
        Installed("pump", "1.0", {str(number): "" for number in range(1001)}),
        Installed("pump", "1.0", {str(number): "y" * 4000 for number in range(20)}),
        Installed("pump", "1.0", {"x": 1}),  # type: ignore[dict-item]
    ],
)
async def test_what_a_thing_cannot_say(fleet: Fleet, offers: Offers, thing: UUID, said: Installed) -> None:
    with pytest.raises(InvalidInput):
        await ask(fleet, offers, said)
    assert (await fleet.one(ThingRow, thing)).software == {}


async def test_looking_changes_nothing(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    release = await fleet.add_release()
    await add_file(fleet, release, "valve")
    await add_job(fleet, [thing], release=release, priority=1)
    artifact = await add_file(fleet, await fleet.add_release("2.0"))
    consented = (await add_job(fleet, [thing], artifact=artifact, approval=True))[thing]
    await set_execution(fleet, consented, status=Status.AWAITING_APPROVAL)
    before = await fleet.all_executions()
    viewer = fleet.member(Role.VIEWER)
    offer = await offers.preview(viewer, thing)
    assert offer is not None
    assert offer.execution_id == consented
    assert await offers.preview(fleet.thing(), thing) is None
    assert await fleet.all_executions() == before
    stranger = Access(viewer.principal, roles={fleet.stranger: Role.OWNER})
    for access, key in ((stranger, thing), (fleet.thing(), fleet.strange_thing), (viewer, fleet.organization)):
        with pytest.raises(NotFound):
            await offers.preview(access, key)


async def test_things_that_ask_at_the_same_time_share_transactions(
    fleet: Fleet, offers: Offers, statements: Recorder
) -> None:
    """Each is given its own update; one whose key is gone is refused alone, and one without a fitting file ends."""
    things = await fleet.add_things(20)
    release = await fleet.add_release()
    await add_file(fleet, release, "pump")
    made = await add_job(fleet, things, release=release)
    gone = Access(ThingPrincipal(things[0], fleet.organization, b"another key"))
    valve = Installed("valve", "0.9")

    async def one(index: int) -> UUID | Unauthenticated | None:
        try:
            offer = await offers.next(gone if index == 0 else fleet.thing(index), valve if index == 1 else OLD)
        except Unauthenticated as error:
            return error
        return None if offer is None else offer.execution_id

    with statements() as seen:
        first, second, *others = await asyncio.gather(*(one(index) for index in range(20)))
    assert isinstance(first, Unauthenticated)
    assert second is None
    assert others == [made[thing] for thing in things[2:]]
    (job,) = {row.job_id for row in await fleet.all_executions()}
    assert (await fleet.one(OtaJobRow, job)).asked_count == 19
    assert (await row_of(fleet, made[things[1]])).status is Status.NO_ARTIFACT
    await fleet.assert_counts()
    moved = [text for text in seen.texts if text.startswith("UPDATE ota_job")]
    assert len(moved) < 2 * len(others), "one transaction each"
