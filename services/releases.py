"""Releases: all artifacts of one name in one organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from models import ReleaseRow
from models.dialects import upsert
from models.enums import ArtifactFormat, Permission
from models.ids import new_id
from models.tables import ARTIFACT, DEPLOYMENT, RELEASE
from services.artifact_removal import remove_artifacts
from services.errors import Conflict, WrongState
from services.patches import NAME, Fields, Patched, apply_changes
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_text

NOTES_LENGTH: Final = 16_384
_FIELDS: Final[Fields] = {"name": NAME, "notes": Patched("notes", partial(check_text, limit=NOTES_LENGTH), empty="")}


@dataclass(frozen=True, slots=True)
class Removed:
    """What went with a release; the files of artifacts and attachments are to be removed after the commit."""

    artifact_ids: Sequence[UUID]
    files: Sequence[UUID]


async def provide(work: UnitOfWork, organization_id: UUID, name: str) -> UUID:
    """The release of this name, made when it is missing; `name` is checked and the organization entered already.

    Whoever makes the same one at the same time, both get it (mender.ota.list-releases: it comes into being with its
    first artifact).
    """
    statement = upsert(work.dialect)(RELEASE).values(
        id=new_id(),
        organization_id=organization_id,
        name=name,
        notes="",
        version=1,
        created_at=work.moment,
        updated_at=work.moment,
    )
    await work.session.execute(statement.on_conflict_do_nothing(index_elements=["organization_id", "name"]))
    same = select(RELEASE.c.id).where(RELEASE.c.organization_id == organization_id, RELEASE.c.name == name)
    found: UUID = (await work.session.execute(same)).scalar_one()
    return found


async def update(
    work: UnitOfWork, release_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change `name` or `notes`; an absent one stays. The artifacts carry the new name too.

    Raises NotFound, Forbidden, InvalidInput, Conflict for an old version or a name that is taken, and WrongState for
    the name of a release with a `.mender`, which says it itself.
    """
    release = await work.fetch(ReleaseRow, release_id, Permission.RELEASE_WRITE, ("id",))
    check_version(release.version, expected_version)
    before = release.name
    apply_changes(release, changes, _FIELDS, work.moment)
    if release.name != before:
        same = (RELEASE.c.organization_id == release.organization_id, RELEASE.c.name == release.name)
        if await work.exists(*same, RELEASE.c.id != release_id):
            raise Conflict("another release of the organization has this name", ("name",))
        if await work.exists(ARTIFACT.c.release_id == release_id, ARTIFACT.c.format == ArtifactFormat.MENDER):
            raise WrongState("a .mender of the release has this name inside", ("name",))
        await _rename_artifacts(work, release)
    return release.id


async def _rename_artifacts(work: UnitOfWork, release: ReleaseRow) -> None:
    artifacts = ARTIFACT.update().where(ARTIFACT.c.release_id == release.id)
    renamed = artifacts.values(name=release.name, updated_at=work.moment, version=ARTIFACT.c.version + 1)
    await work.session.execute(renamed)


async def delete(work: UnitOfWork, release_id: UUID) -> Removed:
    """Delete a release with its artifacts.

    Raises NotFound, Forbidden, and Conflict while a deployment is kept that brings it, an update is under way, or a job
    that was made for one of the artifacts and not cancelled.
    """
    release = await work.fetch(ReleaseRow, release_id, Permission.RELEASE_DELETE, ("id",))
    if await work.exists(DEPLOYMENT.c.release_id == release_id):
        raise Conflict("deployments of this release are kept; delete them first", ("id",))
    artifacts = select(ARTIFACT.c.id).where(ARTIFACT.c.release_id == release_id)
    ids = list((await work.session.execute(artifacts)).scalars())
    files = await remove_artifacts(work, ids, ("id",), force=True)
    await work.session.delete(release)
    return Removed(ids, files)
