"""The ground that the things of the demo fleet stand on: organizations, people, profiles and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from demo.people import PEOPLE
from demo.places import FLEET, GroupPlan, Place, plan_groups
from models.ids import new_id
from models.tables import (
    GROUP,
    GROUP_ANCESTOR,
    MEMBERSHIP,
    ORGANIZATION,
    ORGANIZATION_ANCESTOR,
    PROFILE,
    USER,
)


@dataclass(slots=True)
class Site:
    """An organization that has been made: what its things and campaigns refer to. `weights` of homes add up."""

    place: Place
    id: UUID
    profiles: dict[str, UUID] = field(default_factory=dict)
    homes: list[UUID] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    crosses: list[tuple[UUID, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything below the things. `sites` begin with the root."""

    sites: list[Site]
    owner_id: UUID
    groups: int
    users: int


async def make_ground(
    connection: AsyncConnection, *, things: int, password_hash: str, moment: datetime, rng: Random
) -> Ground:
    """Insert organizations, people, memberships, profiles and groups for a fleet of `things` things.

    Raises IntegrityError when one of the people has an account already.
    """
    founded = moment - timedelta(days=900)
    dates = {"created_at": founded, "updated_at": founded}
    owner_id, users = await _make_people(connection, password_hash, dates)
    sites = await _make_organizations(connection, dates)
    await _make_memberships(connection, sites, users, dates)
    groups = 0
    for site in sites:
        await _make_profiles(connection, site, dates)
        share = site.place.share * things // 100
        groups += await _make_groups(connection, site, plan_groups(share, rng), dates)
    return Ground(sites, owner_id, groups, len(users))


async def _insert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), rows)


async def _make_people(
    connection: AsyncConnection, password_hash: str, dates: Mapping[str, datetime]
) -> tuple[UUID, dict[str, UUID]]:
    users = {person.email: new_id() for person in PEOPLE}
    rows = [
        {
            "id": users[person.email],
            "email": person.email,
            "name": person.name,
            "password_hash": password_hash,
            "status": person.status,
            "is_platform_admin": False,
            "metadata": {},
            **dates,
        }
        for person in PEOPLE
    ]
    await _insert(connection, USER, rows)
    return users[PEOPLE[0].email], users


async def _make_organizations(connection: AsyncConnection, dates: Mapping[str, datetime]) -> list[Site]:
    sites: list[Site] = []
    made: dict[str, UUID] = {}
    above: dict[str, list[UUID]] = {}
    rows: list[dict[str, Any]] = []
    closure: list[dict[str, Any]] = []
    for place, parent in FLEET.walk():
        key = made[place.name] = new_id()
        above[place.name] = [key, *(above[parent.name] if parent else [])]
        sites.append(Site(place, key))
        slug = place.name.lower().replace(" ", "-")
        rows.append(
            {
                "id": key,
                "parent_id": made[parent.name] if parent else None,
                "name": place.name,
                "description": place.description,
                "email": f"{slug}@example.com",
                "phone": None,
                "address": {"city": place.city, "country": "Exampleland"},
                "metadata": {"demo": True},
                **dates,
            }
        )
        closure += _closure("organization_id", above[place.name])
    await _insert(connection, ORGANIZATION, rows)
    await _insert(connection, ORGANIZATION_ANCESTOR, closure)
    return sites


def _closure(column: str, path: list[UUID]) -> list[dict[str, Any]]:
    """The closure rows of the first of `path`, which leads from it up to the root."""
    return [{column: path[0], "ancestor_id": ancestor, "depth": depth} for depth, ancestor in enumerate(path)]


async def _make_memberships(
    connection: AsyncConnection, sites: list[Site], users: Mapping[str, UUID], dates: Mapping[str, datetime]
) -> None:
    organizations = {site.place.name: site.id for site in sites}
    rows = [
        {
            "id": new_id(),
            "organization_id": organizations[organization],
            "user_id": users[person.email],
            "role": role,
            **dates,
        }
        for person in PEOPLE
        for organization, role in person.roles.items()
    ]
    await _insert(connection, MEMBERSHIP, rows)


async def _make_profiles(connection: AsyncConnection, site: Site, dates: Mapping[str, datetime]) -> None:
    rows = []
    for kind in site.place.kinds:
        key = site.profiles[kind.key] = new_id()
        rows.append(
            {
                "id": key,
                "organization_id": site.id,
                "name": kind.label,
                "description": f"How a {kind.label.lower()} talks.",
                "payload_format": kind.payload_format,
                "metadata": {"signals": [signal.name for signal in kind.signals]},
                **dates,
            }
        )
    await _insert(connection, PROFILE, rows)


async def _make_groups(
    connection: AsyncConnection, site: Site, plans: list[GroupPlan], dates: Mapping[str, datetime]
) -> int:
    above: dict[str, list[UUID]] = {}
    rows: list[dict[str, Any]] = []
    closure: list[dict[str, Any]] = []
    located = 0
    for plan in plans:
        key = new_id()
        above[plan.name] = [key, *(above[plan.parent] if plan.parent else [])]
        metadata = plan.meta
        if plan.is_located:
            metadata = metadata | site.place.locate(located)
            located += 1
        rows.append(
            {
                "id": key,
                "organization_id": site.id,
                "parent_id": above[plan.parent][0] if plan.parent else None,
                "name": plan.name,
                "kind": plan.kind,
                "description": plan.description,
                "metadata": metadata,
                **dates,
            }
        )
        closure += _closure("group_id", above[plan.name])
        if plan.weight:
            site.homes.append(key)
            site.weights.append(plan.weight + (site.weights[-1] if site.weights else 0))
        elif plan.share:
            site.crosses.append((key, plan.share))
    await _insert(connection, GROUP, rows)
    await _insert(connection, GROUP_ANCESTOR, closure)
    return len(rows)
