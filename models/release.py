"""Releases and the artifacts that they consist of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from models.columns import JSON_COLUMN, Owned, Versioned, choice, document, moment, reference
from models.enums import ArtifactFormat, ArtifactStatus, AttachmentKind


class ReleaseRow(Owned, Versioned, table=True):
    """All artifacts of one name in one organization."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("organization_id", "name"), Index(None, "organization_id", "id"))

    name: str = Field(max_length=254)
    notes: str = Field(default="", max_length=16384)


class ArtifactRow(Owned, Versioned, table=True):
    """One update file: declared first, then uploaded, read, and held against what was declared of it.

    `name` is that of its release, empty until the file has said it. `generation` are the arguments that it is made
    with, by whichever process holds the claim; `signed_from_id` is the artifact that a signed one was made of.
    """

    __tablename__ = "artifact"
    __table_args__ = (Index(None, "organization_id", "id"),)

    release_id: UUID | None = reference("release.id", ondelete="NO ACTION", nullable=True, index=True)
    created_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    private_to_id: UUID | None = reference("user_account.id", ondelete="NO ACTION", nullable=True, index=True)
    signed_from_id: UUID | None = reference("artifact.id", ondelete="SET NULL", nullable=True, index=True)
    name: str = Field(default="", max_length=254)
    model: str = Field(default="", max_length=254)
    artifact_version: str = Field(default="", max_length=254)
    description: str = Field(default="", max_length=4096)
    format: ArtifactFormat = choice(ArtifactFormat, ArtifactFormat.RAW)
    compatible_types: list[str] = Field(default_factory=list, sa_type=JSON_COLUMN, nullable=False)
    provides: dict[str, Any] = document()
    depends: dict[str, Any] = document()
    file_name: str = Field(max_length=254)
    size: int | None = Field(default=None, sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    md5: str | None = Field(default=None, max_length=32)
    signed: bool = Field(default=False)
    info: dict[str, Any] = document()
    updates: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON_COLUMN, nullable=False)
    status: ArtifactStatus = choice(ArtifactStatus, ArtifactStatus.AWAITING_UPLOAD)
    problem: str = Field(default="", max_length=1024)
    generation: dict[str, Any] = document()
    claimed_until: datetime | None = moment(nullable=True)
    uploaded_at: datetime | None = moment(nullable=True)
    archived_at: datetime | None = moment(nullable=True)


class AttachmentRow(Owned, Versioned, table=True):
    """A file that goes with an artifact: a QA report, a bootloader, or any other."""

    __tablename__ = "attachment"
    __table_args__ = (Index(None, "organization_id", "id"), Index(None, "artifact_id", "id"))

    artifact_id: UUID = reference("artifact.id")
    created_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    kind: AttachmentKind = choice(AttachmentKind, AttachmentKind.OTHER)
    file_name: str = Field(max_length=100)
    description: str = Field(default="", max_length=4096)
    meta: dict[str, Any] = document(sa_column_kwargs={"name": "metadata"})
    size: int | None = Field(default=None, sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    md5: str | None = Field(default=None, max_length=32)
    uploaded_at: datetime | None = moment(nullable=True)
