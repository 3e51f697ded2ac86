"""Attachments: QA reports, bootloaders and other files that go with an artifact, and go with it when it is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from models import ArtifactRow, AttachmentRow
from models.enums import AttachmentKind, Permission
from models.tables import ATTACHMENT
from services import artifact_rules
from services.arrivals import ATTACHMENT_BYTES
from services.errors import Conflict, LimitReached, WrongState
from services.patches import DESCRIPTION, METADATA, Fields, apply_changes
from services.quotas import free_storage
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_object, check_text

FILE_NAME_LENGTH: Final = 100
MAX_PER_ARTIFACT: Final = 100
_FIELDS: Final[Fields] = {"description": DESCRIPTION, "metadata": METADATA}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """What is said of a file before it arrives; `md5` in hex or base64."""

    file_name: str
    kind: AttachmentKind = AttachmentKind.OTHER
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


async def create(work: UnitOfWork, artifact_id: UUID, given: NewAttachment) -> UUID:
    """Declare a file that goes with an artifact; it is awaited, and seen by its sender alone until it is there.

    Raises NotFound, Forbidden, InvalidInput, LimitReached (100 MiB, 100 attachments), and Conflict when the artifact
    has a file of this name (rainmaker.files.admin-upload-request).
    """
    artifact = await work.fetch(ArtifactRow, artifact_id, Permission.RELEASE_WRITE, ("artifactId",))
    attachment = AttachmentRow(
        organization_id=artifact.organization_id,
        artifact_id=artifact.id,
        created_by_id=work.access.user_id,
        kind=given.kind,
        file_name=artifact_rules.check_file_name(given.file_name, limit=FILE_NAME_LENGTH),
        description=check_text(given.description, ("description",)),
        meta=check_object(given.metadata, ("metadata",)),
        size=None if given.size is None else artifact_rules.check_size(given.size, ATTACHMENT_BYTES),
        sha256=None if given.sha256 is None else artifact_rules.check_sha256(given.sha256),
        md5=None if given.md5 is None else artifact_rules.check_md5(given.md5),
        created_at=work.moment,
        updated_at=work.moment,
    )
    mine = ATTACHMENT.c.artifact_id == artifact.id
    if await work.exists(mine, ATTACHMENT.c.file_name == attachment.file_name):
        raise Conflict("the artifact has a file of this name already", ("fileName",))
    total = (await work.session.execute(select(func.count()).select_from(ATTACHMENT).where(mine))).scalar_one()
    if total >= MAX_PER_ARTIFACT:
        raise LimitReached(f"an artifact has at most {MAX_PER_ARTIFACT} attachments", ("artifactId",))
    work.session.add(attachment)
    await work.session.flush()
    return attachment.id


async def renew_upload(work: UnitOfWork, attachment_id: UUID) -> UUID:
    """Check that an attachment may get a new address; raises NotFound, Forbidden, and WrongState when it is there."""
    attachment = await work.fetch(AttachmentRow, attachment_id, Permission.RELEASE_WRITE, ("id",))
    if attachment.uploaded_at is not None:
        raise WrongState("the file has been uploaded", ("id",))
    return attachment.id


async def update(
    work: UnitOfWork,
    attachment_id: UUID,
    changes: Mapping[str, Any],
    kind: AttachmentKind | None = None,
    expected_version: int | None = None,
) -> UUID:
    """Change `description` or `metadata`, and what it is when `kind` is given (rainmaker.files.admin-upload-confirm).

    Raises NotFound, Forbidden, InvalidInput, and Conflict.
    """
    attachment = await work.fetch(AttachmentRow, attachment_id, Permission.RELEASE_WRITE, ("id",))
    check_version(attachment.version, expected_version)
    if kind is not None and kind is not attachment.kind:
        attachment.kind = kind
        if not changes:
            attachment.version += 1
            attachment.updated_at = work.moment
    apply_changes(attachment, changes, _FIELDS, work.moment)
    return attachment.id


async def delete(work: UnitOfWork, attachment_id: UUID) -> UUID:
    """Delete an attachment; its file is to be removed after the commit. Raises NotFound and Forbidden."""
    attachment = await work.fetch(AttachmentRow, attachment_id, Permission.RELEASE_WRITE, ("id",))
    owner, size = attachment.organization_id, attachment.size if attachment.uploaded_at is not None else 0
    await work.session.delete(attachment)
    await work.session.flush()
    await free_storage(work, owner, size or 0)
    return attachment_id
