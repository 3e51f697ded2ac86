"""Keys that sign artifacts, requests to sign, and the log of what was signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Owned, Versioned, choice, document, identifier, key_reference, moment, reference
from models.enums import KeySpec, SignedFile, SigningStatus


class SigningKeyRow(Owned, Versioned, table=True):
    """A key pair; the private part is held encrypted, and leaves in no way.

    `digest` is the SHA-256 of the public key as a boot loader computes it, in hex.
    """

    __tablename__ = "signing_key"
    __table_args__ = (UniqueConstraint("organization_id", "name"), Index(None, "organization_id", "id"))

    name: str = Field(max_length=256)
    spec: KeySpec = choice(KeySpec)
    description: str = Field(default="", max_length=4096)
    tags: dict[str, Any] = document()
    public_key: str = Field(max_length=2048)
    digest: str = Field(max_length=64, index=True)
    private_key: bytes = Field(sa_type=LargeBinary())


class SigningRequestRow(Owned, Versioned, table=True):
    """Work to be done: the file of an artifact signed with all of some keys, by whichever process holds the claim."""

    __tablename__ = "signing_request"
    __table_args__ = (Index(None, "organization_id", "id"), Index(None, "status", "id"))

    artifact_id: UUID | None = reference("artifact.id", ondelete="SET NULL", nullable=True, index=True)
    signed_artifact_id: UUID | None = reference("artifact.id", ondelete="SET NULL", nullable=True, index=True)
    created_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    job_id: UUID | None = reference("ota_job.id", ondelete="SET NULL", nullable=True, index=True)
    sign_bootloader: bool = Field(default=False)
    status: SigningStatus = choice(SigningStatus, SigningStatus.QUEUED)
    description: str = Field(default="", max_length=1024)
    claimed_until: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)


class SigningRequestKeyRow(SQLModel, table=True):
    """A key that a request asks for."""

    __tablename__ = "signing_request_key"

    request_id: UUID = key_reference("signing_request.id")
    key_id: UUID = key_reference("signing_key.id")


class SignatureRow(SQLModel, table=True):
    """One line of the log of signatures: never changed and never deleted while the organization lasts.

    What it says stands by itself: name and digest of the key, names of both files, and the SHA-256 of the signed one.
    """

    __tablename__ = "signature"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index(None, "key_id", "id"),
        Index(None, "artifact_id", "id"),
    )

    id: UUID = identifier()
    organization_id: UUID = reference("organization.id")
    request_id: UUID | None = reference("signing_request.id", ondelete="SET NULL", nullable=True, index=True)
    key_id: UUID | None = reference("signing_key.id", ondelete="SET NULL", nullable=True)
    artifact_id: UUID | None = reference("artifact.id", ondelete="SET NULL", nullable=True)
    signed_artifact_id: UUID | None = reference("artifact.id", ondelete="SET NULL", nullable=True, index=True)
    attachment_id: UUID | None = reference("attachment.id", ondelete="SET NULL", nullable=True, index=True)
    created_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    file: SignedFile = choice(SignedFile)
    key_name: str = Field(max_length=256)
    key_digest: str = Field(max_length=64)
    artifact_name: str = Field(max_length=254)
    file_name: str = Field(max_length=254)
    sha256: str = Field(max_length=64)
    created_at: datetime = moment()
