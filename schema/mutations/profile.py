"""Inputs and payloads of the mutations of profiles."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import ProfileRow
from schema.enums import PayloadFormat
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors
from schema.profile import Profile


@strawberry.input(description="A profile to be created.")
class CreateProfileInput:
    """A new profile."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    name: str = strawberry.field(description="The name, 1 to 254 characters, unique in the organization.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for, for people.")
    payload_format: PayloadFormat = strawberry.field(
        default=PayloadFormat.JSON, description="How messages are written."
    )
    write_messages: bool = strawberry.field(default=True, description="Whether messages are kept.")
    metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description="Free data, as an object.")


@strawberry.input(description="Changes of a profile: what is left out stays, null clears.")
class UpdateProfileInput:
    """A profile's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for, for people.")
    payload_format: PayloadFormat | None = strawberry.field(
        default=strawberry.UNSET, description="How messages are written from now on."
    )
    write_messages: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether messages are kept from now on."
    )
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The new free data, in place of the old."
    )


@strawberry.input(description="A profile to be deleted; no thing may use it.")
class DeleteProfileInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@record()
class ProfilePayload(Payload):
    """The profile that a mutation was about."""

    profile: Profile | None = to_one("profile_id", ProfileRow.id, "The profile, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class CreateProfilePayload(ProfilePayload):
    """The profile that was created."""


@record()
class UpdateProfilePayload(ProfilePayload):
    """The profile that was changed."""


@record()
class DeleteProfilePayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the profile that is gone.")
    user_errors: list[UserError] = user_errors()
