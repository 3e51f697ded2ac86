"""Profiles: how a kind of thing talks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.columns import Owned, Versioned, choice, document
from models.enums import PayloadFormat


class ProfileRow(Owned, Versioned, table=True):
    """The payload format of things and what of it is written or forwarded."""

    __tablename__ = "profile"
    __table_args__ = (UniqueConstraint("organization_id", "name"), Index(None, "organization_id", "id"))

    name: str = Field(max_length=254)
    description: str = Field(default="", max_length=4096)
    payload_format: PayloadFormat = choice(PayloadFormat, PayloadFormat.JSON)
    write_messages: bool = Field(default=True)
    meta: dict[str, Any] = document(sa_column_kwargs={"name": "metadata"})
