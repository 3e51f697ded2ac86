"""Deleting artifacts: refused while an update uses one; what has ended is kept and forgets which file it was."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select, update

from models.tables import ARTIFACT, OTA_EXECUTION, OTA_JOB
from services.errors import Conflict
from services.execution_counts import OPEN_JOB, is_active
from services.unit_of_work import UnitOfWork
from services.validation import Path
from sql.sets import member_of


async def remove_artifacts(work: UnitOfWork, ids: Sequence[UUID], path: Path) -> None:
    """Delete the rows of artifacts that the caller may delete (mender.ota.delete-artifact).

    Raises Conflict, with `path`, while an open job brings one of them or an active execution uses it. When a job is
    made at the same time, one of the two fails.
    """
    # Locked, so that whoever makes a job with one of them waits, and then finds it gone.
    mine = select(ARTIFACT.c.id).where(member_of(ARTIFACT.c.id, ids)).order_by(ARTIFACT.c.id).with_for_update()
    await work.session.execute(mine)
    used = member_of(OTA_EXECUTION.c.artifact_id, ids)
    named = member_of(OTA_JOB.c.artifact_id, ids)
    if await work.exists(used, is_active()) or await work.exists(named, OTA_JOB.c.status.in_(OPEN_JOB)):
        raise Conflict("an update that uses this artifact is under way", path)
    await work.session.execute(update(OTA_EXECUTION).where(used).values(artifact_id=None))
    await work.session.execute(update(OTA_JOB).where(named).values(artifact_id=None))
    await work.session.execute(delete(ARTIFACT).where(member_of(ARTIFACT.c.id, ids)))
