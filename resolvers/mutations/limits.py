"""The mutation that limits an organization."""

from __future__ import annotations

import strawberry

from models.enums import Permission
from resolvers.arguments import changes, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.limits import SetOrganizationLimitsInput, SetOrganizationLimitsPayload
from services import organizations


@strawberry.type
class LimitMutations:
    """Limiting what an organization may have."""

    @mutation(Permission.ORGANIZATION_UPDATE)
    async def set_organization_limits(
        self, info: Info, input: SetOrganizationLimitsInput
    ) -> SetOrganizationLimitsPayload:
        """Set how much an organization may have. This is for those who administer the one above, or the platform."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        async with info.context.unit_of_work() as work:
            await organizations.limit(work, organization_id, changes(input, "accepted_things", "storage_bytes"))
        return SetOrganizationLimitsPayload.of(organization_id=organization_id)
