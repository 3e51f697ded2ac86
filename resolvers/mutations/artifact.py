"""Mutations of artifacts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry

from engine.ids import global_id
from models.enums import ArtifactStatus, Permission
from resolvers.arguments import changes, given, key, object_or_empty, optional_key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.artifact import (
    ArchiveArtifactInput,
    ArchiveArtifactPayload,
    ConfirmArtifactUploadInput,
    ConfirmArtifactUploadPayload,
    CreateArtifactInput,
    CreateArtifactPayload,
    DeleteArtifactInput,
    DeleteArtifactPayload,
    RenewArtifactUploadInput,
    RenewArtifactUploadPayload,
    UnarchiveArtifactInput,
    UnarchiveArtifactPayload,
    UpdateArtifactInput,
    UpdateArtifactPayload,
)
from services import artifacts, confirmations
from services.artifacts import Declaration
from services.confirmations import AnotherFile, Confirmation


@strawberry.type
class ArtifactMutations:
    """Declaring, confirming, changing, putting away and deleting artifacts; their bytes go over HTTP."""

    @mutation(Permission.RELEASE_WRITE)
    async def create_artifact(self, info: Info, input: CreateArtifactInput) -> CreateArtifactPayload:
        """Declare an artifact, and send its file to `uploadUrl`; it is READY when the file is what it should be."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        limit = info.context.parts.settings.max_artifact_bytes
        declared = _declaration(input)
        async with info.context.unit_of_work() as work:
            made = await artifacts.create(work, organization_id=organization_id, declared=declared, max_bytes=limit)
        await info.context.parts.storage.remove(made.replaced_files)
        upload = _upload(info, made.id, direct=declared.md5 is None)
        return CreateArtifactPayload.of(artifact_id=made.id, **upload)

    @mutation(Permission.RELEASE_WRITE)
    async def renew_artifact_upload(self, info: Info, input: RenewArtifactUploadInput) -> RenewArtifactUploadPayload:
        """Get another upload address for an artifact whose file has not arrived."""
        artifact_id = key("artifact", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            has_md5 = await artifacts.renew_upload(work, artifact_id)
        upload = _upload(info, artifact_id, direct=not has_md5)
        return RenewArtifactUploadPayload.of(artifact_id=artifact_id, **upload)

    @mutation(Permission.RELEASE_WRITE)
    async def confirm_artifact_upload(
        self, info: Info, input: ConfirmArtifactUploadInput
    ) -> ConfirmArtifactUploadPayload:
        """Confirm an uploaded file, and say what it does not say of itself; the artifact is READY then."""
        artifact_id = key("artifact", input.id, ("id",))
        said = Confirmation(
            version=given(input.version),
            model=given(input.model),
            compatible_types=given(input.compatible_types),
            sha256=given(input.sha256),
        )
        await _collect(info, artifact_id, said)
        try:
            async with info.context.unit_of_work() as work:
                await confirmations.confirm(work, artifact_id, said)
        except AnotherFile as error:
            async with info.context.unit_of_work() as work:
                await confirmations.reject(work, artifact_id, said, error.message)
            await info.context.parts.storage.remove([artifact_id])
            raise
        return ConfirmArtifactUploadPayload.of(artifact_id=artifact_id)

    @mutation(Permission.RELEASE_WRITE)
    async def update_artifact(self, info: Info, input: UpdateArtifactInput) -> UpdateArtifactPayload:
        """Change what is said of an artifact, as long as no update has used it."""
        artifact_id = key("artifact", input.id, ("id",))
        changed = changes(input, "description", "compatible_types", "provides", "depends")
        async with info.context.unit_of_work() as work:
            await artifacts.update(work, artifact_id, changed, given(input.expected_version))
        return UpdateArtifactPayload.of(artifact_id=artifact_id)

    @mutation(Permission.RELEASE_WRITE)
    async def archive_artifact(self, info: Info, input: ArchiveArtifactInput) -> ArchiveArtifactPayload:
        """Put an artifact away: no new deployment or job uses it, and those that run go on."""
        artifact_id = await _archive(info, input.id, archived=True)
        return ArchiveArtifactPayload.of(artifact_id=artifact_id)

    @mutation(Permission.RELEASE_WRITE)
    async def unarchive_artifact(self, info: Info, input: UnarchiveArtifactInput) -> UnarchiveArtifactPayload:
        """Have an artifact back that was put away."""
        artifact_id = await _archive(info, input.id, archived=False)
        return UnarchiveArtifactPayload.of(artifact_id=artifact_id)

    @mutation(Permission.RELEASE_DELETE)
    async def delete_artifact(self, info: Info, input: DeleteArtifactInput) -> DeleteArtifactPayload:
        """Delete an artifact with its files, unless an update uses it or an OTA job was made for it."""
        artifact_id = key("artifact", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            files = await artifacts.delete(work, artifact_id, force=input.force)
        await info.context.parts.storage.remove(files)
        return DeleteArtifactPayload.of(deleted_id=global_id("artifact", artifact_id))


async def _collect(info: Info, artifact_id: UUID, said: Confirmation) -> ArtifactStatus | None:
    """Take the file that was sent straight to the storage, if one waits there; what was said of it is noted before."""
    files = info.context.parts.files
    async with info.context.unit_of_work() as work:
        awaited = await confirmations.is_awaited(work, artifact_id)
    if not awaited or not await files.was_sent(artifact_id):
        return None
    async with info.context.unit_of_work() as work:
        await confirmations.prepare(work, artifact_id, said)
    return await files.collect(artifact_id, said.digest())


async def _archive(info: Info, given_id: str, *, archived: bool) -> UUID:
    artifact_id = key("artifact", given_id, ("id",))
    async with info.context.unit_of_work() as work:
        return await artifacts.archive(work, artifact_id, archived=archived)


def _declaration(input: CreateArtifactInput) -> Declaration:
    return Declaration(
        release_name=given(input.release_name),
        version=input.version,
        model=input.model,
        file_name=input.file_name,
        size=given(input.size),
        sha256=given(input.sha256),
        md5=given(input.md5),
        format=input.format,
        compatible_types=input.compatible_types,
        provides=object_or_empty(input.provides),
        depends=object_or_empty(input.depends),
        description=input.description,
        private=input.private,
        replace_existing=input.replace_existing,
        id=optional_key("artifact", input.id, ("id",)),
    )


def _upload(info: Info, artifact_id: UUID, *, direct: bool) -> dict[str, Any]:
    """Where the file goes; one whose MD5 was declared goes through the gateway, which asks for it."""
    addresses = info.context.addresses
    own = addresses.upload(artifact_id)
    address = (addresses.direct_upload(artifact_id) if direct else None) or own
    return {
        "upload_url": address.url,
        "resumable_upload_url": own.url,
        "needs_confirmation": address is not own,
        "upload_expires_at": own.expires_at,
    }
