"""How things sign in by a key pair: auth sets, the tokens that they are given, and the tokens of tenants."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Owned, Versioned, choice, document, identifier, moment, reference
from models.enums import AuthSetStatus


class AuthSetRow(Owned, Versioned, table=True):
    """One identity with one public key, and what was decided of it.

    Found by the SHA-256 of the identity data and of the key (its SubjectPublicKeyInfo).
    """

    __tablename__ = "auth_set"
    __table_args__ = (
        UniqueConstraint("organization_id", "identity_digest", "key_digest"),
        Index(None, "organization_id", "id"),
        Index(None, "thing_id", "id"),
    )

    thing_id: UUID = reference("thing.id")
    identity: dict[str, Any] = document()
    identity_digest: bytes = Field(sa_type=LargeBinary(32))
    public_key: str = Field(max_length=4096)
    key_digest: bytes = Field(sa_type=LargeBinary(32))
    status: AuthSetStatus = choice(AuthSetStatus, AuthSetStatus.PENDING)


class ThingTokenRow(SQLModel, table=True):
    """A token that a thing was given; its id is what the token is called (`jti`)."""

    __tablename__ = "thing_token"
    __table_args__ = (Index(None, "thing_id", "id"),)

    id: UUID = identifier()
    organization_id: UUID = reference("organization.id", index=True)
    thing_id: UUID = reference("thing.id")
    auth_set_id: UUID = reference("auth_set.id", index=True)
    issued_at: datetime = moment()
    expires_at: datetime = moment(index=True)


class TenantTokenRow(Owned, Versioned, table=True):
    """What names an organization to the things that sign in for the first time; held as its SHA-256."""

    __tablename__ = "tenant_token"
    __table_args__ = (Index(None, "organization_id", "id"),)

    created_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    name: str = Field(max_length=254)
    digest: bytes = Field(sa_type=LargeBinary(32), unique=True)
