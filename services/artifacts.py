"""Artifacts: update files, declared first, then uploaded, read, and held against what was declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from models import ArtifactRow, ReleaseRow
from models.enums import ArtifactFormat, ArtifactStatus, Permission
from models.ids import new_id
from models.tables import ARTIFACT, DEPLOYMENT, RELEASE
from services import artifact_rules
from services.artifact_contents import check_package_name, enter_release, rivals
from services.artifact_removal import is_referred_to, remove_artifacts
from services.errors import Conflict, Forbidden, InvalidInput, WrongState
from services.lookups import enter
from services.patches import apply_changes
from services.unit_of_work import UnitOfWork, check_version
from services.validation import NAME_LENGTH, check_name, check_text

OF_THE_FILE: Final = ("version", "model", "compatible_types", "provides", "depends")
_PATHS: Final = {"compatible_types": "compatibleTypes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What is said of a file before it arrives.

    `size` in bytes, `sha256` in hex, `md5` in hex or base64: a file that differs is refused. `private`: only its sender
    sees it. `id` is chosen by platform administrators alone.
    """

    file_name: str
    release_name: str | None = None
    version: str = ""
    model: str = ""
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    format: ArtifactFormat = ArtifactFormat.RAW
    compatible_types: Sequence[str] = ()
    provides: Mapping[str, Any] = field(default_factory=dict)
    depends: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    private: bool = False
    replace_existing: bool = False
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """An artifact that awaits its file; the files of those that it replaced are to be removed after the commit."""

    id: UUID
    replaced_files: Sequence[UUID] = ()


async def create(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    declared: Declaration,
    max_bytes: int,
    status: ArtifactStatus | None = None,
) -> Declared:
    """Declare an artifact, and its release when there is none of the name; the file is awaited.

    Raises NotFound, Forbidden, InvalidInput, LimitReached (`max_bytes`, 100 artifacts in a release), and Conflict when
    the release has one of the same version, depends, and a common device type, or the id is taken. `replace_existing`
    deletes those instead, unless a job refers to one (rainmaker.ota.image-replace-by-name).
    """
    await enter(work, organization_id, Permission.RELEASE_WRITE)
    artifact = await _row(work, organization_id, declared, max_bytes)
    if status is not None:
        artifact.status = status
    replaced = await _replace(work, artifact) if declared.replace_existing else []
    artifact.release_id = await enter_release(work, artifact.model_dump())
    work.session.add(artifact)
    await work.session.flush()
    return Declared(artifact.id, replaced)


async def _row(work: UnitOfWork, organization_id: UUID, declared: Declaration, max_bytes: int) -> ArtifactRow:
    most = artifact_rules.most_bytes(declared.format, max_bytes)
    file_name = artifact_rules.check_file_name(declared.file_name)
    _check_format(declared)
    return ArtifactRow(
        id=await _id(work, declared.id),
        organization_id=organization_id,
        created_by_id=work.access.user_id,
        private_to_id=_private_to(work) if declared.private else None,
        name=_name(declared, file_name),
        artifact_version=check_text(declared.version, ("version",), limit=NAME_LENGTH).strip(),
        model=check_text(declared.model, ("model",), limit=NAME_LENGTH).strip(),
        description=check_text(declared.description, ("description",)),
        format=declared.format,
        compatible_types=artifact_rules.check_types(declared.compatible_types, ("compatibleTypes",)),
        provides=artifact_rules.check_provides(declared.provides, ("provides",)),
        depends=artifact_rules.check_depends(declared.depends, ("depends",)),
        file_name=file_name,
        size=None if declared.size is None else artifact_rules.check_size(declared.size, most),
        sha256=None if declared.sha256 is None else artifact_rules.check_sha256(declared.sha256),
        md5=None if declared.md5 is None else artifact_rules.check_md5(declared.md5),
        created_at=work.moment,
        updated_at=work.moment,
    )


def _name(declared: Declaration, file_name: str) -> str:
    """The name of the release; empty for a `.mender`, which will say it."""
    if declared.format is ArtifactFormat.PACKAGE:
        return check_name(check_package_name(declared.release_name, file_name), ("releaseName",))
    if declared.release_name is None:
        if declared.format is ArtifactFormat.MENDER:
            return ""
        raise InvalidInput("the file does not say it: give the name of the release", ("releaseName",))
    return check_name(declared.release_name, ("releaseName",))


