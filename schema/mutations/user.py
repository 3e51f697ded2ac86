"""Inputs and payloads of the mutations of accounts."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import UserRow
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors
from schema.user import User


@strawberry.input(description="An account to be created.")
class CreateUserInput:
    """A new account."""

    email: str = strawberry.field(description="The e-mail address to sign in with, unique over the platform.")
    password: str = strawberry.field(description="The first password: 8 to 256 characters without white space.")
    name: str = strawberry.field(default="", description="The name, for people.")
    metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description="Free data, as an object.")


@strawberry.input(description="Changes of an account: what is left out stays, null clears.")
class UpdateUserInput:
    """An account's changes."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Whose; yours when left out.")
    expected_version: int | None = expected_version()
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name.")
    email: str | None = strawberry.field(
        default=strawberry.UNSET, description="The new e-mail address; only a platform administrator changes it."
    )
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The new free data, in place of the old."
    )


@strawberry.input(description="A new password for yourself.")
class ChangePasswordInput:
    """A change of password."""

    old_password: str = strawberry.field(description="The present password.")
    new_password: str = strawberry.field(description="The new one: 8 to 256 characters without white space.")
    everywhere: bool = strawberry.field(
        default=False, description="End this session too; your other sessions end in any case."
    )


@strawberry.input(description="An account that may no longer sign in.")
class DisableUserInput:
    """An account to be disabled."""

    id: strawberry.ID = strawberry.field(description="Whose.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An account that may sign in again.")
class EnableUserInput:
    """An account to be enabled."""

    id: strawberry.ID = strawberry.field(description="Whose.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An account to be deleted.")
class DeleteUserInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Whose.")
    expected_version: int | None = expected_version()


@record()
class UserPayload(Payload):
    """The account that a mutation was about."""

    user: User | None = to_one("user_id", UserRow.id, "The account, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class CreateUserPayload(UserPayload):
    """The account that was created."""


@record()
class UpdateUserPayload(UserPayload):
    """The account that was changed."""


@record()
class ChangePasswordPayload(UserPayload):
    """The account with the new password."""

    ended_sessions: int | None = value("ended_sessions", "How many of your sessions have ended.")


@record()
class DisableUserPayload(UserPayload):
    """The account that was disabled; its sessions have ended."""


@record()
class EnableUserPayload(UserPayload):
    """The account that was enabled."""


@record()
class DeleteUserPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the account that is gone.")
    user_errors: list[UserError] = user_errors()
