"""Mutations of attachments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import changes, given, key, object_or_empty
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.attachment import (
    CreateAttachmentInput,
    CreateAttachmentPayload,
    DeleteAttachmentInput,
    DeleteAttachmentPayload,
    RenewAttachmentUploadInput,
    RenewAttachmentUploadPayload,
    UpdateAttachmentInput,
    UpdateAttachmentPayload,
)
from services import attachments
from services.attachments import NewAttachment


@strawberry.type
class AttachmentMutations:
    """Declaring, changing and deleting attachments; their bytes go over HTTP."""

    @mutation(Permission.RELEASE_WRITE)
    async def create_attachment(self, info: Info, input: CreateAttachmentInput) -> CreateAttachmentPayload:
        """Declare a file that goes with an artifact, and send it to `uploadUrl`; only you see it until it is there."""
        artifact_id = key("artifact", input.artifact_id, ("artifactId",))
        async with info.context.unit_of_work() as work:
            attachment_id = await attachments.create(work, artifact_id, _new(input))
        return CreateAttachmentPayload.of(attachment_id=attachment_id, **_upload(info, attachment_id))

    @mutation(Permission.RELEASE_WRITE)
    async def renew_attachment_upload(
        self, info: Info, input: RenewAttachmentUploadInput
    ) -> RenewAttachmentUploadPayload:
        """Get another upload address for an attachment whose file has not arrived."""
        attachment_id = key("attachment", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await attachments.renew_upload(work, attachment_id)
        return RenewAttachmentUploadPayload.of(attachment_id=attachment_id, **_upload(info, attachment_id))

    @mutation(Permission.RELEASE_WRITE)
    async def update_attachment(self, info: Info, input: UpdateAttachmentInput) -> UpdateAttachmentPayload:
        """Change what is said of an attachment."""
        attachment_id = key("attachment", input.id, ("id",))
        changed = changes(input, "description", "metadata")
        async with info.context.unit_of_work() as work:
            await attachments.update(work, attachment_id, changed, given(input.kind), given(input.expected_version))
        return UpdateAttachmentPayload.of(attachment_id=attachment_id)

    @mutation(Permission.RELEASE_WRITE)
    async def delete_attachment(self, info: Info, input: DeleteAttachmentInput) -> DeleteAttachmentPayload:
        """Delete an attachment with its file."""
        attachment_id = key("attachment", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await attachments.delete(work, attachment_id)
        await info.context.parts.storage.remove([attachment_id])
        return DeleteAttachmentPayload.of(deleted_id=global_id("attachment", attachment_id))


def _new(input: CreateAttachmentInput) -> NewAttachment:
    return NewAttachment(
        file_name=input.file_name,
        kind=input.kind,
        size=given(input.size),
        sha256=given(input.sha256),
        md5=given(input.md5),
        description=input.description,
        metadata=object_or_empty(input.metadata),
    )


def _upload(info: Info, attachment_id: UUID) -> dict[str, Any]:
    address = info.context.addresses.upload(attachment_id)
    return {"upload_url": address.url, "upload_expires_at": address.expires_at}
