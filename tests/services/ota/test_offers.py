"""What a thing is offered next: in which order, which file, what is marked, and what that costs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from models import DeploymentRow, OtaExecutionRow, OtaJobRow, ThingRow
from models.columns import now
from models.enums import DeploymentStatus, EventKind, JobSigning, KeySpec, OtaJobStatus, Role
from models.enums import OtaExecutionStatus as Status
from models.signing import SigningKeyRow
from models.tables import DEPLOYMENT
from services import executions
from services.access import Access, ThingPrincipal
from services.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from services.executions import Report
from services.offers import Installed, Offer, Offers
from tests.services.ota.fleet import Fleet, Working
from tests.services.ota.jobs import OLD, add_file, add_job, set_execution, set_job, set_thing
from tests.statements import Recorder


@pytest.fixture
def offers(fleet: Fleet) -> Offers:
    return Offers(fleet.store, lambda: None)


@pytest.fixture
async def thing(fleet: Fleet) -> UUID:
    (made,) = await fleet.add_things(1)
    return made


async def ask(fleet: Fleet, offers: Offers, said: Installed | None = OLD) -> Offer | None:
    return await offers.next(fleet.thing(), said)


async def asked_for(fleet: Fleet, offers: Offers, said: Installed | None = OLD) -> UUID | None:
    offer = await ask(fleet, offers, said)
    return None if offer is None else offer.execution_id


async def row_of(fleet: Fleet, execution: UUID) -> OtaExecutionRow:
    row: OtaExecutionRow = await fleet.one(OtaExecutionRow, execution)
    return row


async def report(fleet: Fleet, working: Working, execution: UUID, status: Status) -> None:
    async with working(fleet.thing()) as work:
        await executions.report(work, execution, Report(status))


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


async def test_priority_then_age(fleet: Fleet, working: Working, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    older = (await add_job(fleet, [thing], artifact=artifact))[thing]
    newer = (await add_job(fleet, [thing], artifact=artifact))[thing]
    last = (await add_job(fleet, [thing], artifact=artifact, priority=10))[thing]
    first = (await add_job(fleet, [thing], artifact=artifact, priority=1))[thing]
    for expected in (first, older, newer, last):
        assert await asked_for(fleet, offers) == expected
        await report(fleet, working, expected, Status.REJECTED)
    assert await ask(fleet, offers) is None
    await fleet.assert_counts()


async def test_one_at_a_time(fleet: Fleet, working: Working, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    slow = (await add_job(fleet, [thing], artifact=artifact, priority=9))[thing]
    assert await asked_for(fleet, offers) == slow
    urgent = (await add_job(fleet, [thing], artifact=artifact, priority=1))[thing]
    assert await asked_for(fleet, offers) == slow
    await report(fleet, working, slow, Status.DOWNLOADING)
    assert await asked_for(fleet, offers) == slow
    await set_job(fleet, slow, status=OtaJobStatus.PAUSED)
    assert await ask(fleet, offers) is None
    assert (await row_of(fleet, urgent)).status is Status.PENDING
    await report(fleet, working, slow, Status.FAILURE)
    assert await asked_for(fleet, offers) == urgent


async def test_what_was_offered_and_is_withheld_makes_room(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    first = (await add_job(fleet, [thing], artifact=artifact, priority=1))[thing]
    assert await asked_for(fleet, offers) == first
    await set_job(fleet, first, status=OtaJobStatus.PAUSED)
    second = (await add_job(fleet, [thing], artifact=artifact))[thing]
    assert await asked_for(fleet, offers) == second
    assert (await row_of(fleet, first)).status is Status.PENDING
    await set_job(fleet, first, status=OtaJobStatus.IN_PROGRESS)
    assert await asked_for(fleet, offers) == second
    await fleet.assert_counts()
    assert (await fleet.one(OtaJobRow, (await row_of(fleet, first)).job_id)).asked_count == 1


async def test_who_asks_has_let_go_of_what_was_cancelled(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    left = (await add_job(fleet, [thing], artifact=artifact, status=Status.INSTALLING))[thing]
    await set_job(fleet, left, status=OtaJobStatus.CANCELLED)
    assert await ask(fleet, offers) is None
    assert (await row_of(fleet, left)).status is Status.INSTALLING
    second = (await add_job(fleet, [thing], artifact=artifact))[thing]
    assert await asked_for(fleet, offers) == second
    row = await row_of(fleet, left)
    assert row.status is Status.ABORTED
    assert row.finished_at is not None
    await fleet.assert_counts()


@pytest.mark.parametrize(
    "withheld",
    [
        {"status": OtaJobStatus.SCHEDULED},
        {"status": OtaJobStatus.PAUSED},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"approval": True},
    ],
    ids=["not started", "paused", "over", "not approved"],
)
async def test_withheld(fleet: Fleet, offers: Offers, thing: UUID, withheld: dict[str, object]) -> None:
    release = await fleet.add_release()
    await add_file(fleet, release)
    execution = (await add_job(fleet, [thing], release=release))[thing]
    await set_job(fleet, execution, **withheld)
    before = await row_of(fleet, execution)
    assert await ask(fleet, offers) is None
    assert await row_of(fleet, execution) == before


async def test_a_deployment_that_is_paused(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    release = await fleet.add_release()
    await add_file(fleet, release)
    execution = (await add_job(fleet, [thing], release=release))[thing]
    async with fleet.store.write() as session:
        await session.execute(update(DEPLOYMENT).values(status=DeploymentStatus.PAUSED))
    assert await ask(fleet, offers) is None
    assert (await row_of(fleet, execution)).status is Status.PENDING


async def test_windows_are_of_the_day_where_the_thing_is(fleet: Fleet, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    execution = (await add_job(fleet, [thing], artifact=artifact, window_start=60, window_end=120))[thing]
    await set_thing(fleet, thing, time_zone="Asia/Tokyo")
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)  # 21:00 in Tokyo
    assert await Offers(fleet.store, lambda: None, clock=lambda: noon).next(fleet.thing(), OLD) is None
    assert (await row_of(fleet, execution)).status is Status.PENDING
    later = noon + timedelta(hours=4, minutes=30)  # 01:30 in Tokyo
    offer = await Offers(fleet.store, lambda: None, clock=lambda: later).next(fleet.thing(), OLD)
    assert offer is not None
    assert offer.execution_id == execution


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


async def test_a_failed_attempt_is_offered_again(fleet: Fleet, working: Working, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    execution = (await add_job(fleet, [thing], artifact=artifact, retries=1))[thing]
    assert await asked_for(fleet, offers) == execution
    for _ in range(2):
        await report(fleet, working, execution, Status.FAILURE)
    assert (await row_of(fleet, execution)).attempts == 1
    assert await asked_for(fleet, offers) == execution
    row = await row_of(fleet, execution)
    assert (row.status, row.attempts) == (Status.TRIGGERED, 1)
    assert (await fleet.one(OtaJobRow, row.job_id)).asked_count == 1
    await report(fleet, working, execution, Status.FAILURE)
    assert await ask(fleet, offers) is None
    await fleet.assert_counts()


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


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_asking_many_times_at_once(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    artifact = await add_file(fleet, await fleet.add_release())
    await add_job(fleet, [thing], artifact=artifact)
    await add_job(fleet, [thing], artifact=artifact)
    found = await asyncio.gather(*(ask(fleet, offers) for _ in range(8)))
    assert all(each == found[0] and each is not None for each in found)
    assert [row.status for row in await fleet.all_executions()].count(Status.TRIGGERED) == 1
    await fleet.assert_counts()


async def test_a_key_for_the_boot_loader(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    """Automatic signing without a fitting key is a failure of this thing alone, and says why."""
    key = SigningKeyRow(
        organization_id=fleet.organization,
        name="k",
        spec=KeySpec.RSA_3072,
        public_key="-",
        digest="ab" * 32,
        private_key=b"-",
    )
    await fleet.add(key)
    artifact = await add_file(fleet, await fleet.add_release())
    await set_thing(fleet, thing, boot_key_digests=["cd" * 32])
    execution = (await add_job(fleet, [thing], artifact=artifact, signing=JobSigning.AUTOMATIC, retries=3))[thing]
    assert await ask(fleet, offers) is None
    row = await row_of(fleet, execution)
    assert (row.status, row.substate) == (
        Status.FAILURE,
        "the organization has no signing key that the boot loader of this thing takes",
    )
    assert row.finished_at is not None
    await fleet.assert_counts()


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
