"""What nobody has gone on with for a day: files in the spool, and rows that await a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, select

from models.columns import now
from models.enums import ArtifactStatus
from models.store import Store
from models.tables import ARTIFACT, ATTACHMENT, DEPLOYMENT, RELEASE
from services.access import ANONYMOUS
from services.artifact_removal import remove_artifacts
from services.spool import ABANDONED_AFTER_SECONDS, Spool
from services.storage import Storage
from services.unit_of_work import UnitOfWork, unit_of_work
from sql.sets import member_of

AT_ONCE: Final = 1_000


class AbandonedUploads:
    """A duty of the scheduler; any number of processes may do it at the same time."""

    name = "abandoned uploads"

    def __init__(
        self, store: Store, storage: Storage, spool: Spool, *, seconds: float = ABANDONED_AFTER_SECONDS
    ) -> None:
        """`seconds` is how long an upload may rest."""
        self._store = store
        self._storage = storage
        self._spool = spool
        self._seconds = seconds

    async def run(self) -> int:
        """Clean up once, 1,000 rows of a kind at most; gives how many files and rows went."""
        removed = await self._spool.clean(self._seconds) + await self._storage.clean()
        async with unit_of_work(self._store, ANONYMOUS, lambda: None) as work:
            before = now() - timedelta(seconds=self._seconds)
            resting = (
                select(ARTIFACT.c.id, ARTIFACT.c.release_id)
                .where(ARTIFACT.c.status == ArtifactStatus.AWAITING_UPLOAD, ARTIFACT.c.updated_at < before)
                .order_by(ARTIFACT.c.id)
                .limit(AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            artifacts = (await work.session.execute(resting)).all()
            files = await remove_artifacts(work, [row.id for row in artifacts], ()) if artifacts else []
            await _remove_empty_releases(work, artifacts)
            waiting = (
                select(ATTACHMENT.c.id)
                .where(ATTACHMENT.c.uploaded_at.is_(None), ATTACHMENT.c.updated_at < before)
                .order_by(ATTACHMENT.c.id)
                .limit(AT_ONCE)
                .with_for_update(skip_locked=True)
            )
            attachments = list((await work.session.execute(waiting)).scalars())
            await work.session.execute(delete(ATTACHMENT).where(member_of(ATTACHMENT.c.id, attachments)))
        await self._storage.remove(files)
        return removed + len(artifacts) + len(attachments)


async def _remove_empty_releases(work: UnitOfWork, artifacts: Sequence[Any]) -> None:
    """Delete the releases that have lost their last artifact, unless a deployment brings one."""
    left = [row.release_id for row in artifacts if row.release_id is not None]
    filled = exists().where(ARTIFACT.c.release_id == RELEASE.c.id)
    brought = exists().where(DEPLOYMENT.c.release_id == RELEASE.c.id)
    await work.session.execute(delete(RELEASE).where(member_of(RELEASE.c.id, left), ~filled, ~brought))
