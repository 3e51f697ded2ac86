"""Artifacts: update files, declared first, then uploaded and held against what was declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select

from models import ArtifactRow, ReleaseRow
from models.enums import ArtifactFormat, ArtifactStatus, Permission
from models.tables import ARTIFACT, DEPLOYMENT, OTA_EXECUTION, OTA_JOB, RELEASE
from services import artifact_rules, releases
from services.artifact_removal import remove_artifacts
from services.errors import Conflict, LimitReached, WrongState
from services.lookups import enter
from services.patches import apply_changes
from services.unit_of_work import UnitOfWork, check_version
from services.validation import NAME_LENGTH, check_name, check_text

MAX_PER_RELEASE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What is said of a file before it arrives; `size` in bytes, `sha256` in hex."""

    release_name: str
    version: str
    file_name: str
    size: int
    sha256: str
    format: ArtifactFormat = ArtifactFormat.RAW
    compatible_types: Sequence[str] = ()
    provides: Mapping[str, Any] = field(default_factory=dict)
    depends: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""


async def create(work: UnitOfWork, *, organization_id: UUID, declared: Declaration, max_bytes: int) -> UUID:
    """Declare an artifact, and its release when there is none of the name; the file is awaited.

    Raises NotFound, Forbidden, InvalidInput, LimitReached (`max_bytes`, 100 artifacts in a release), and Conflict when
    the release has one of the same version, depends, and a common device type.
    """
    await enter(work, organization_id, Permission.RELEASE_WRITE)
    release_name = check_name(declared.release_name, ("releaseName",))
    artifact = ArtifactRow(
        organization_id=organization_id,
        name=release_name,
        artifact_version=check_text(declared.version, ("version",), limit=NAME_LENGTH).strip(),
        description=check_text(declared.description, ("description",)),
        format=declared.format,
        compatible_types=artifact_rules.check_types(declared.compatible_types, ("compatibleTypes",)),
        provides=artifact_rules.check_provides(declared.provides, ("provides",)),
        depends=artifact_rules.check_depends(declared.depends, ("depends",)),
        file_name=artifact_rules.check_file_name(declared.file_name),
        size=artifact_rules.check_size(declared.size, max_bytes),
        sha256=artifact_rules.check_sha256(declared.sha256),
        created_at=work.moment,
        updated_at=work.moment,
    )
    artifact.release_id = await releases.provide(work, organization_id, release_name)
    await _check_siblings(work, artifact)
    work.session.add(artifact)
    await work.session.flush()
    return artifact.id


async def _check_siblings(work: UnitOfWork, artifact: ArtifactRow) -> None:
    """Hold an artifact against the others of its release; their number is bounded, so they are compared here."""
    columns = (ARTIFACT.c.artifact_version, ARTIFACT.c.compatible_types, ARTIFACT.c.depends)
    others = select(*columns).where(ARTIFACT.c.release_id == artifact.release_id, ARTIFACT.c.id != artifact.id)
    found = (await work.session.execute(others)).all()
    if len(found) >= MAX_PER_RELEASE:
        raise LimitReached(f"a release has at most {MAX_PER_RELEASE} artifacts", ("releaseName",))
    own = set(artifact.compatible_types)
    for version, types, depends in found:
        common = own & set(types) or (not own and not types)
        if common and (version, depends) == (artifact.artifact_version, artifact.depends):
            raise Conflict("the release has this version for a device type of it already", ("compatibleTypes",))


async def renew_upload(work: UnitOfWork, artifact_id: UUID) -> UUID:
    """Check that an artifact may get a new upload address; raises NotFound, Forbidden, and WrongState when READY."""
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    if artifact.status is not ArtifactStatus.AWAITING_UPLOAD:
        raise WrongState("the file has been uploaded", ("id",))
    return artifact.id


async def update(
    work: UnitOfWork, artifact_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change `description`, `compatible_types`, `provides` or `depends`; an absent one stays.

    Raises NotFound, Forbidden, InvalidInput, Conflict, and WrongState once any update has used the artifact
    (mender.ota.update-artifact-description).
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    check_version(artifact.version, expected_version)
    if await _is_used(work, artifact_id):
        raise WrongState("the artifact has been part of an update and cannot change any more", ("id",))
    apply_changes(artifact, changes, artifact_rules.EDITABLE, work.moment)
    if changes.keys() & {"compatible_types", "depends"}:
        await _check_siblings(work, artifact)
    return artifact.id


async def _is_used(work: UnitOfWork, artifact_id: UUID) -> bool:
    in_job = select(OTA_JOB.c.id).where(OTA_JOB.c.artifact_id == artifact_id).exists()
    in_execution = select(OTA_EXECUTION.c.id).where(OTA_EXECUTION.c.artifact_id == artifact_id).exists()
    return await work.exists(or_(in_job, in_execution))


async def delete(work: UnitOfWork, artifact_id: UUID) -> UUID:
    """Delete an artifact; its file is to be removed after the commit. The last one takes its release with it.

    A release that deployments name stays, so that history keeps the name. Raises NotFound, Forbidden, and Conflict
    while an update that uses the artifact is under way.
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_DELETE, ("id",))
    release_id = artifact.release_id
    work.session.expunge(artifact)
    await remove_artifacts(work, [artifact_id], ("id",))
    release = await work.find(ReleaseRow, RELEASE.c.id == release_id)
    others = await work.exists(ARTIFACT.c.release_id == release_id)
    if release is not None and not others and not await work.exists(DEPLOYMENT.c.release_id == release_id):
        await work.session.delete(release)
    return artifact_id
