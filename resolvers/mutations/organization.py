"""Mutations of organizations."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import changes, given, key, named_or_null, optional_key
from resolvers.context import Info
from resolvers.mutation import PERSON, mutation
from schema.mutations.organization import (
    CreateOrganizationInput,
    CreateOrganizationPayload,
    DeleteOrganizationInput,
    DeleteOrganizationPayload,
    MoveOrganizationInput,
    MoveOrganizationPayload,
    UpdateOrganizationInput,
    UpdateOrganizationPayload,
)
from services import organizations

_FIELDS = ("name", "description", "email", "phone", "address", "metadata", "time_zone", "thing_limit")


@strawberry.type
class OrganizationMutations:
    """Creating, changing, moving and deleting organizations."""

    @mutation(PERSON)
    async def create_organization(self, info: Info, input: CreateOrganizationInput) -> CreateOrganizationPayload:
        """Create an organization: a root, which you own, or one below another, where you may create."""
        parent_id = optional_key("org", input.parent_id, ("parentId",))
        async with info.context.unit_of_work() as work:
            organization_id = await organizations.create(work, changes(input, *_FIELDS), parent_id)
        await info.context.renew_access()
        return CreateOrganizationPayload.of(organization_id=organization_id)

    @mutation(Permission.ORGANIZATION_UPDATE)
    async def update_organization(self, info: Info, input: UpdateOrganizationInput) -> UpdateOrganizationPayload:
        """Change an organization: what is left out stays, null clears."""
        organization_id = key("org", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await organizations.edit(work, organization_id, changes(input, *_FIELDS), given(input.expected_version))
        return UpdateOrganizationPayload.of(organization_id=organization_id)

    @mutation(Permission.ORGANIZATION_UPDATE)
    async def move_organization(self, info: Info, input: MoveOrganizationInput) -> MoveOrganizationPayload:
        """Hang an organization with all below it under another, or make it a root. Roles follow the new place."""
        organization_id = key("org", input.id, ("id",))
        parent_id = named_or_null("org", input.parent_id, ("parentId",))
        async with info.context.unit_of_work() as work:
            await organizations.move(work, organization_id, parent_id, given(input.expected_version))
        await info.context.renew_access()
        return MoveOrganizationPayload.of(organization_id=organization_id)

    @mutation(Permission.ORGANIZATION_DELETE)
    async def delete_organization(self, info: Info, input: DeleteOrganizationInput) -> DeleteOrganizationPayload:
        """Delete an organization; accounts of people stay."""
        organization_id = key("org", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            removed = await organizations.remove(
                work, organization_id, cascade=input.cascade, expected_version=given(input.expected_version)
            )
        await info.context.parts.storage.remove(removed.files)
        await info.context.renew_access()
        return DeleteOrganizationPayload.of(
            deleted_id=global_id("org", organization_id),
            deleted_organizations=removed.organizations,
            deleted_things=removed.things,
        )
