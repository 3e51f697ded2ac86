"""Who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry

from engine.connection import Connection
from engine.fields import all_of, to_one, value
from engine.records import Record, record
from models import OrganizationRow, ThingRow, UserRow
from schema.enums import Permission

if TYPE_CHECKING:
    from schema.organization import Organization
    from schema.thing import Thing
    from schema.user import User


@record()
class Viewer(Record):
    """Who you are, where you belong, and what you may do."""

    user: User | None = to_one("user_id", UserRow.id, "You, when you are a person.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "You, when you are a thing.")
    is_platform_admin: bool = value("is_platform_admin", "Whether you administer the whole platform.")
    organizations: Connection[Organization] = all_of(
        OrganizationRow.id, "The organizations that you can see: yours, and all below them."
    )
    grants: list[Grant] = value("grants", "What you may do where, one entry for each organization; 100 at most.")


@strawberry.type(description="What you may do in one organization.")
class Grant(Record):
    """Permissions in an organization."""

    organization: Organization | None = to_one("organization_id", OrganizationRow.id, "Where.")
    permissions: list[Permission] = value("permissions", "What you may do there.")
