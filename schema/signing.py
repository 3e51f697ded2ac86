"""Signing: keys, requests, and the log of what was signed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, descending, identifier, to_many, to_one
from engine.records import Node, record
from models import (
    ArtifactRow,
    AttachmentRow,
    OrganizationRow,
    SignatureRow,
    SigningKeyRow,
    SigningRequestKeyRow,
    SigningRequestRow,
    UserRow,
)
from schema.enums import KeySpec, SignedFile, SigningStatus

if TYPE_CHECKING:
    from schema.organization import Organization
    from schema.release import Artifact, Attachment
    from schema.user import User


@record(SigningKeyRow, prefix="signingkey")
class SigningKey(Node):
    """A key pair that signs artifacts. Its private part never leaves the gateway."""

    id: strawberry.ID = identifier(SigningKeyRow.id, "signingkey")
    name: str = column(SigningKeyRow.name, "The name, unique in the organization.")
    spec: KeySpec = column(SigningKeyRow.spec, "What kind of key it is.")
    description: str = column(SigningKeyRow.description, "What it is for, for people.")
    tags: JSON = column(SigningKeyRow.tags, "Free tags: an object of texts.")
    public_key: str = column(SigningKeyRow.public_key, "The public part, as PEM.")
    public_key_digest: str = column(
        SigningKeyRow.digest, "The SHA-256 of the public part as a boot loader computes it, in hex."
    )
    version: int = column(SigningKeyRow.version, "Grows with each edit.")
    created_at: datetime = column(SigningKeyRow.created_at, "When it was made.")
    updated_at: datetime = column(SigningKeyRow.updated_at, "When it was last edited.")
    organization: Organization | None = to_one(SigningKeyRow.organization_id, OrganizationRow.id, "Whose it is.")
    signatures: Connection[Signature] = to_many(
        SigningKeyRow.id, SignatureRow.key_id, "What it has signed, newest first.", order=[descending(SignatureRow.id)]
    )


@record(SigningRequestRow, prefix="signingreq")
class SigningRequest(Node):
    """The work of signing the file of an artifact with all of some keys."""

    id: strawberry.ID = identifier(SigningRequestRow.id, "signingreq")
    status: SigningStatus = column(SigningRequestRow.status, "Where it is.")
    description: str = column(SigningRequestRow.description, "What came of it, for people.")
    sign_bootloader: bool = column(SigningRequestRow.sign_bootloader, "Whether the boot loader is signed, too.")
    finished_at: datetime | None = column(SigningRequestRow.finished_at, "When it ended.")
    version: int = column(SigningRequestRow.version, "Grows with each change.")
    created_at: datetime = column(SigningRequestRow.created_at, "When it was asked for.")
    updated_at: datetime = column(SigningRequestRow.updated_at, "When it last changed.")
    organization: Organization | None = to_one(SigningRequestRow.organization_id, OrganizationRow.id, "Whose it is.")
    artifact: Artifact | None = to_one(SigningRequestRow.artifact_id, ArtifactRow.id, "What is to be signed.")
    signed_artifact: Artifact | None = to_one(
        SigningRequestRow.signed_artifact_id, ArtifactRow.id, "The signed form, when it is there."
    )
    created_by: User | None = to_one(SigningRequestRow.created_by_id, UserRow.id, "Who asked for it.")
    keys: Connection[SigningKey] = to_many(
        SigningRequestRow.id,
        SigningKeyRow.id,
        "The keys that it is to be signed with.",
        through=(SigningRequestKeyRow.request_id, SigningRequestKeyRow.key_id),
    )
    signatures: Connection[Signature] = to_many(SigningRequestRow.id, SignatureRow.request_id, "What was signed.")


@record(SignatureRow, prefix="signature")
class Signature(Node):
    """One line of the log of signatures. Nobody can change or delete it."""

    id: strawberry.ID = identifier(SignatureRow.id, "signature")
    file: SignedFile = column(SignatureRow.file, "Which file was signed.")
    key_name: str = column(SignatureRow.key_name, "The name that the key had.")
    public_key_digest: str = column(SignatureRow.key_digest, "The SHA-256 of the public key, in hex.")
    artifact_name: str = column(SignatureRow.artifact_name, "The name that the artifact had.")
    file_name: str = column(SignatureRow.file_name, "The name of the signed file.")
    sha256: str = column(SignatureRow.sha256, "The SHA-256 of the signed file, in hex.")
    created_at: datetime = column(SignatureRow.created_at, "When it was signed.")
    organization: Organization | None = to_one(SignatureRow.organization_id, OrganizationRow.id, "Whose it is.")
    key: SigningKey | None = to_one(SignatureRow.key_id, SigningKeyRow.id, "The key, as long as it is there.")
    request: SigningRequest | None = to_one(
        SignatureRow.request_id, SigningRequestRow.id, "The request, as long as it is there."
    )
    artifact: Artifact | None = to_one(
        SignatureRow.artifact_id, ArtifactRow.id, "What was signed, as long as it is there."
    )
    signed_artifact: Artifact | None = to_one(
        SignatureRow.signed_artifact_id, ArtifactRow.id, "The signed form, as long as it is there."
    )
    attachment: Attachment | None = to_one(
        SignatureRow.attachment_id, AttachmentRow.id, "The signed boot loader, as long as it is there."
    )
    created_by: User | None = to_one(SignatureRow.created_by_id, UserRow.id, "Who asked for it.")
