"""Groups of things, nested up to three levels."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Owned, Versioned, choice, document, key_reference, moment, reference
from models.enums import GroupKind


class GroupRow(Owned, Versioned, table=True):
    """A set of things inside one organization, with a unique name in it."""

    __tablename__ = "thing_group"
    __table_args__ = (UniqueConstraint("organization_id", "name"), Index(None, "organization_id", "id"))

    parent_id: UUID | None = reference("thing_group.id", ondelete="NO ACTION", nullable=True, index=True)
    name: str = Field(max_length=254)
    kind: GroupKind = choice(GroupKind, GroupKind.GROUP)
    description: str = Field(default="", max_length=4096)
    meta: dict[str, Any] = document(sa_column_kwargs={"name": "metadata"})


class GroupAncestorRow(SQLModel, table=True):
    """The closure of the groups' tree, each group itself included (depth 0)."""

    __tablename__ = "thing_group_ancestor"
    __table_args__ = (Index(None, "ancestor_id", "group_id"),)

    group_id: UUID = key_reference("thing_group.id")
    ancestor_id: UUID = key_reference("thing_group.id")
    depth: int


class GroupThingRow(SQLModel, table=True):
    """A thing in a group: its home group (`is_home`) or any other."""

    __tablename__ = "thing_group_thing"
    __table_args__ = (Index(None, "thing_id", "group_id"),)

    group_id: UUID = key_reference("thing_group.id")
    thing_id: UUID = key_reference("thing.id")
    is_home: bool = Field(default=False)
    created_at: datetime = moment()
