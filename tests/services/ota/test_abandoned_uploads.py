"""What nobody has gone on with for a day goes: rows, files in the spool, and releases that are left empty."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from models import ArtifactRow, AttachmentRow, ReleaseRow
from models.columns import now
from models.enums import ArtifactStatus
from models.ids import new_id
from models.store import Store
from models.tables import ARTIFACT, ATTACHMENT, ORGANIZATION, RELEASE
from services.abandoned_uploads import AbandonedUploads
from services.spool import Spool
from services.storage import LocalStorage
from tests.services.ota.fleet import Fleet

LONG_AGO = timedelta(days=2)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "incoming")


def artifact(fleet: Fleet, release: ReleaseRow | None, status: ArtifactStatus, age: timedelta) -> ArtifactRow:
    return ArtifactRow(
        organization_id=fleet.organization,
        release_id=None if release is None else release.id,
        file_name="a.bin",
        status=status,
        size=10,
        uploaded_at=now() if status is ArtifactStatus.READY else None,
        updated_at=now() - age,
    )


def attachment(fleet: Fleet, of: ArtifactRow, age: timedelta, *, arrived: bool = False) -> AttachmentRow:
    return AttachmentRow(
        organization_id=fleet.organization,
        artifact_id=of.id,
        file_name=new_id().hex,
        size=5,
        uploaded_at=now() if arrived else None,
        updated_at=now() - age,
    )


def files_in(tmp_path: Path) -> list[Path]:
    """What is in the spool and in the storage."""
    return [path for name in ("incoming", "files") for path in (tmp_path / name).rglob("*") if path.is_file()]


async def ids_of(store: Store, table: object) -> set[object]:
    async with store.read() as connection:
        return {row.id for row in (await connection.execute(table.select())).all()}  # type: ignore[attr-defined]


async def test_what_rests_for_a_day_goes(
    store: Store, fleet: Fleet, storage: LocalStorage, spool: Spool, tmp_path: Path
) -> None:
    empty, filled = [ReleaseRow(organization_id=fleet.organization, name=name) for name in ("1.0", "2.0")]
    await fleet.add(empty, filled)
    awaited = ArtifactStatus.AWAITING_UPLOAD
    gone = [artifact(fleet, release, awaited, LONG_AGO) for release in (empty, filled, None)]
    stays = [
        artifact(fleet, filled, awaited, timedelta()),
        artifact(fleet, filled, ArtifactStatus.READY, LONG_AGO),
        artifact(fleet, None, ArtifactStatus.AWAITING_CONFIRMATION, LONG_AGO),
    ]
    await fleet.add(*gone, *stays)
    lost = [attachment(fleet, stays[1], LONG_AGO), attachment(fleet, gone[0], LONG_AGO, arrived=True)]
    left = [attachment(fleet, stays[1], timedelta()), attachment(fleet, stays[1], LONG_AGO, arrived=True)]
    await fleet.add(*lost, *left)
    await storage.put(lost[1].id, b"12345", "a.bin")
    async with store.write() as session:
        await session.execute(ORGANIZATION.update().values(storage_used=100))
    async with spool.part(gone[0].id) as arriving:
        await arriving.write(b"a")
    for path in (tmp_path / "incoming").iterdir():
        os.utime(path, (time.time() - 90_000,) * 2)
    assert await AbandonedUploads(store, storage, spool).run() == 5
    assert await ids_of(store, ARTIFACT) == {row.id for row in stays}
    assert await ids_of(store, ATTACHMENT) == {row.id for row in left}
    assert await ids_of(store, RELEASE) == {filled.id}
    assert files_in(tmp_path) == []
    async with store.read() as connection:
        used = ORGANIZATION.select().where(ORGANIZATION.c.id == fleet.organization)
        assert (await connection.execute(used)).one().storage_used == 95
    assert await AbandonedUploads(store, storage, spool).run() == 0
