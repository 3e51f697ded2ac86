"""Inputs and payloads of the mutations of tenant tokens."""

from __future__ import annotations

import strawberry

from engine.fields import to_one, value
from engine.records import record
from models import TenantTokenRow
from schema.auth_set import TenantToken
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="A new tenant token.")
class CreateTenantTokenInput:
    """A token for images of things."""

    organization_id: strawberry.ID = strawberry.field(description="The organization that it will name.")
    name: str = strawberry.field(description="What it is called, for people: 1 to 254 characters.")


@strawberry.input(description="A tenant token to be deleted.")
class DeleteTenantTokenInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="The token. Things that name it sign in no more.")


@record()
class CreateTenantTokenPayload(Payload):
    """The new token."""

    tenant_token: TenantToken | None = to_one("tenant_token_id", TenantTokenRow.id, "The token, without its secret.")
    secret: str | None = value("secret", "What things send as `tenant_token`; shown this once.")
    user_errors: list[UserError] = user_errors()


@record()
class DeleteTenantTokenPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the token that is gone.")
    user_errors: list[UserError] = user_errors()
