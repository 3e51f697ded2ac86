"""Mutations of groups."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import changes, given, key, keys, named_or_null, optional_key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.group import (
    AddThingsToGroupInput,
    AddThingsToGroupPayload,
    CreateGroupInput,
    CreateGroupPayload,
    DeleteGroupInput,
    DeleteGroupPayload,
    MoveGroupInput,
    MoveGroupPayload,
    RemoveThingsFromGroupInput,
    RemoveThingsFromGroupPayload,
    UpdateGroupInput,
    UpdateGroupPayload,
)
from services import group_things, groups


@strawberry.type
class GroupMutations:
    """Creating, changing, moving and deleting groups, and which things are in them."""

    @mutation(Permission.GROUP_WRITE)
    async def create_group(self, info: Info, input: CreateGroupInput) -> CreateGroupPayload:
        """Create a group in an organization, on its own or as a part of another."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        parent_id = optional_key("group", input.parent_id, ("parentId",))
        values = changes(input, "name", "description", "metadata")
        async with info.context.unit_of_work() as work:
            group_id = await groups.create(work, organization_id, values, parent_id=parent_id, kind=input.kind)
        return CreateGroupPayload.of(group_id=group_id)

    @mutation(Permission.GROUP_WRITE)
    async def update_group(self, info: Info, input: UpdateGroupInput) -> UpdateGroupPayload:
        """Change a group: what is left out stays, null clears."""
        group_id = key("group", input.id, ("id",))
        changed = changes(input, "name", "description", "metadata")
        async with info.context.unit_of_work() as work:
            await groups.edit(work, group_id, changed, given(input.expected_version))
        return UpdateGroupPayload.of(group_id=group_id)

    @mutation(Permission.GROUP_WRITE)
    async def move_group(self, info: Info, input: MoveGroupInput) -> MoveGroupPayload:
        """Make a group with all below it a part of another group of its organization, or of none."""
        group_id = key("group", input.id, ("id",))
        parent_id = named_or_null("group", input.parent_id, ("parentId",))
        async with info.context.unit_of_work() as work:
            await groups.move(work, group_id, parent_id, given(input.expected_version))
        return MoveGroupPayload.of(group_id=group_id)

    @mutation(Permission.GROUP_DELETE)
    async def delete_group(self, info: Info, input: DeleteGroupInput) -> DeleteGroupPayload:
        """Delete a group with all groups below it. Its things stay in the organization unless `cascade` is given."""
        group_id = key("group", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            removed = await groups.remove(
                work, group_id, cascade=input.cascade, expected_version=given(input.expected_version)
            )
        return DeleteGroupPayload.of(
            deleted_id=global_id("group", group_id),
            deleted_groups=removed.groups,
            deleted_things=removed.things,
            things_without_home=removed.homeless_things,
        )

    @mutation(Permission.GROUP_WRITE)
    async def add_things_to_group(self, info: Info, input: AddThingsToGroupInput) -> AddThingsToGroupPayload:
        """Put things into a group of their organization, besides the groups that they are in."""
        group_id = key("group", input.group_id, ("groupId",))
        thing_ids = keys("thing", input.thing_ids, ("thingIds",))
        async with info.context.unit_of_work() as work:
            added = await group_things.add(work, group_id, thing_ids)
        return AddThingsToGroupPayload.of(group_id=group_id, added_things=len(added))

    @mutation(Permission.GROUP_WRITE)
    async def remove_things_from_group(
        self, info: Info, input: RemoveThingsFromGroupInput
    ) -> RemoveThingsFromGroupPayload:
        """Take things out of a group that is not their home."""
        group_id = key("group", input.group_id, ("groupId",))
        thing_ids = keys("thing", input.thing_ids, ("thingIds",))
        async with info.context.unit_of_work() as work:
            removed = await group_things.remove(work, group_id, thing_ids)
        return RemoveThingsFromGroupPayload.of(group_id=group_id, removed_things=len(removed))
