"""What signs in and what was signed, written straight into a gateway's database: one row of each kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from models.columns import now
from models.enums import (
    ArtifactFormat,
    ArtifactStatus,
    AttachmentKind,
    AuthSetStatus,
    KeySpec,
    SignedFile,
    SigningStatus,
)
from models.ids import new_id
from models.store import Store
from models.tables import (
    ARTIFACT,
    ATTACHMENT,
    AUTH_SET,
    DEPLOYMENT,
    OTA_EXECUTION,
    OTA_JOB,
    OTA_JOB_KEY,
    SIGNATURE,
    SIGNING_KEY,
    SIGNING_REQUEST,
    SIGNING_REQUEST_KEY,
    TENANT_TOKEN,
    THING_TOKEN,
)
from tests.rows import Campaign, add, key, rows_of

PUBLIC_KEY: Final = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"


async def add_identity(store: Store, organization: str, thing: str, *, created_by: str) -> None:
    """A thing's auth set with a token, and a tenant token."""
    owner, mine = key(organization), new_id()
    signed_in = {"identity_digest": mine.bytes * 2, "key_digest": mine.bytes * 2, "public_key": PUBLIC_KEY}
    whose = {"organization_id": owner, "thing_id": key(thing)}
    state = {"identity": {"mac": "00:11"}, "status": AuthSetStatus.ACCEPTED}
    await add(store, AUTH_SET, [{"id": mine, **whose, **signed_in, **state}])
    lasts = {"issued_at": now(), "expires_at": now() + timedelta(days=1)}
    await add(store, THING_TOKEN, [{"id": new_id(), "auth_set_id": mine, **whose, **lasts}])
    token = {"id": new_id(), "organization_id": owner, "created_by_id": key(created_by)}
    await add(store, TENANT_TOKEN, [{**token, "name": "hall", "digest": token["id"].bytes * 2}])


async def add_signing(store: Store, organization: str, campaign: Campaign, *, created_by: str) -> None:
    """A key that has signed the artifact of a campaign, with the request, the signed form, and a boot loader.

    The campaign is by the same person, who has approved its updates, signed with the key, and tried again.
    """
    common = {"organization_id": key(organization), "created_by_id": key(created_by)}
    artifact, signed, attachment, request, signer = key(campaign.artifact), new_id(), new_id(), new_id(), new_id()
    file = {"artifact_version": "1", "format": ArtifactFormat.RAW, "file_name": "a.signed.bin", "name": "signed"}
    contents = {"compatible_types": [], "provides": {}, "depends": {}, "size": 1, "sha256": "1" * 64}
    origin = {"release_id": key(campaign.release), "signed_from_id": artifact, "signed": True}
    ready = {"status": ArtifactStatus.READY}
    await add(store, ARTIFACT, [{"id": signed, **common, **file, **contents, **origin, **ready}])
    loader = {"kind": AttachmentKind.BOOTLOADER, "file_name": "boot.bin", "artifact_id": artifact}
    await add(store, ATTACHMENT, [{"id": attachment, **common, **loader}])
    pair = {"name": f"key {signer.hex}", "spec": KeySpec.RSA_3072, "public_key": PUBLIC_KEY, "tags": {}}
    secret = {"digest": signer.hex * 2, "private_key": b"sealed"}
    await add(store, SIGNING_KEY, [{"id": signer, "organization_id": common["organization_id"], **pair, **secret}])
    ends = {"status": SigningStatus.SUCCESS, "finished_at": now()}
    asked = {"artifact_id": artifact, "signed_artifact_id": signed}
    await add(store, SIGNING_REQUEST, [{"id": request, **common, **asked, **ends}])
    await add(store, SIGNING_REQUEST_KEY, [{"request_id": request, "key_id": signer}])
    line = {"file": SignedFile.BOOTLOADER, "attachment_id": attachment, "request_id": request, "key_id": signer}
    words = {"key_name": "key", "key_digest": "0" * 64, "artifact_name": "1", "file_name": "b", "sha256": "0" * 64}
    await add(store, SIGNATURE, [{"id": new_id(), **common, **asked, **line, **words}])
    await add(store, OTA_JOB_KEY, [{"job_id": key(campaign.job), "key_id": signer}])
    for table, again in ((DEPLOYMENT, campaign.deployment), (OTA_JOB, campaign.job)):
        (row,) = await rows_of(store, table, table.c.id == key(again))
        await add(store, table, [{**row, "id": new_id(), "retry_of_id": key(again)}])
    async with store.write() as session:
        await session.execute(ARTIFACT.update().where(ARTIFACT.c.id == artifact).values(created_by_id=key(created_by)))
        of_job = OTA_JOB.c.organization_id == common["organization_id"]
        await session.execute(OTA_JOB.update().where(of_job).values(created_by_id=key(created_by)))
        of_execution = OTA_EXECUTION.c.job_id == key(campaign.job)
        await session.execute(OTA_EXECUTION.update().where(of_execution).values(approved_by_id=key(created_by)))
