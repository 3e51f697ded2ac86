"""Inputs and payloads of the mutations of groups."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import GroupRow
from schema.enums import GroupKind
from schema.group import Group
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="A group to be created.")
class CreateGroupInput:
    """A new group."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    name: str = strawberry.field(description="The name, 1 to 254 characters, unique in the organization.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The group that it is part of; groups nest up to three levels."
    )
    kind: GroupKind = strawberry.field(default=GroupKind.GROUP, description="What it stands for.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is, for people.")
    metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description="Free data, as an object.")


@strawberry.input(description="Changes of a group: what is left out stays, null clears.")
class UpdateGroupInput:
    """A group's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is, for people.")
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The new free data, in place of the old."
    )


@strawberry.input(description="Another place among the groups of the organization.")
class MoveGroupInput:
    """A move."""

    id: strawberry.ID = strawberry.field(description="What moves, with all groups below it.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The group that it will be part of; null for none."
    )
    expected_version: int | None = expected_version()


@strawberry.input(description="A group to be deleted, with all groups below it.")
class DeleteGroupInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which.")
    cascade: bool = strawberry.field(
        default=False,
        description="Delete the things whose home it is too; without this they stay, without a home.",
    )
    expected_version: int | None = expected_version()


@strawberry.input(description="Things that join a group of their organization.")
class AddThingsToGroupInput:
    """Things in."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    thing_ids: list[strawberry.ID] = strawberry.field(
        description="The things, 1 to 1000. All or nothing; those that are in it already stay."
    )


@strawberry.input(description="Things that leave a group.")
class RemoveThingsFromGroupInput:
    """Things out."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    thing_ids: list[strawberry.ID] = strawberry.field(
        description="The things, 1 to 1000. All or nothing; a thing leaves its home group by being moved."
    )


@record()
class GroupPayload(Payload):
    """The group that a mutation was about."""

    group: Group | None = to_one("group_id", GroupRow.id, "The group, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class CreateGroupPayload(GroupPayload):
    """The group that was created."""


@record()
class UpdateGroupPayload(GroupPayload):
    """The group that was changed."""


@record()
class MoveGroupPayload(GroupPayload):
    """The group that was moved."""


@record()
class DeleteGroupPayload(Payload):
    """What was deleted, and what stayed."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the group that is gone.")
    deleted_groups: int | None = value("deleted_groups", "How many groups are gone: it and those below it.")
    deleted_things: int | None = value("deleted_things", "How many things are gone, with `cascade`.")
    things_without_home: int | None = value("things_without_home", "How many things stay and have no home group now.")
    user_errors: list[UserError] = user_errors()


@record()
class AddThingsToGroupPayload(GroupPayload):
    """The group with the things."""

    added_things: int | None = value("added_things", "How many things were not in it before.")


@record()
class RemoveThingsFromGroupPayload(GroupPayload):
    """The group without the things."""

    removed_things: int | None = value("removed_things", "How many things were in it before.")
