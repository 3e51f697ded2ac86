"""Deleting artifacts with their files and attachments: refused while an update uses one, or a job names it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, not_, select, update

from models.enums import OtaJobStatus
from models.tables import ARTIFACT, ATTACHMENT, OTA_EXECUTION, OTA_JOB
from services.bulk import allow_time
from services.errors import Conflict
from services.execution_counts import OPEN_JOB, is_active
from services.quotas import free_storage
from services.unit_of_work import UnitOfWork
from services.validation import Path
from sql.sets import member_of


async def remove_artifacts(work: UnitOfWork, ids: Sequence[UUID], path: Path, *, force: bool = False) -> list[UUID]:
    """Delete the rows of artifacts that the caller may delete, and free their storage.

    Gives the keys of the files to be removed after the commit: theirs and those of their attachments. The rule:

    - never while an execution that uses one is open, nor after that as long as the job of that execution is open, nor
      while an open job names one (mender.ota.delete-artifact);
    - not while any job that was made for one names it, in whatever state (rainmaker.ota.delete-image); with `force`,
      jobs that are CANCELLED do not count (rainmaker.ota.force-delete-image). They stay, without their artifact;
    - what ended deployments did with one does not hinder: their executions forget which file it was, and the release
      that they name keeps the name.

    Signed forms go with what they were made of, by the same rule: without it nobody could tell what they are.

    Raises Conflict with `path`. When a job is made at the same time, one of the two fails.
    """
    # Locked, so that whoever makes a job or a signed form with one of them waits, and then finds it gone.
    owners = await _lock(work, ids)
    forms = select(ARTIFACT.c.id).where(member_of(ARTIFACT.c.signed_from_id, ids), not_(member_of(ARTIFACT.c.id, ids)))
    signed = (await work.session.execute(forms)).scalars().all()
    if signed:
        await _lock(work, signed)
        ids = [*ids, *signed]
    used = member_of(OTA_EXECUTION.c.artifact_id, ids)
    named = member_of(OTA_JOB.c.artifact_id, ids)
    await _require_idle(work, owners, used, named, path)
    hindering = OTA_JOB.c.status != OtaJobStatus.CANCELLED if force else OTA_JOB.c.id.is_not(None)
    if await work.exists(named, hindering):
        hint = "" if force else "; one that was cancelled does not hinder with `force`"
        raise Conflict(f"an OTA job was made for this artifact{hint}", path)
    await allow_time(work)
    sizes = await _sizes(work, ids)
    attached = select(ATTACHMENT.c.id).where(member_of(ATTACHMENT.c.artifact_id, ids))
    files = [*ids, *(await work.session.execute(attached)).scalars()]
    await work.session.execute(update(OTA_EXECUTION).where(used).values(artifact_id=None))
    await work.session.execute(update(OTA_JOB).where(named).values(artifact_id=None))
    await work.session.execute(delete(ATTACHMENT).where(member_of(ATTACHMENT.c.artifact_id, ids)))
    await work.session.execute(delete(ARTIFACT).where(member_of(ARTIFACT.c.id, ids)))
    for organization_id in sorted(sizes):
        await free_storage(work, organization_id, sizes[organization_id])
    return files


async def _lock(work: UnitOfWork, ids: Sequence[UUID]) -> set[UUID]:
    """Lock artifacts in the order of their ids; gives their organizations."""
    mine = (
        select(ARTIFACT.c.organization_id)
        .where(member_of(ARTIFACT.c.id, ids))
        .order_by(ARTIFACT.c.id)
        .with_for_update()
    )
    return set((await work.session.execute(mine)).scalars())


async def _require_idle(
    work: UnitOfWork, owners: set[UUID], used: ColumnElement[bool], named: ColumnElement[bool], path: Path
) -> None:
    """Raise Conflict while an update is under way."""
    of_job = select(OTA_EXECUTION.c.id).where(OTA_EXECUTION.c.job_id == OTA_JOB.c.id, used).exists()
    open_job = (member_of(OTA_JOB.c.organization_id, list(owners)), OTA_JOB.c.status.in_(OPEN_JOB))
    if (
        await work.exists(used, is_active())
        or await work.exists(named, OTA_JOB.c.status.in_(OPEN_JOB))
        or await work.exists(*open_job, of_job)
    ):
        raise Conflict("an update that uses this artifact is under way", path)


async def _sizes(work: UnitOfWork, ids: Sequence[UUID]) -> Counter[UUID]:
    """How many bytes the files of artifacts and their attachments have that have arrived, by organization."""
    sizes: Counter[UUID] = Counter()
    for table, theirs in ((ARTIFACT, ARTIFACT.c.id), (ATTACHMENT, ATTACHMENT.c.artifact_id)):
        statement = (
            select(table.c.organization_id, func.sum(table.c.size))
            .where(member_of(theirs, ids), table.c.uploaded_at.is_not(None))
            .group_by(table.c.organization_id)
        )
        sizes.update({owner: int(size) for owner, size in (await work.session.execute(statement)).all()})
    return sizes


async def is_referred_to(work: UnitOfWork, artifact_id: UUID) -> bool:
    """Whether any job or execution, open or ended, names an artifact."""
    return await work.exists(OTA_JOB.c.artifact_id == artifact_id) or await work.exists(
        OTA_EXECUTION.c.artifact_id == artifact_id
    )
