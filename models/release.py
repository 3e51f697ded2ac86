"""Releases and the artifacts that they consist of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from models.columns import JSON_COLUMN, Owned, Versioned, choice, document, moment, reference
from models.enums import ArtifactFormat, ArtifactStatus


class ReleaseRow(Owned, Versioned, table=True):
    """All artifacts of one name in one organization."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("organization_id", "name"), Index(None, "organization_id", "id"))

    name: str = Field(max_length=254)
    notes: str = Field(default="", max_length=16384)


class ArtifactRow(Owned, Versioned, table=True):
    """One update file: declared first, then uploaded and held against its size and SHA-256."""

    __tablename__ = "artifact"
    __table_args__ = (Index(None, "organization_id", "id"),)

    release_id: UUID = reference("release.id", ondelete="NO ACTION", index=True)
    name: str = Field(max_length=254)
    artifact_version: str = Field(default="", max_length=254)
    description: str = Field(default="", max_length=4096)
    format: ArtifactFormat = choice(ArtifactFormat, ArtifactFormat.RAW)
    compatible_types: list[str] = Field(default_factory=list, sa_type=JSON_COLUMN, nullable=False)
    provides: dict[str, Any] = document()
    depends: dict[str, Any] = document()
    file_name: str = Field(max_length=254)
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    status: ArtifactStatus = choice(ArtifactStatus, ArtifactStatus.AWAITING_UPLOAD)
    uploaded_at: datetime | None = moment(nullable=True)
