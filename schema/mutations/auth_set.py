"""Inputs and payloads of the mutations that decide which things may sign in by a key pair."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import AuthSetRow, ThingRow
from schema.auth_set import AuthSet
from schema.payload import Payload, UserError, user_errors
from schema.thing import Thing


@strawberry.input(description="A thing that is accepted when it first signs in.")
class PreauthorizeThingInput:
    """An identity and a key."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    identity: JSON = strawberry.field(
        description="The data that it will sign in with: an object of 1 to 20 attributes, each a text of at most 1,024 "
        "characters, a number, or a list of one of them. Texts, numbers and lists are compared as they are."
    )
    public_key: str = strawberry.field(
        description="The public key, as PEM: RSA of 2,048 to 8,192 bits, ECDSA on P-256 or P-384, or Ed25519."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The name of the thing; made from its identity when left out."
    )


@strawberry.input(description="An auth set that is accepted.")
class AcceptAuthSetInput:
    """A yes."""

    id: strawberry.ID = strawberry.field(description="The auth set, pending or rejected.")


@strawberry.input(description="An auth set that is rejected.")
class RejectAuthSetInput:
    """A no."""

    id: strawberry.ID = strawberry.field(description="The auth set, pending or accepted.")


@strawberry.input(description="An auth set to be deleted.")
class DeleteAuthSetInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="The auth set.")


@strawberry.input(description="Tokens to be ended: exactly one of the fields is given.")
class RevokeThingTokensInput:
    """One token, or those of a thing or of an organization."""

    token_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="One token.")
    thing_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="All tokens of a thing.")
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="All tokens of all things of an organization, those below it not included; needs "
        "`organization:update`.",
    )


@record()
class PreauthorizeThingPayload(Payload):
    """The thing that may come."""

    thing: Thing | None = to_one("thing_id", ThingRow.id, "The new thing.")
    auth_set: AuthSet | None = to_one("auth_set_id", AuthSetRow.id, "Its auth set.")
    existing: Thing | None = to_one(
        "existing_id", ThingRow.id, "With CONFLICT: the thing that has this identity already."
    )
    user_errors: list[UserError] = user_errors()


@record()
class AuthSetPayload(Payload):
    """The auth set that was decided on."""

    auth_set: AuthSet | None = to_one("auth_set_id", AuthSetRow.id, "The auth set, as it is now.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing that it stands for, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class AcceptAuthSetPayload(AuthSetPayload):
    """The auth set that was accepted."""


@record()
class RejectAuthSetPayload(AuthSetPayload):
    """The auth set that was rejected."""


@record()
class DeleteAuthSetPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the auth set that is gone.")
    deleted_thing_id: strawberry.ID | None = value(
        "deleted_thing_id", "The id of the thing that went with it: a preauthorized one without another auth set."
    )
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing that it stood for, as it is now, if it is there.")
    user_errors: list[UserError] = user_errors()


@record()
class RevokeThingTokensPayload(Payload):
    """What was ended."""

    revoked_count: int | None = value("revoked_count", "How many tokens were ended, those past their time included.")
    user_errors: list[UserError] = user_errors()
