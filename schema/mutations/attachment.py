"""Inputs and payloads of the mutations of attachments."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import AttachmentRow
from schema.enums import AttachmentKind
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors
from schema.release import Attachment
from schema.scalars import BigInt


@strawberry.input(description="A file that is to go with an artifact; it is uploaded to the address in the answer.")
class CreateAttachmentInput:
    """A new attachment."""

    artifact_id: strawberry.ID = strawberry.field(description="The artifact that it goes with.")
    kind: AttachmentKind = strawberry.field(default=AttachmentKind.OTHER, description="What it is.")
    file_name: str = strawberry.field(
        description="The name of the file, without a path, 1 to 100 characters; no other attachment has it."
    )
    size: BigInt | None = strawberry.field(
        default=strawberry.UNSET, description="The length of the file in bytes, 100 MiB at most; another is refused."
    )
    sha256: str | None = strawberry.field(
        default=strawberry.UNSET, description="The SHA-256 of the file, 64 hex digits; another file is refused."
    )
    md5: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The MD5 of the file, in base64 or as 32 hex digits. The upload then has to bring it as "
        "`Content-MD5`, and another file is refused.",
    )
    description: str = strawberry.field(default="", description="What it is, for people.")
    metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description="Free data, as an object.")


@strawberry.input(description="Asks for another upload address for an attachment whose file has not arrived.")
class RenewAttachmentUploadInput:
    """A new address."""

    id: strawberry.ID = strawberry.field(description="Which attachment.")


@strawberry.input(description="Changes of an attachment: what is left out stays, null clears.")
class UpdateAttachmentInput:
    """An attachment's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    kind: AttachmentKind | None = strawberry.field(
        default=strawberry.UNSET, description="What it is; it cannot be cleared."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is, for people.")
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="Free data, as an object, in place of the old."
    )


@strawberry.input(description="An attachment to be deleted, with its file.")
class DeleteAttachmentInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which.")


@record()
class AttachmentPayload(Payload):
    """The attachment that a mutation was about."""

    attachment: Attachment | None = to_one("attachment_id", AttachmentRow.id, "The attachment, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class AttachmentUploadPayload(AttachmentPayload):
    """An attachment and where its file is to be sent."""

    upload_url: str | None = value(
        "upload_url", "Send the file here with PUT, or in pieces by the tus protocol; no other authorization is needed."
    )
    upload_expires_at: datetime | None = value("upload_expires_at", "When the address is refused.")


@record()
class CreateAttachmentPayload(AttachmentUploadPayload):
    """The attachment that was declared, and where its file is to be sent."""


@record()
class RenewAttachmentUploadPayload(AttachmentUploadPayload):
    """The attachment, and where its file is to be sent now."""


@record()
class UpdateAttachmentPayload(AttachmentPayload):
    """The attachment that was changed."""


@record()
class DeleteAttachmentPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the attachment that is gone.")
    user_errors: list[UserError] = user_errors()
