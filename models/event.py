"""The event log: every change that somebody can watch, written in the transaction of the change itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer
from sqlmodel import Field, SQLModel

from models.columns import choice, document, moment
from models.enums import EventKind

SEQUENCE = BigInteger().with_variant(Integer, "sqlite")


class EventRow(SQLModel, table=True):
    """One change, at a position made of `transaction` and `sequence`.

    Sequence numbers alone become visible out of order on PostgreSQL, where `transaction` is the id of the writing
    transaction; on SQLite, with one writer, it is 0.

    No foreign keys: an event outlives what it tells of.

    `previous_organization_id` is what a moved thing has left, or what went with all that was in it; `user_id` is the
    person that the event is about. Whoever reads in that organization, or is that person, sees the event, too.
    """

    __tablename__ = "event"
    __table_args__ = (Index(None, "transaction", "sequence"), {"sqlite_autoincrement": True})

    sequence: int | None = Field(default=None, sa_type=SEQUENCE, primary_key=True)
    transaction: int = Field(sa_type=BigInteger)
    kind: EventKind = choice(EventKind)
    organization_id: UUID
    previous_organization_id: UUID | None = Field(default=None)
    group_id: UUID | None = Field(default=None)
    user_id: UUID | None = Field(default=None)
    thing_id: UUID | None = Field(default=None)
    subject_id: UUID
    detail: dict[str, Any] = document()
    occurred_at: datetime = moment(index=True)
