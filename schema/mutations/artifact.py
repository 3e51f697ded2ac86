"""Inputs and payloads of the mutations of artifacts."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import ArtifactRow
from schema.enums import ArtifactFormat
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors
from schema.release import Artifact
from schema.scalars import BigInt


@strawberry.input(description="An artifact to be declared; its file is uploaded to the address in the answer.")
class CreateArtifactInput:
    """A new artifact."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    release_name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The name of its release, 1 to 254 characters; the release is created when there is none. Left "
        "out for a `MENDER`, which says it, and for a `PACKAGE`, which is named as its file.",
    )
    version: str = strawberry.field(
        default="", description="The version that the file brings; goes before what an image or a package says."
    )
    model: str = strawberry.field(
        default="", description="The model that it is made for; goes before what an image or a package says."
    )
    compatible_types: list[str] = strawberry.field(
        default_factory=list,
        description="The device types that it fits, 100 at most; none means all, which no image and no package does.",
    )
    file_name: str = strawberry.field(description="The name of the file, without a path.")
    size: BigInt | None = strawberry.field(
        default=strawberry.UNSET, description="The length of the file in bytes; another one is refused."
    )
    sha256: str | None = strawberry.field(
        default=strawberry.UNSET, description="The SHA-256 of the file, 64 hex digits; another file is refused."
    )
    md5: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The MD5 of the file, in base64 or as 32 hex digits. The upload then has to bring it as "
        "`Content-MD5`, and another file is refused.",
    )
    format: ArtifactFormat = strawberry.field(
        default=ArtifactFormat.RAW,
        description="What kind of file it is. A `MENDER` says all of itself; nothing of that may be sent.",
    )
    provides: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="What a thing has after installing it: an object of texts."
    )
    depends: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="What a thing must have before: an object of texts or lists of texts."
    )
    description: str = strawberry.field(default="", description="What it is, for people.")
    private: bool = strawberry.field(
        default=False, description="Whether only you see it. It is then part of no release, and serves jobs of its own."
    )
    replace_existing: bool = strawberry.field(
        default=False,
        description="Whether an artifact of the release with this version for a device type of it is deleted, unless "
        "an OTA job refers to it. Not for a `MENDER`.",
    )
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The id that it shall have; only platform administrators choose one."
    )


@strawberry.input(
    description="What its sender says of a file that has been uploaded: what the file does not say, or says wrongly."
)
class ConfirmArtifactUploadInput:
    """A confirmation."""

    id: strawberry.ID = strawberry.field(description="Which artifact.")
    version: str | None = strawberry.field(default=strawberry.UNSET, description="The version that the file brings.")
    model: str | None = strawberry.field(default=strawberry.UNSET, description="The model that it is made for.")
    compatible_types: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The device types that it fits, 100 at most."
    )
    sha256: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The SHA-256 of the file, 64 hex digits; another file is deleted and awaited anew.",
    )


@strawberry.input(description="Asks for another upload address for an artifact whose file has not arrived.")
class RenewArtifactUploadInput:
    """A new address."""

    id: strawberry.ID = strawberry.field(description="Which artifact.")


@strawberry.input(description="Changes of an artifact that no update has used: what is left out stays, null clears.")
class UpdateArtifactInput:
    """An artifact's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is, for people.")
    compatible_types: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The device types that it fits, in place of the old; none means all."
    )
    provides: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="What a thing has after installing it, in place of the old."
    )
    depends: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="What a thing must have before, in place of the old."
    )


@strawberry.input(description="An artifact to be put away.")
class ArchiveArtifactInput:
    """An artifact."""

    id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.input(description="An artifact to be had back.")
class UnarchiveArtifactInput:
    """An artifact."""

    id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.input(description="An artifact to be deleted, with its file and its attachments.")
class DeleteArtifactInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(
        description="Which; the last artifact of a release takes the release with it, unless a deployment brings it."
    )
    force: bool = strawberry.field(
        default=False, description="Whether cancelled OTA jobs that were made for it do not hinder."
    )


@record()
class ArtifactPayload(Payload):
    """The artifact that a mutation was about."""

    artifact: Artifact | None = to_one("artifact_id", ArtifactRow.id, "The artifact, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class ArtifactUploadPayload(ArtifactPayload):
    """An artifact and where its file is to be sent."""

    upload_url: str | None = value("upload_url", "Send the file here with PUT; no other authorization is needed.")
    resumable_upload_url: str | None = value(
        "resumable_upload_url",
        "Or send it here in pieces, by the tus protocol 1.0. The same address, unless files go straight to a storage.",
    )
    needs_confirmation: bool | None = value(
        "needs_confirmation",
        "Whether `uploadUrl` is one of the storage, which tells nobody: call `confirmArtifactUpload` after the upload.",
    )
    upload_expires_at: datetime | None = value("upload_expires_at", "When these addresses are refused.")


@record()
class CreateArtifactPayload(ArtifactUploadPayload):
    """The artifact that was declared, and where its file is to be sent."""


@record()
class RenewArtifactUploadPayload(ArtifactUploadPayload):
    """The artifact, and where its file is to be sent now."""


@record()
class ConfirmArtifactUploadPayload(ArtifactPayload):
    """The artifact that was confirmed."""


@record()
class ArchiveArtifactPayload(ArtifactPayload):
    """The artifact that was put away."""


@record()
class UnarchiveArtifactPayload(ArtifactPayload):
    """The artifact that is back."""


@record()
class UpdateArtifactPayload(ArtifactPayload):
    """The artifact that was changed."""


@record()
class DeleteArtifactPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the artifact that is gone.")
    user_errors: list[UserError] = user_errors()
