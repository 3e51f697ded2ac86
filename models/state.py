"""The state of things: what they report and what is wanted of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import document, key_reference, moment


class ThingStateRow(SQLModel, table=True):
    """One row for each thing; `version` grows with each change of either side."""

    __tablename__ = "thing_state"

    thing_id: UUID = key_reference("thing.id")
    reported: dict[str, Any] = document()
    desired: dict[str, Any] = document()
    version: int = Field(default=0)
    reported_at: datetime | None = moment(nullable=True)
    desired_at: datetime | None = moment(nullable=True)
