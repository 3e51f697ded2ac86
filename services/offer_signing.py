"""The signed form of a file that a thing is offered, where its job wants one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import select

from models.enums import JobSigning
from models.tables import OTA_JOB_KEY, SIGNING_KEY
from models.waiting import WaitingThing, WaitingUpdate
from services.artifact_choice import Reading
from sql.sets import member_of

NO_KEY: Final = "the organization has no signing key that the boot loader of this thing takes"
MOST: Final = 100
"""Keys that sign one file."""

Keys = dict[UUID, str]
"""Signing keys by their ids, each with the digest of its public part."""


async def read_keys(reading: Reading, thing: WaitingThing, update: WaitingUpdate) -> Keys | None:
    """The keys that the file of an update is signed with; none when it is not signed.

    With automatic signing it is the key whose digest comes first among those that the thing takes
    (rainmaker.ota.job-sign-auto-key). None when there is no key that could sign it.
    """
    if update.signing == JobSigning.NONE:
        return {}
    keys = select(SIGNING_KEY.c.id, SIGNING_KEY.c.digest)
    if update.signing == JobSigning.KEYS:
        of_job = select(OTA_JOB_KEY.c.key_id).where(OTA_JOB_KEY.c.job_id == UUID(hex=update.job_id))
        rows = await reading.execute(keys.where(SIGNING_KEY.c.id.in_(of_job)).order_by(SIGNING_KEY.c.id).limit(MOST))
        return {row.id: row.digest for row in rows} or None
    taken = [digest.lower() for digest in orjson.loads(thing.boot_key_digests)]
    own = SIGNING_KEY.c.organization_id == UUID(hex=thing.organization_id)
    found = (await reading.execute(keys.where(own, member_of(SIGNING_KEY.c.digest, taken)).limit(MOST))).all()
    first = min(found, key=lambda row: (taken.index(row.digest), row.id), default=None)
    return None if first is None else {first.id: first.digest}
