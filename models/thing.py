"""Things and what describes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.columns import JSON_COLUMN, Owned, Versioned, choice, document, identifier, key_reference, moment, reference
from models.enums import AttributeScope, Lifecycle, ThingAuthStatus, ThingType


class ThingRow(Owned, Versioned, table=True):
    """A device, sensor, actuator, controller or gateway.

    A thing that is `connected` has a moment at which it was `last_seen_at`. `identity` are the data that it signs in
    with by a key pair, found by their digest; `auth_status` is derived from its auth sets. `software` is what it last
    said that it provides; `boot_key_digests` are the SHA-256 of the keys that its boot loader takes signed images of.
    """

    __tablename__ = "thing"
    __table_args__ = (
        UniqueConstraint("organization_id", "external_id"),
        Index(None, "organization_id", "id"),
        Index(None, "organization_id", "name", "id"),
        Index(None, "name", "id"),
        Index(None, "last_seen_at", "id"),
        Index(None, "updated_at", "id"),
        Index(
            None,
            "report_interval_seconds",
            "last_seen_at",
            "id",
            postgresql_where=text("connected"),
            sqlite_where=text("connected = 1"),
        ),
        Index(None, "organization_id", "identity_digest", unique=True),
        Index(None, "organization_id", "auth_status", "id"),
    )

    home_group_id: UUID | None = reference("thing_group.id", ondelete="SET NULL", nullable=True, index=True)
    profile_id: UUID | None = reference("profile.id", ondelete="NO ACTION", nullable=True, index=True)
    name: str = Field(max_length=1024)
    type: ThingType = choice(ThingType)
    external_id: str | None = Field(default=None, max_length=254)
    key_digest: bytes = Field(sa_type=LargeBinary(32), unique=True)
    lifecycle: Lifecycle = choice(Lifecycle, Lifecycle.NEW)
    connected: bool = Field(default=False)
    last_seen_at: datetime | None = moment(nullable=True)
    report_interval_seconds: int | None = Field(default=None)
    time_zone: str | None = Field(default=None, max_length=64)
    identity: dict[str, Any] = document()
    identity_digest: bytes | None = Field(default=None, sa_type=LargeBinary(32))
    auth_status: ThingAuthStatus = choice(ThingAuthStatus, ThingAuthStatus.NOAUTH)
    software: dict[str, Any] = document()
    boot_key_digests: list[str] = Field(default_factory=list, sa_type=JSON_COLUMN, nullable=False)
    decommissioned_at: datetime | None = moment(nullable=True)
    meta: dict[str, Any] = document(sa_column_kwargs={"name": "metadata"})


class ThingAttributeRow(SQLModel, table=True):
    """One attribute of a thing, keyed by scope and name; the typed copies serve comparison and sorting."""

    __tablename__ = "thing_attribute"
    __table_args__ = (
        Index(None, "scope", "name", "text_value", "thing_id"),
        Index(None, "scope", "name", "number_value", "thing_id"),
    )

    thing_id: UUID = key_reference("thing.id")
    scope: AttributeScope = choice(AttributeScope, primary_key=True)
    name: str = Field(max_length=254, primary_key=True)
    value: Any = Field(sa_type=JSON_COLUMN, nullable=False)
    text_value: str | None = Field(default=None, max_length=1024)
    number_value: float | None = Field(default=None)
    updated_at: datetime = moment()


class ThingTagRow(SQLModel, table=True):
    """One tag of a thing."""

    __tablename__ = "thing_tag"
    __table_args__ = (Index(None, "tag", "thing_id"),)

    thing_id: UUID = key_reference("thing.id")
    tag: str = Field(max_length=254, primary_key=True)


class ThingLifecycleRow(SQLModel, table=True):
    """One step in the life of a thing."""

    __tablename__ = "thing_lifecycle"
    __table_args__ = (Index(None, "thing_id", "id"),)

    id: UUID = identifier()
    thing_id: UUID = reference("thing.id")
    lifecycle: Lifecycle = choice(Lifecycle)
    reason: str = Field(default="", max_length=1024)
    occurred_at: datetime = moment()
