"""Profiles: how a kind of thing talks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, identifier, to_many, to_one
from engine.records import Node, record
from models import OrganizationRow, ProfileRow, ThingRow
from schema.enums import PayloadFormat
from schema.thing_filter import THING_ORDERINGS, ThingFilter, ThingOrder

if TYPE_CHECKING:
    from schema.organization import Organization
    from schema.thing import Thing


@record(ProfileRow, prefix="profile")
class Profile(Node):
    """How a kind of thing talks: its payload format, and what of it is kept."""

    id: strawberry.ID = identifier(ProfileRow.id, "profile")
    name: str = column(ProfileRow.name, "The name, unique in the organization.")
    description: str = column(ProfileRow.description, "What it is for, for people.")
    payload_format: PayloadFormat = column(ProfileRow.payload_format, "How messages are written.")
    write_messages: bool = column(ProfileRow.write_messages, "Whether messages are kept.")
    metadata: JSON = column(ProfileRow.meta, "Free data, as an object.")
    version: int = column(ProfileRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(ProfileRow.created_at, "When it was created.")
    updated_at: datetime = column(ProfileRow.updated_at, "When it was last edited.")
    organization: Organization | None = to_one(ProfileRow.organization_id, OrganizationRow.id, "Whose it is.")
    things: Connection[Thing] = to_many(
        ProfileRow.id,
        ThingRow.profile_id,
        "The things that talk this way.",
        filter=ThingFilter,
        order_by=ThingOrder,
        orderings=THING_ORDERINGS,
    )
