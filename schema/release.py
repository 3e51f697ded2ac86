"""Releases and their artifacts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, computed, contextual, descending, identifier, to_many, to_one
from engine.records import Node, record
from models import (
    ArtifactRow,
    AttachmentRow,
    DeploymentRow,
    OrganizationRow,
    OtaExecutionRow,
    OtaJobRow,
    ReleaseRow,
    SignatureRow,
    UserRow,
)
from schema.archive import archive_views
from schema.deployment_filter import DeploymentFilter
from schema.enums import ArtifactFormat, ArtifactStatus, AttachmentKind
from schema.ota_filter import OtaExecutionFilter, OtaJobFilter
from schema.release_filter import ArtifactFilter
from schema.scalars import BigInt

if TYPE_CHECKING:
    from schema.deployment import Deployment
    from schema.organization import Organization
    from schema.ota import OtaExecution, OtaJob
    from schema.signing import Signature
    from schema.user import User


class Address(Protocol):
    """A signed address and its end."""

    @property
    def url(self) -> str:
        """Where."""

    @property
    def expires_at(self) -> datetime:
        """Until when."""


class SigningContext(Protocol):
    """What the context of an operation knows about signed addresses."""

    def download_of(self, artifact_id: UUID) -> Address:
        """Where the file of an artifact can be fetched, the same throughout the operation."""


def _download_url(context: SigningContext, artifact_id: UUID, uploaded_at: datetime | None) -> str | None:
    return None if uploaded_at is None else context.download_of(artifact_id).url


def _download_expires_at(context: SigningContext, artifact_id: UUID, uploaded_at: datetime | None) -> datetime | None:
    return None if uploaded_at is None else context.download_of(artifact_id).expires_at


def _is_set(key: UUID | None) -> bool:
    return key is not None


@record(ReleaseRow, prefix="release")
class Release(Node):
    """All artifacts of one name; each thing gets the one that fits its type."""

    id: strawberry.ID = identifier(ReleaseRow.id, "release")
    name: str = column(ReleaseRow.name, "The name, unique in the organization.")
    notes: str = column(ReleaseRow.notes, "What is new, for people.")
    version: int = column(ReleaseRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(ReleaseRow.created_at, "When it was created.")
    updated_at: datetime = column(ReleaseRow.updated_at, "When it was last edited.")
    organization: Organization | None = to_one(ReleaseRow.organization_id, OrganizationRow.id, "Whose it is.")
    artifacts: Connection[Artifact] = to_many(
        ReleaseRow.id,
        ArtifactRow.release_id,
        "Its files.",
        filter=ArtifactFilter,
        views=archive_views(ArtifactRow.archived_at),
    )
    deployments: Connection[Deployment] = to_many(
        ReleaseRow.id,
        DeploymentRow.release_id,
        "The deployments of it, newest first.",
        order=[descending(DeploymentRow.id)],
        filter=DeploymentFilter,
        views=archive_views(DeploymentRow.archived_at),
    )


@record(ArtifactRow, prefix="artifact")
class Artifact(Node):
    """One update file."""

    id: strawberry.ID = identifier(ArtifactRow.id, "artifact")
    name: str = column(ArtifactRow.name, "The name of its release; empty until its file has said it.")
    model: str = column(ArtifactRow.model, "The model that it is made for, as the file or its sender says.")
    artifact_version: str = column(ArtifactRow.artifact_version, "The version that the file brings.")
    description: str = column(ArtifactRow.description, "What it is, for people.")
    format: ArtifactFormat = column(ArtifactRow.format, "What kind of file it is.")
    compatible_types: list[str] = column(ArtifactRow.compatible_types, "The device types that it fits; none means all.")
    provides: JSON = column(ArtifactRow.provides, "What a thing has after installing it, as an object.")
    depends: JSON = column(ArtifactRow.depends, "What a thing must have before, as an object.")
    file_name: str = column(ArtifactRow.file_name, "The name of the file.")
    size: BigInt | None = column(ArtifactRow.size, "The length of the file in bytes; null until it is known.")
    sha256: str | None = column(ArtifactRow.sha256, "The SHA-256 of the file, in hex; null until it is known.")
    md5: str | None = column(ArtifactRow.md5, "The MD5 of the file, in hex; null until it is known.")
    signed: bool = column(ArtifactRow.signed, "Whether the file carries a signature.")
    info: JSON = column(ArtifactRow.info, "What the file says of its format, as an object.")
    updates: JSON = column(
        ArtifactRow.updates, "What the file consists of: a list of types with their files, checksums and sizes."
    )
    status: ArtifactStatus = column(ArtifactRow.status, "Whether the file is there.")
    problem: str = column(ArtifactRow.problem, "Why the last file was refused, or could not be made.")
    private: bool = computed([ArtifactRow.private_to_id], _is_set, "Whether only its sender sees it.")
    archived_at: datetime | None = column(ArtifactRow.archived_at, "When it was put away.")
    download_url: str | None = contextual(
        [ArtifactRow.id, ArtifactRow.uploaded_at],
        _download_url,
        "Fetch the file here with GET, for a while and without other authorization; null until it has arrived.",
    )
    download_expires_at: datetime | None = contextual(
        [ArtifactRow.id, ArtifactRow.uploaded_at], _download_expires_at, "When `downloadUrl` is refused."
    )
    uploaded_at: datetime | None = column(ArtifactRow.uploaded_at, "When the file arrived.")
    version: int = column(ArtifactRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(ArtifactRow.created_at, "When it was declared.")
    updated_at: datetime = column(ArtifactRow.updated_at, "When it was last edited.")
    organization: Organization | None = to_one(ArtifactRow.organization_id, OrganizationRow.id, "Whose it is.")
    release: Release | None = to_one(ArtifactRow.release_id, ReleaseRow.id, "The release that it is part of.")
    created_by: User | None = to_one(ArtifactRow.created_by_id, UserRow.id, "Who declared it.")
    signed_from: Artifact | None = to_one(
        ArtifactRow.signed_from_id, ArtifactRow.id, "The artifact that this is the signed form of."
    )
    attachments: Connection[Attachment] = to_many(
        ArtifactRow.id, AttachmentRow.artifact_id, "The files that go with it."
    )
    signatures: Connection[Signature] = to_many(
        ArtifactRow.id,
        SignatureRow.artifact_id,
        "What was signed of it, newest first.",
        order=[descending(SignatureRow.id)],
    )
    ota_jobs: Connection[OtaJob] = to_many(
        ArtifactRow.id,
        OtaJobRow.artifact_id,
        "The jobs made for it, newest first.",
        order=[descending(OtaJobRow.id)],
        filter=OtaJobFilter,
        views=archive_views(OtaJobRow.archived_at),
    )
    executions: Connection[OtaExecution] = to_many(
        ArtifactRow.id,
        OtaExecutionRow.artifact_id,
        "The updates that bring it, newest first.",
        order=[descending(OtaExecutionRow.id)],
        filter=OtaExecutionFilter,
    )


@record(AttachmentRow, prefix="attachment")
class Attachment(Node):
    """A file that goes with an artifact."""

    id: strawberry.ID = identifier(AttachmentRow.id, "attachment")
    kind: AttachmentKind = column(AttachmentRow.kind, "What it is.")
    file_name: str = column(AttachmentRow.file_name, "The name of the file.")
    description: str = column(AttachmentRow.description, "What it is, for people.")
    metadata: JSON = column(AttachmentRow.meta, "Free data, as an object.")
    size: BigInt | None = column(AttachmentRow.size, "The length of the file in bytes; null until it is known.")
    sha256: str | None = column(AttachmentRow.sha256, "The SHA-256 of the file, in hex; null until it is known.")
    md5: str | None = column(AttachmentRow.md5, "The MD5 of the file, in hex; null until it is known.")
    download_url: str | None = contextual(
        [AttachmentRow.id, AttachmentRow.uploaded_at],
        _download_url,
        "Fetch the file here with GET, for a while and without other authorization; null until it has arrived.",
    )
    uploaded_at: datetime | None = column(AttachmentRow.uploaded_at, "When the file arrived.")
    version: int = column(AttachmentRow.version, "Grows with each edit.")
    created_at: datetime = column(AttachmentRow.created_at, "When it was declared.")
    updated_at: datetime = column(AttachmentRow.updated_at, "When it was last edited.")
    organization: Organization | None = to_one(AttachmentRow.organization_id, OrganizationRow.id, "Whose it is.")
    artifact: Artifact | None = to_one(AttachmentRow.artifact_id, ArtifactRow.id, "The artifact that it goes with.")
    created_by: User | None = to_one(AttachmentRow.created_by_id, UserRow.id, "Who declared it.")
