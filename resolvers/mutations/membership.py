"""Mutations of members."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import given, key, keys, optional_key
from resolvers.context import Info
from resolvers.mutation import PERSON, mutation
from schema.mutations.membership import (
    AddMembersInput,
    AddMembersPayload,
    LeaveOrganizationInput,
    LeaveOrganizationPayload,
    MemberInput,
    RemoveMembersInput,
    RemoveMembersPayload,
    UpdateMembersInput,
    UpdateMembersPayload,
)
from services import memberships
from services.memberships import MemberEntry


@strawberry.type
class MembershipMutations:
    """Who belongs to an organization, and in which role."""

    @mutation(Permission.MEMBERSHIP_WRITE)
    async def add_members(self, info: Info, input: AddMembersInput) -> AddMembersPayload:
        """Make people members of an organization, without asking them."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        entries = _entries(input.members)
        async with info.context.unit_of_work() as work:
            added = await memberships.add(work, organization_id, entries)
        await info.context.renew_access()
        return AddMembersPayload.of(membership_ids=added)

    @mutation(Permission.MEMBERSHIP_WRITE)
    async def update_members(self, info: Info, input: UpdateMembersInput) -> UpdateMembersPayload:
        """Give members other roles; who is no member yet is not added. The new roles hold from the next operation."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        entries = _entries(input.members)
        async with info.context.unit_of_work() as work:
            changed = await memberships.change(work, organization_id, entries)
        await info.context.renew_access()
        return UpdateMembersPayload.of(membership_ids=changed)

    @mutation(Permission.MEMBERSHIP_WRITE)
    async def remove_members(self, info: Info, input: RemoveMembersInput) -> RemoveMembersPayload:
        """Take people out of an organization; their accounts stay."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        user_ids = keys("user", input.user_ids, ("userIds",))
        async with info.context.unit_of_work() as work:
            removed = await memberships.remove(work, organization_id, user_ids)
        await info.context.renew_access()
        return RemoveMembersPayload.of(removed_ids=[global_id("membership", each) for each in removed])

    @mutation(PERSON)
    async def leave_organization(self, info: Info, input: LeaveOrganizationInput) -> LeaveOrganizationPayload:
        """Leave an organization; its last owner cannot."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        async with info.context.unit_of_work() as work:
            removed = await memberships.leave(work, organization_id)
        await info.context.renew_access()
        return LeaveOrganizationPayload.of(removed_id=global_id("membership", removed))


def _entries(members: Sequence[MemberInput]) -> list[MemberEntry]:
    return [
        MemberEntry(
            role=member.role,
            email=given(member.email),
            user_id=optional_key("user", member.user_id, ("members", index, "userId")),
        )
        for index, member in enumerate(members)
    ]
