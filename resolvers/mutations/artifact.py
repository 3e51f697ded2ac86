"""Mutations of artifacts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import changes, given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.artifact import (
    CreateArtifactInput,
    CreateArtifactPayload,
    DeleteArtifactInput,
    DeleteArtifactPayload,
    RenewArtifactUploadInput,
    RenewArtifactUploadPayload,
    UpdateArtifactInput,
    UpdateArtifactPayload,
)
from services import artifacts
from services.artifacts import Declaration


@strawberry.type
class ArtifactMutations:
    """Declaring, changing and deleting artifacts; their bytes go over HTTP."""

    @mutation(Permission.RELEASE_WRITE)
    async def create_artifact(self, info: Info, input: CreateArtifactInput) -> CreateArtifactPayload:
        """Declare an artifact. Send its file with PUT to `uploadUrl`; it is READY when size and SHA-256 are right."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        limit = info.context.parts.settings.max_artifact_bytes
        async with info.context.unit_of_work() as work:
            artifact_id = await artifacts.create(
                work, organization_id=organization_id, declared=_declaration(input), max_bytes=limit
            )
        return CreateArtifactPayload.of(artifact_id=artifact_id, **_upload(info, artifact_id))

    @mutation(Permission.RELEASE_WRITE)
    async def renew_artifact_upload(self, info: Info, input: RenewArtifactUploadInput) -> RenewArtifactUploadPayload:
        """Get another upload address for an artifact whose file has not arrived."""
        artifact_id = key("artifact", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await artifacts.renew_upload(work, artifact_id)
        return RenewArtifactUploadPayload.of(artifact_id=artifact_id, **_upload(info, artifact_id))

    @mutation(Permission.RELEASE_WRITE)
    async def update_artifact(self, info: Info, input: UpdateArtifactInput) -> UpdateArtifactPayload:
        """Change what is said of an artifact, as long as no update has used it."""
        artifact_id = key("artifact", input.id, ("id",))
        changed = changes(input, "description", "compatible_types", "provides", "depends")
        async with info.context.unit_of_work() as work:
            await artifacts.update(work, artifact_id, changed, given(input.expected_version))
        return UpdateArtifactPayload.of(artifact_id=artifact_id)

    @mutation(Permission.RELEASE_DELETE)
    async def delete_artifact(self, info: Info, input: DeleteArtifactInput) -> DeleteArtifactPayload:
        """Delete an artifact with its file, unless an update that uses it is under way."""
        artifact_id = key("artifact", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await artifacts.delete(work, artifact_id)
        await info.context.parts.storage.remove(artifact_id)
        return DeleteArtifactPayload.of(deleted_id=global_id("artifact", artifact_id))


def _declaration(input: CreateArtifactInput) -> Declaration:
    return Declaration(
        release_name=input.release_name,
        version=input.version,
        file_name=input.file_name,
        size=input.size,
        sha256=input.sha256,
        format=input.format,
        compatible_types=input.compatible_types,
        provides=_object(input.provides),
        depends=_object(input.depends),
        description=input.description,
    )


def _object(value: Any) -> Any:
    """An empty object for one that was left out; whatever else it is, the service judges."""
    return {} if given(value) is None else value


def _upload(info: Info, artifact_id: UUID) -> dict[str, Any]:
    address = info.context.addresses.upload(artifact_id)
    return {"upload_url": address.url, "upload_expires_at": address.expires_at}
