"""Mutations of profiles."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import changes, given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.profile import (
    CreateProfileInput,
    CreateProfilePayload,
    DeleteProfileInput,
    DeleteProfilePayload,
    UpdateProfileInput,
    UpdateProfilePayload,
)
from services import profiles

_FIELDS = ("name", "description", "payload_format", "write_messages", "metadata")


@strawberry.type
class ProfileMutations:
    """Creating, changing and deleting profiles."""

    @mutation(Permission.PROFILE_WRITE)
    async def create_profile(self, info: Info, input: CreateProfileInput) -> CreateProfilePayload:
        """Create a profile in an organization."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        async with info.context.unit_of_work() as work:
            profile_id = await profiles.create(work, organization_id, changes(input, *_FIELDS))
        return CreateProfilePayload.of(profile_id=profile_id)

    @mutation(Permission.PROFILE_WRITE)
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> UpdateProfilePayload:
        """Change a profile: what is left out stays, null clears."""
        profile_id = key("profile", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await profiles.edit(work, profile_id, changes(input, *_FIELDS), given(input.expected_version))
        return UpdateProfilePayload.of(profile_id=profile_id)

    @mutation(Permission.PROFILE_DELETE)
    async def delete_profile(self, info: Info, input: DeleteProfileInput) -> DeleteProfilePayload:
        """Delete a profile that no thing uses."""
        profile_id = key("profile", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await profiles.remove(work, profile_id, given(input.expected_version))
        return DeleteProfilePayload.of(deleted_id=global_id("profile", profile_id))
