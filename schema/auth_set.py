"""How things sign in by a key pair: auth sets, the tokens that they were given, and the tokens of tenants."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.fields import column, identifier, to_one
from engine.records import Node, record
from models import AuthSetRow, OrganizationRow, TenantTokenRow, ThingRow, ThingTokenRow, UserRow
from schema.enums import AuthSetStatus

if TYPE_CHECKING:
    from schema.organization import Organization
    from schema.thing import Thing
    from schema.user import User


@record(AuthSetRow, prefix="authset")
class AuthSet(Node):
    """One identity with one public key, and what was decided of it."""

    id: strawberry.ID = identifier(AuthSetRow.id, "authset")
    identity: JSON = column(AuthSetRow.identity, "The identity data, as an object.")
    public_key: str = column(AuthSetRow.public_key, "The public key, as PEM.")
    status: AuthSetStatus = column(AuthSetRow.status, "What was decided of it.")
    version: int = column(AuthSetRow.version, "Grows with each decision.")
    created_at: datetime = column(AuthSetRow.created_at, "When it was first seen, or preauthorized.")
    updated_at: datetime = column(AuthSetRow.updated_at, "When it was last decided on.")
    thing: Thing | None = to_one(AuthSetRow.thing_id, ThingRow.id, "The thing that it stands for.")
    organization: Organization | None = to_one(AuthSetRow.organization_id, OrganizationRow.id, "Whose it is.")


@record(ThingTokenRow, prefix="thingtoken")
class ThingToken(Node):
    """A token that a thing was given when it signed in; the token itself is shown to the thing alone."""

    id: strawberry.ID = identifier(ThingTokenRow.id, "thingtoken")
    issued_at: datetime = column(ThingTokenRow.issued_at, "When it was given.")
    expires_at: datetime = column(ThingTokenRow.expires_at, "When it ends.")
    thing: Thing | None = to_one(ThingTokenRow.thing_id, ThingRow.id, "Whose it is.")
    auth_set: AuthSet | None = to_one(ThingTokenRow.auth_set_id, AuthSetRow.id, "What it was given for.")


@record(TenantTokenRow, prefix="tenant")
class TenantToken(Node):
    """A secret in the images of things that names their organization when they first sign in; shown once."""

    id: strawberry.ID = identifier(TenantTokenRow.id, "tenant")
    name: str = column(TenantTokenRow.name, "What it is called, for people.")
    version: int = column(TenantTokenRow.version, "Grows with each edit.")
    created_at: datetime = column(TenantTokenRow.created_at, "When it was made.")
    updated_at: datetime = column(TenantTokenRow.updated_at, "When it was last edited.")
    organization: Organization | None = to_one(TenantTokenRow.organization_id, OrganizationRow.id, "Whose it is.")
    created_by: User | None = to_one(TenantTokenRow.created_by_id, UserRow.id, "Who made it.")
