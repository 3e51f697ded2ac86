"""Groups of things."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, identifier, to_many, to_one
from engine.records import Node, record
from models import GroupRow, GroupThingRow, OrganizationRow, ThingRow
from schema.enums import GroupKind
from schema.thing_filter import THING_ORDERINGS, ThingFilter, ThingOrder

if TYPE_CHECKING:
    from schema.organization import Organization
    from schema.thing import Thing


@record(GroupRow, prefix="group")
class Group(Node):
    """A set of things inside one organization; groups nest up to three levels."""

    id: strawberry.ID = identifier(GroupRow.id, "group")
    name: str = column(GroupRow.name, "The name, unique in the organization.")
    kind: GroupKind = column(GroupRow.kind, "What it stands for.")
    description: str = column(GroupRow.description, "What it is, for people.")
    metadata: JSON = column(GroupRow.meta, "Free data, as an object.")
    version: int = column(GroupRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(GroupRow.created_at, "When it was created.")
    updated_at: datetime = column(GroupRow.updated_at, "When it was last edited.")
    organization: Organization | None = to_one(GroupRow.organization_id, OrganizationRow.id, "Whose it is.")
    parent: Group | None = to_one(GroupRow.parent_id, GroupRow.id, "The group that it is part of.")
    children: Connection[Group] = to_many(GroupRow.id, GroupRow.parent_id, "The groups directly below.")
    things: Connection[Thing] = to_many(
        GroupRow.id,
        ThingRow.id,
        "Its things, those at home here included; not those of groups below.",
        through=(GroupThingRow.group_id, GroupThingRow.thing_id),
        filter=ThingFilter,
        order_by=ThingOrder,
        orderings=THING_ORDERINGS,
    )
