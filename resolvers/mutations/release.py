"""Mutations of releases. A release comes into being with its first artifact."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import changes, given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.release import (
    DeleteReleaseInput,
    DeleteReleasePayload,
    UpdateReleaseInput,
    UpdateReleasePayload,
)
from services import releases


@strawberry.type
class ReleaseMutations:
    """Changing and deleting releases."""

    @mutation(Permission.RELEASE_WRITE)
    async def update_release(self, info: Info, input: UpdateReleaseInput) -> UpdateReleasePayload:
        """Change a release: what is left out stays, null clears."""
        release_id = key("release", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await releases.update(work, release_id, changes(input, "name", "notes"), given(input.expected_version))
        return UpdateReleasePayload.of(release_id=release_id)

    @mutation(Permission.RELEASE_DELETE)
    async def delete_release(self, info: Info, input: DeleteReleaseInput) -> DeleteReleasePayload:
        """Delete a release with its artifacts and their files, unless a deployment brings it or an update uses it."""
        release_id = key("release", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            removed = await releases.delete(work, release_id)
        await info.context.parts.storage.remove(removed.files)
        return DeleteReleasePayload.of(
            deleted_id=global_id("release", release_id),
            deleted_artifact_ids=[global_id("artifact", artifact_id) for artifact_id in removed.artifact_ids],
        )
