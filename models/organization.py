"""Organizations, their tree, and who belongs to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Versioned, choice, document, identifier, key_reference, moment, reference
from models.enums import OrganizationStatus, Role


class OrganizationRow(Versioned, table=True):
    """A tenant; the root of a tree has no parent.

    `accepted_thing_count` and `storage_used` (bytes of all uploaded files) are kept by the transactions that change
    them.
    """

    __tablename__ = "organization"
    __table_args__ = (Index(None, "name", "id"),)

    id: UUID = identifier()
    parent_id: UUID | None = reference("organization.id", ondelete="NO ACTION", nullable=True, index=True)
    name: str = Field(max_length=254)
    description: str = Field(default="", max_length=4096)
    email: str | None = Field(default=None, max_length=254)
    phone: str | None = Field(default=None, max_length=64)
    address: dict[str, Any] = document()
    meta: dict[str, Any] = document(sa_column_kwargs={"name": "metadata"})
    status: OrganizationStatus = choice(OrganizationStatus, OrganizationStatus.ACTIVE)
    thing_limit: int | None = Field(default=None)
    accepted_thing_limit: int | None = Field(default=None)
    accepted_thing_count: int = Field(default=0)
    storage_limit: int | None = Field(default=None, sa_type=BigInteger)
    storage_used: int = Field(default=0, sa_type=BigInteger)
    time_zone: str = Field(default="UTC", max_length=64)


class OrganizationAncestorRow(SQLModel, table=True):
    """The closure of the tree: one row for each organization and each of its ancestors, itself included (depth 0)."""

    __tablename__ = "organization_ancestor"
    __table_args__ = (Index(None, "ancestor_id", "organization_id"),)

    organization_id: UUID = key_reference("organization.id")
    ancestor_id: UUID = key_reference("organization.id")
    depth: int


class MembershipRow(SQLModel, table=True):
    """One user's role in one organization."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"), Index(None, "user_id", "id"))

    id: UUID = identifier()
    organization_id: UUID = reference("organization.id")
    user_id: UUID = reference("user_account.id")
    role: Role = choice(Role)
    created_at: datetime = moment()
    updated_at: datetime = moment()
