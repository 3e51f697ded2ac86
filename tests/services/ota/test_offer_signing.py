"""Files that are signed before they are offered: by the keys of the job, or by the one that the thing takes."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import update

from models import OtaJobKeyRow
from models.enums import (
    ArtifactFormat,
    JobSigning,
    KeySpec,
    SigningStatus,
)
from models.enums import OtaExecutionStatus as Status
from models.signing import SigningKeyRow, SigningRequestRow
from models.tables import SIGNING_REQUEST
from services.offers import Offers
from tests.services.ota.asking import ask, row_of
from tests.services.ota.fleet import Fleet
from tests.services.ota.jobs import add_file, add_job, set_thing


async def add_key(fleet: Fleet, digest: str) -> UUID:
    key = SigningKeyRow(
        organization_id=fleet.organization,
        name=digest[:4],
        spec=KeySpec.RSA_3072,
        public_key="-",
        digest=digest,
        private_key=b"-",
    )
    await fleet.add(key)
    return key.id


@pytest.mark.parametrize("signing", [JobSigning.KEYS, JobSigning.AUTOMATIC])
async def test_a_file_that_has_to_be_signed(fleet: Fleet, offers: Offers, thing: UUID, signing: JobSigning) -> None:
    """It is asked for once, and given out when it is there; the thing is told by which key."""
    digest = "ab" * 32
    key = await add_key(fleet, digest)
    await add_key(fleet, "ef" * 32)
    release = await fleet.add_release()
    artifact = await add_file(fleet, release, format=ArtifactFormat.ESP_IMAGE)
    trusted = ["cd" * 32, digest] if signing is JobSigning.AUTOMATIC else ["cd" * 32]
    await set_thing(fleet, thing, boot_key_digests=trusted)
    execution = (await add_job(fleet, [thing], artifact=artifact, signing=signing))[thing]
    if signing is JobSigning.KEYS:
        await fleet.add(OtaJobKeyRow(job_id=(await row_of(fleet, execution)).job_id, key_id=key))
    before = await row_of(fleet, execution)
    for _ in range(2):
        assert await ask(fleet, offers) is None
    assert await row_of(fleet, execution) == before
    assert await fleet.count(SigningRequestRow) == 1
    signed = await add_file(fleet, release, format=ArtifactFormat.ESP_IMAGE, signed_from_id=artifact, signed=True)
    async with fleet.store.write() as session:
        done = {"status": SigningStatus.SUCCESS, "signed_artifact_id": signed}
        await session.execute(update(SIGNING_REQUEST).values(**done))
    first = await ask(fleet, offers)
    assert first is not None
    assert (first.artifact_id, first.key_digests) == (signed, [digest])
    assert (await row_of(fleet, execution)).artifact_id == signed
    assert await ask(fleet, offers) == first
    assert await offers.preview(fleet.thing(), thing) == first
    assert await fleet.count(SigningRequestRow) == 1


async def test_a_file_that_can_never_be_signed(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    await add_key(fleet, "ab" * 32)
    await set_thing(fleet, thing, boot_key_digests=["ab" * 32])
    artifact = await add_file(fleet, await fleet.add_release())
    execution = (await add_job(fleet, [thing], artifact=artifact, signing=JobSigning.AUTOMATIC))[thing]
    assert await ask(fleet, offers) is None
    row = await row_of(fleet, execution)
    assert (row.status, row.substate) == (Status.FAILURE, "a raw file has no place for a signature")
    await fleet.assert_counts()


async def test_a_key_for_the_boot_loader(fleet: Fleet, offers: Offers, thing: UUID) -> None:
    """Automatic signing without a fitting key is a failure of this thing alone, and says why."""
    await add_key(fleet, "ab" * 32)
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