def _check_format(declared: Declaration) -> None:
    if declared.format is not ArtifactFormat.MENDER:
        return
    for name in OF_THE_FILE:
        if getattr(declared, name):
            raise InvalidInput("a .mender says this itself", (_PATHS.get(name, name),))
    if declared.replace_existing:
        raise InvalidInput("what a .mender would replace is not known before it is read", ("replaceExisting",))


async def _id(work: UnitOfWork, chosen: UUID | None) -> UUID:
    """The id, made here unless an administrator of the platform chose it (mender.ota.upload-artifact-for-org)."""
    if chosen is None:
        return new_id()
    if not work.access.is_platform_admin:
        raise Forbidden("only platform administrators choose ids", ("id",))
    if await work.exists(ARTIFACT.c.id == chosen):
        raise Conflict("an artifact has this id already", ("id",))
    return chosen


def _private_to(work: UnitOfWork) -> UUID:
    if work.access.user_id is None:
        raise Forbidden("only people have private artifacts", ("private",))
    return work.access.user_id


async def _replace(work: UnitOfWork, artifact: ArtifactRow) -> list[UUID]:
    """Delete what would be in the way; raises Conflict when any job or execution names it, ended ones included."""
    same = (RELEASE.c.organization_id == artifact.organization_id, RELEASE.c.name == artifact.name)
    release = await work.find(ReleaseRow, *same)
    if release is None or artifact.private_to_id is not None:
        return []
    old = await rivals(work, release.id, artifact.model_dump())
    for key in old:
        if await is_referred_to(work, key):
            raise Conflict("an OTA job refers to the artifact that this would replace", ("replaceExisting",))
    return await remove_artifacts(work, old, ("replaceExisting",)) if old else []


async def renew_upload(work: UnitOfWork, artifact_id: UUID) -> bool:
    """Check that an artifact may get a new upload address; says whether its MD5 was declared.

    Raises NotFound, Forbidden, and WrongState unless its file is awaited.
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    if artifact.status is not ArtifactStatus.AWAITING_UPLOAD:
        raise WrongState("the file has been uploaded", ("id",))
    return artifact.md5 is not None


async def update(
    work: UnitOfWork, artifact_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change `description`, `compatible_types`, `provides` or `depends`; an absent one stays.

    Raises NotFound, Forbidden, InvalidInput (also for what a `.mender` says itself), Conflict, and WrongState once any
    update has used the artifact (mender.ota.update-artifact-description).
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    check_version(artifact.version, expected_version)
    await require_unused(work, artifact)
    if artifact.format is ArtifactFormat.MENDER:
        for name in OF_THE_FILE:
            if name in changes:
                raise InvalidInput("a .mender says this itself", (_PATHS.get(name, name),))
    apply_changes(artifact, changes, artifact_rules.EDITABLE, work.moment)
    if changes.keys() & {"compatible_types", "depends"}:
        await enter_release(work, artifact.model_dump())
    return artifact.id


async def require_unused(work: UnitOfWork, artifact: ArtifactRow) -> None:
    """Raise WrongState when any update has used an artifact, ended ones included."""
    if await is_referred_to(work, artifact.id):
        raise WrongState("the artifact has been part of an update and cannot change any more", ("id",))


async def archive(work: UnitOfWork, artifact_id: UUID, *, archived: bool) -> UUID:
    """Put an artifact away, or back: one that is put away is used for no new job, and what runs goes on.

    Doing it again changes nothing (rainmaker.ota.archive-image, rainmaker.ota.unarchive-image). Raises NotFound and
    Forbidden.
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    if (artifact.archived_at is not None) is not archived:
        artifact.archived_at = work.moment if archived else None
        artifact.updated_at = work.moment
    return artifact.id


async def delete(work: UnitOfWork, artifact_id: UUID, *, force: bool = False) -> list[UUID]:
    """Delete an artifact as `remove_artifacts` says; gives the keys of the files to be removed after the commit.

    The last one takes its release with it. A release that deployments name stays, so that history keeps the name.
    Raises NotFound, Forbidden, and Conflict.
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_DELETE, ("id",))
    release_id = artifact.release_id
    work.session.expunge(artifact)
    files = await remove_artifacts(work, [artifact_id], ("id",), force=force)
    release = None if release_id is None else await work.find(ReleaseRow, RELEASE.c.id == release_id)
    others = await work.exists(ARTIFACT.c.release_id == release_id)
    if release is not None and not others and not await work.exists(DEPLOYMENT.c.release_id == release_id):
        await work.session.delete(release)
    return files
