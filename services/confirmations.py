"""Confirming an upload: its sender says what the file does not say of itself, or says wrongly.

Before the upload there is nothing to confirm (rainmaker.ota.image-upload-confirm).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models import ArtifactRow
from models.enums import ArtifactFormat, ArtifactStatus, Permission
from services.artifact_contents import enter_release, missing
from services.artifact_rules import check_sha256, check_types
from services.artifacts import require_unused
from services.errors import InvalidInput, WrongState
from services.quotas import free_storage
from services.unit_of_work import UnitOfWork
from services.validation import NAME_LENGTH, check_name

_UPLOADED = (ArtifactStatus.AWAITING_CONFIRMATION, ArtifactStatus.READY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the sender says of a file that is there; None for what the file or the declaration has said already."""

    version: str | None = None
    model: str | None = None
    compatible_types: Sequence[str] | None = None
    sha256: str | None = None

    def values(self) -> dict[str, Any]:
        """The columns that it gives; raises InvalidInput."""
        given: dict[str, Any] = {}
        if self.version is not None:
            given["artifact_version"] = check_name(self.version, ("version",), limit=NAME_LENGTH)
        if self.model is not None:
            given["model"] = check_name(self.model, ("model",), limit=NAME_LENGTH)
        if self.compatible_types is not None:
            given["compatible_types"] = check_types(self.compatible_types, ("compatibleTypes",))
        return given

    def digest(self) -> str | None:
        """The SHA-256 in lower case; raises InvalidInput."""
        return None if self.sha256 is None else check_sha256(self.sha256)


class AnotherFile(InvalidInput):
    """The file that is there is not the one that its sender means: it has to go."""


async def is_awaited(work: UnitOfWork, artifact_id: UUID) -> bool:
    """Whether the file of an artifact has not been taken yet; raises NotFound and Forbidden."""
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    return artifact.status is ArtifactStatus.AWAITING_UPLOAD


async def prepare(work: UnitOfWork, artifact_id: UUID, said: Confirmation) -> None:
    """Note what is said of an artifact whose file is about to be taken; raises NotFound, Forbidden, InvalidInput."""
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    said.digest()
    _apply(artifact, said)


async def confirm(work: UnitOfWork, artifact_id: UUID, said: Confirmation) -> UUID:
    """Make an artifact READY whose file is there; one that is READY already may be confirmed again.

    Raises NotFound, Forbidden, WrongState (not uploaded, or used by an update), Conflict (the release has it already),
    and InvalidInput: for what is still missing, and for what a `.mender` says itself. AnotherFile means that the file
    has another SHA-256 than `said`; `reject` is to be called then.
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    if artifact.status not in _UPLOADED:
        raise WrongState("the file has not been uploaded", ("id",))
    digest = said.digest()
    changes = _changes(artifact, said)
    other = digest is not None and digest != artifact.sha256
    if other or changes:
        await require_unused(work, artifact)
    if other:
        raise AnotherFile("the file that was uploaded has another SHA-256; it is gone, upload it anew", ("sha256",))
    _apply(artifact, said)
    lacking = missing(artifact.model_dump())
    if lacking:
        raise InvalidInput("neither the file nor its sender has said this", (lacking[0],))
    if changes or artifact.status is not ArtifactStatus.READY:
        artifact.status = ArtifactStatus.READY
        artifact.release_id = await enter_release(work, artifact.model_dump())
        artifact.version += 1
        artifact.updated_at = work.moment
    return artifact.id


def _changes(artifact: ArtifactRow, said: Confirmation) -> dict[str, Any]:
    """What would be another value than now; raises InvalidInput."""
    changes = {column: value for column, value in said.values().items() if getattr(artifact, column) != value}
    if changes and artifact.format is ArtifactFormat.MENDER:
        raise InvalidInput("a .mender says this itself", ("id",))
    return changes


def _apply(artifact: ArtifactRow, said: Confirmation) -> None:
    for column, value in _changes(artifact, said).items():
        setattr(artifact, column, value)


async def reject(work: UnitOfWork, artifact_id: UUID, said: Confirmation, problem: str) -> UUID:
    """Forget the file of an artifact, which is to be removed after the commit; the one that `said` means is awaited.

    What the file said of itself is forgotten with it. Raises NotFound, Forbidden, and WrongState when it is used now.
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("id",))
    if artifact.status not in _UPLOADED:
        raise WrongState("the file has not been uploaded", ("id",))
    await require_unused(work, artifact)
    size = artifact.size or 0
    artifact.status = ArtifactStatus.AWAITING_UPLOAD
    artifact.size, artifact.sha256, artifact.md5 = None, said.digest(), None
    artifact.uploaded_at = None
    artifact.problem = problem
    artifact.signed, artifact.info, artifact.updates = False, {}, []
    if artifact.format is not ArtifactFormat.RAW:
        artifact.artifact_version, artifact.model = "", ""
    _apply(artifact, said)
    artifact.updated_at = work.moment
    await work.session.flush()
    await free_storage(work, artifact.organization_id, size)
    return artifact.id
