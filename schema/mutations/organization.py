"""Inputs and payloads of the mutations of organizations."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import OrganizationRow
from schema.mutations.versions import expected_version
from schema.organization import Organization
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="An organization to be created.")
class CreateOrganizationInput:
    """A new organization."""

    name: str = strawberry.field(description="The name, 1 to 254 characters.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The organization above; without one it is a root, and you become its owner.",
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is, for people.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="Whom to write to.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="Whom to call.")
    address: JSON | None = strawberry.field(default=strawberry.UNSET, description="The postal address, as an object.")
    metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description="Free data, as an object.")
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The time zone of things that name none, by its IANA name; UTC if left out.",
    )
    thing_limit: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many things it may have; set by those who administer the one above."
    )


@strawberry.input(description="Changes of an organization: what is left out stays, null clears.")
class UpdateOrganizationInput:
    """An organization's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is, for people.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="Whom to write to.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="Whom to call.")
    address: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The new postal address, in place of the old."
    )
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The new free data, in place of the old."
    )
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The time zone of things that name none, by its IANA name; cannot be cleared.",
    )
    thing_limit: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many things it may have, null for no limit; set by those who administer the one above.",
    )


@strawberry.input(description="Another place in the tree.")
class MoveOrganizationInput:
    """A move."""

    id: strawberry.ID = strawberry.field(description="What moves, with all organizations below it.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The organization that will be above it; null makes it a root."
    )
    expected_version: int | None = expected_version()


@strawberry.input(description="An organization to be deleted.")
class DeleteOrganizationInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which.")
    cascade: bool = strawberry.field(
        default=False,
        description="Delete everything in it and below it too; without this, CONFLICT says what is still in it.",
    )
    expected_version: int | None = expected_version()


@record()
class OrganizationPayload(Payload):
    """The organization that a mutation was about."""

    organization: Organization | None = to_one("organization_id", OrganizationRow.id, "The organization, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class CreateOrganizationPayload(OrganizationPayload):
    """The organization that was created."""


@record()
class UpdateOrganizationPayload(OrganizationPayload):
    """The organization that was changed."""


@record()
class MoveOrganizationPayload(OrganizationPayload):
    """The organization that was moved."""


@record()
class DeleteOrganizationPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the organization that is gone.")
    deleted_organizations: int | None = value(
        "deleted_organizations", "How many organizations are gone: it and those below it."
    )
    deleted_things: int | None = value("deleted_things", "How many things are gone; their keys no longer work.")
    user_errors: list[UserError] = user_errors()
