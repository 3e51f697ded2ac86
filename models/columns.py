"""Column types that mean the same on SQLite and on PostgreSQL, and short constructors for the common columns."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Enum, ForeignKey, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.ids import new_id
from sql.moments import UtcDateTime

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

JSON_COLUMN = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def now() -> datetime:
    """The current moment in UTC."""
    return datetime.now(UTC)


def identifier() -> Any:
    """A primary key that the gateway makes itself."""
    return Field(default_factory=new_id, primary_key=True)


def reference(target: str, *, ondelete: str = "CASCADE", nullable: bool = False, **options: Any) -> Any:
    """A foreign key on `target` ("table.column"); `ondelete` as in SQL. Nullable references default to None."""
    if nullable:
        options.setdefault("default", None)
    return Field(foreign_key=target, ondelete=ondelete, nullable=nullable, **options)  # type: ignore[call-overload]


def key_reference(target: str) -> Any:
    """A foreign key that is part of the primary key of an association."""
    return Field(sa_column_args=[ForeignKey(target, ondelete="CASCADE")], primary_key=True)


def moment(*, nullable: bool = False, **options: Any) -> Any:
    """A timestamp in UTC: set to the time of creation, or empty when nullable."""
    if nullable:
        return Field(default=None, sa_type=UtcDateTime, nullable=True, **options)
    return Field(default_factory=now, sa_type=UtcDateTime, nullable=False, **options)


def document(**options: Any) -> Any:
    """A JSON object, empty unless given."""
    return Field(default_factory=dict, sa_type=JSON_COLUMN, nullable=False, **options)


def choice(kind: type[StrEnum], default: StrEnum | None = None, **options: Any) -> Any:
    """An enum column, stored as the value's text so that new values need no change of type."""
    column = Enum(kind, native_enum=False, create_constraint=False, length=32, values_callable=_values)
    if default is not None:
        options["default"] = default
    return Field(sa_type=column, nullable=False, **options)


def _values(kind: type[StrEnum]) -> list[str]:
    return [member.value for member in kind]


class Versioned(SQLModel):
    """What every editable noun carries: `version` grows by one with each edit (optimistic concurrency)."""

    version: int = Field(default=1, nullable=False)
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Owned(SQLModel):
    """What belongs to one organization; the column that access is scoped by."""

    id: UUID = identifier()
    organization_id: UUID = reference("organization.id")
