"""Mutations of tenant tokens."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.tenant_token import (
    CreateTenantTokenInput,
    CreateTenantTokenPayload,
    DeleteTenantTokenInput,
    DeleteTenantTokenPayload,
)
from services import tenant_tokens


@strawberry.type
class TenantTokenMutations:
    """Making and deleting what names an organization to things."""

    @mutation(Permission.TENANT_WRITE)
    async def create_tenant_token(self, info: Info, input: CreateTenantTokenInput) -> CreateTenantTokenPayload:
        """Make a token for images of things, which names the organization that they sign in to."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        async with info.context.unit_of_work() as work:
            made = await tenant_tokens.create(work, organization_id, input.name)
        return CreateTenantTokenPayload.of(tenant_token_id=made.id, secret=made.secret)

    @mutation(Permission.TENANT_WRITE)
    async def delete_tenant_token(self, info: Info, input: DeleteTenantTokenInput) -> DeleteTenantTokenPayload:
        """Delete a token. Things that name it sign in no more; what they were given lasts to its end."""
        token_id = key("tenant", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await tenant_tokens.remove(work, token_id)
        return DeleteTenantTokenPayload.of(deleted_id=global_id("tenant", token_id))
