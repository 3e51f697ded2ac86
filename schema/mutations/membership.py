"""Inputs and payloads of the mutations of members."""

from __future__ import annotations

import strawberry

from engine.fields import to_listed, value
from engine.records import record
from models import MembershipRow
from schema.enums import Role
from schema.organization import Membership
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="A person, named either by e-mail or by id, and a role.")
class MemberInput:
    """One member."""

    email: str | None = strawberry.field(default=strawberry.UNSET, description="The e-mail address of an account.")
    user_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The id of an account that you can see."
    )
    role: Role = strawberry.field(description="The role, below your own; owners alone may give the role of owner.")


@strawberry.input(description="People who become members, without being asked.")
class AddMembersInput:
    """New members."""

    organization_id: strawberry.ID = strawberry.field(description="Where.")
    members: list[MemberInput] = strawberry.field(description="The people, 1 to 1000. All or nothing.")


@strawberry.input(description="Members who get another role.")
class UpdateMembersInput:
    """Changed members."""

    organization_id: strawberry.ID = strawberry.field(description="Where.")
    members: list[MemberInput] = strawberry.field(description="The members, 1 to 1000. All or nothing.")


@strawberry.input(description="Members who are members no longer.")
class RemoveMembersInput:
    """Removed members."""

    organization_id: strawberry.ID = strawberry.field(description="Where.")
    user_ids: list[strawberry.ID] = strawberry.field(description="The people, 1 to 1000. All or nothing.")


@strawberry.input(description="An organization that you leave.")
class LeaveOrganizationInput:
    """A leave."""

    organization_id: strawberry.ID = strawberry.field(description="Which.")


@record()
class MembershipsPayload(Payload):
    """The memberships that a mutation was about."""

    memberships: list[Membership] = to_listed(
        "membership_ids", MembershipRow.id, "The memberships, in the order of the input."
    )
    user_errors: list[UserError] = user_errors()


@record()
class AddMembersPayload(MembershipsPayload):
    """The memberships that were made."""


@record()
class UpdateMembersPayload(MembershipsPayload):
    """The memberships with their new roles."""


@record()
class RemoveMembersPayload(Payload):
    """What has ended."""

    removed_ids: list[strawberry.ID] | None = value("removed_ids", "The ids of the memberships that are gone.")
    user_errors: list[UserError] = user_errors()


@record()
class LeaveOrganizationPayload(Payload):
    """What has ended."""

    removed_id: strawberry.ID | None = value("removed_id", "The id of the membership that is gone.")
    user_errors: list[UserError] = user_errors()
