"""Things: creating, editing, moving, and the steps of their life. Bulk by default: one call, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select

from models import GroupRow, OrganizationRow, ProfileRow, ThingRow
from models.enums import EventKind, Lifecycle, Permission, ThingAuthStatus
from models.tables import AUTH_SET, GROUP_THING, THING, THING_LIFECYCLE
from services import accepted_things, departures, thing_parts
from services.errors import Conflict, InvalidInput, NotFound, WrongState
from services.scope import visible
from services.thing_drafts import (
    NAME_LENGTH,
    NAME_OCTETS,
    CreatedThing,
    ThingDraft,
    check_boot_keys,
    check_external_id,
    check_interval,
    check_limit,
    insert_things,
    lifecycle_row,
)
from services.thing_events import Place, groups_around, record_thing
from services.time_zones import check_time_zone
from services.tokens import digest, new_secret
from services.unit_of_work import UnitOfWork, check_version
from services.validation import Path, check_name, check_object, check_text
from sql.sets import member_of

MAX_BULK: Final = 500
MOVES: Final[Mapping[Lifecycle, frozenset[Lifecycle]]] = {
    Lifecycle.NEW: frozenset({Lifecycle.INSTALLED, Lifecycle.QUARANTINE, Lifecycle.RETIRED}),
    Lifecycle.INSTALLED: frozenset({Lifecycle.UNINSTALLED, Lifecycle.QUARANTINE, Lifecycle.RETIRED}),
    Lifecycle.UNINSTALLED: frozenset({Lifecycle.INSTALLED, Lifecycle.QUARANTINE, Lifecycle.RETIRED}),
    Lifecycle.QUARANTINE: frozenset({Lifecycle.INSTALLED, Lifecycle.UNINSTALLED, Lifecycle.RETIRED}),
    Lifecycle.RETIRED: frozenset(),
}
"""Which step may follow which: a retired thing never comes back, it is created anew."""
_ACCEPTED: Final = ThingAuthStatus.ACCEPTED


async def create(
    work: UnitOfWork, organization_id: UUID, drafts: Sequence[ThingDraft], path: Path = ("things",)
) -> list[CreatedThing]:
    """Create things in one organization (mainflux.thing.create-things).

    Raises InvalidInput for an empty list or broken values, NotFound for a group or profile that is not the
    organization's, Conflict for a taken external id, LimitReached when the organization may not have so many.
    """
    check_bulk(drafts, path)
    for index, draft in enumerate(drafts):
        thing_parts.check_free(draft.attributes, (*path, index, "attributes"))
    organization = await work.fetch(OrganizationRow, organization_id, Permission.THING_WRITE, ("organizationId",))
    await check_limit(work, organization, len(drafts), path)
    return await insert_things(work, organization_id, drafts, path)


async def edit(
    work: UnitOfWork, thing_id: UUID, changes: Mapping[str, Any], expected_version: int | None, path: Path
) -> None:
    """Change what is given of a thing: any of its plain columns, external_id, profile_id, tags, attributes.

    Absent keys stay as they are; None clears everything but name and type (mainflux.thing.update-thing).
    """
    row = await work.fetch(ThingRow, thing_id, Permission.THING_WRITE, (*path, "id"))
    check_version(row.version, expected_version, path)
    _set_columns(row, changes, path)
    if "external_id" in changes:
        await _set_external_id(work, row, changes["external_id"], (*path, "externalId"))
    if "profile_id" in changes:
        await _check_profile(work, row.organization_id, changes["profile_id"], (*path, "profileId"))
        row.profile_id = changes["profile_id"]
    if "tags" in changes:
        await thing_parts.replace_tags(work, thing_id, changes["tags"] or [], (*path, "tags"))
    if "attributes" in changes:
        thing_parts.check_free(changes["attributes"] or [], (*path, "attributes"))
        await thing_parts.write_attributes(work, thing_id, changes["attributes"], (*path, "attributes"))
    _touch(work, row)
    await work.session.flush()
    record_thing(work, EventKind.THING_UPDATED, row.id, _place(row))


async def move(
    work: UnitOfWork, thing_ids: Sequence[UUID], home_group_id: UUID | None, organization_id: UUID | None
) -> None:
    """Give things another home group, or none, and with `organization_id` another organization.

    The caller needs thing:write at both ends (mainflux.thing.move-thing). A move to another organization takes the
    things out of all groups and of their profile, which belong to the organization that they leave. Raises
    LimitReached when the new organization may not have so many, and WrongState for a thing that signs in by a key pair:
    the tenant token in it names the organization that it is in.
    """
    check_bulk(thing_ids, ("ids",))
    target = await _target(work, home_group_id, organization_id)
    rows = await fetch_all(work, thing_ids, Permission.THING_WRITE)
    if organization_id is not None:
        organization = await work.fetch(OrganizationRow, organization_id, Permission.THING_WRITE, ("organizationId",))
        await check_limit(work, organization, sum(row.organization_id != target for row in rows), ("ids",))
    around = await groups_around(work, thing_ids)
    for index, row in enumerate(rows):
        goal, before = target or row.organization_id, row.organization_id
        if home_group_id is not None and goal != row.organization_id and organization_id is None:
            raise InvalidInput("this thing is in another organization than the group", ("ids", index))
        await _move_one(work, row, home_group_id, goal, ("ids", index))
        place = Place(goal, home_group_id, None if goal == before else before)
        record_thing(work, EventKind.THING_MOVED, row.id, place, left=around[row.id])


async def remove(work: UnitOfWork, thing_ids: Sequence[UUID], permission: Permission = Permission.THING_DELETE) -> None:
    """Delete things with everything that is theirs; their keys stop working at once (mainflux.thing.delete-thing)."""
    check_bulk(thing_ids, ("ids",))
    rows = await fetch_all(work, thing_ids, permission)
    around = await groups_around(work, thing_ids)
    await departures.forget(work, [row.id for row in rows])
    await work.session.execute(delete(THING).where(member_of(THING.c.id, [row.id for row in rows])))
    for row in rows:
        record_thing(work, EventKind.THING_DELETED, row.id, _place(row), {"name": row.name}, left=around[row.id])
    await accepted_things.release(work, (row.organization_id for row in rows if row.auth_status is _ACCEPTED))


async def change_lifecycle(work: UnitOfWork, thing_ids: Sequence[UUID], lifecycle: Lifecycle, reason: str) -> None:
    """Take things a step further in their life, by the table of allowed steps; raises WrongState for others."""
    check_bulk(thing_ids, ("ids",))
    check_text(reason, ("reason",), limit=NAME_LENGTH)
    rows = await fetch_all(work, thing_ids, Permission.THING_WRITE)
    for index, row in enumerate(rows):
        if lifecycle not in MOVES[row.lifecycle]:
            raise WrongState(f"a thing cannot go from {row.lifecycle} to {lifecycle}", ("ids", index))
    for row in rows:
        detail = {"from": row.lifecycle.value, "to": lifecycle.value, "reason": reason}
        row.lifecycle = lifecycle
        _touch(work, row)
        record_thing(work, EventKind.THING_LIFECYCLE_CHANGED, row.id, _place(row), detail)
    await work.session.execute(
        insert(THING_LIFECYCLE),
        [lifecycle_row(work, row.id, lifecycle, reason) for row in rows],
    )


async def replace_key(work: UnitOfWork, thing_id: UUID) -> str:
    """Give a thing a new key; the old one stops working at once (mainflux.thing.replace-thing-key)."""
    row = await work.fetch(ThingRow, thing_id, Permission.THING_WRITE, ("id",))
    if row.decommissioned_at is not None:
        raise WrongState("the thing was taken out of use for good", ("id",))
    secret = new_secret()
    row.key_digest = digest(secret)
    _touch(work, row)
    record_thing(work, EventKind.THING_UPDATED, row.id, _place(row))
    return secret


def _set_columns(row: ThingRow, changes: Mapping[str, Any], path: Path) -> None:
    """Change what concerns nothing but the thing itself."""
    for name in ("name", "type"):
        if name in changes and changes[name] is None:
            raise InvalidInput("this cannot be empty", (*path, name))
    if "name" in changes:
        row.name = check_name(changes["name"], (*path, "name"), limit=NAME_LENGTH, octets=NAME_OCTETS)
    if "type" in changes:
        row.type = changes["type"]
    if "report_interval_seconds" in changes:
        row.report_interval_seconds = check_interval(changes["report_interval_seconds"], path)
    if "time_zone" in changes:
        row.time_zone = check_time_zone(changes["time_zone"], (*path, "timeZone"))
    if "boot_key_digests" in changes:
        row.boot_key_digests = check_boot_keys(changes["boot_key_digests"] or [], (*path, "bootKeyDigests"))
    if "metadata" in changes:
        row.meta = check_object({} if changes["metadata"] is None else changes["metadata"], (*path, "metadata"))


async def fetch_all(work: UnitOfWork, thing_ids: Sequence[UUID], permission: Permission) -> list[ThingRow]:
    """Lock and load several things, in the order asked for; each must be visible, then allowed."""
    statement = select(ThingRow).where(member_of(THING.c.id, thing_ids)).order_by(THING.c.id).with_for_update(of=THING)
    scope = visible(work.access, THING)
    if scope is not None:
        statement = statement.where(scope)
    found = {row.id: row for row in (await work.session.execute(statement)).scalars()}
    for index, thing_id in enumerate(thing_ids):
        if thing_id not in found:
            raise NotFound("there is no thing with this id", ("ids", index))
    for row in found.values():
        work.access.require(permission, row.organization_id)
    return [found[thing_id] for thing_id in thing_ids]


async def _target(work: UnitOfWork, home_group_id: UUID | None, organization_id: UUID | None) -> UUID | None:
    """The organization that things move to; None when they stay in theirs."""
    if home_group_id is not None:
        group = await work.fetch(GroupRow, home_group_id, Permission.THING_WRITE, ("homeGroupId",))
        if organization_id is not None and group.organization_id != organization_id:
            raise InvalidInput("the group is not in this organization", ("homeGroupId",))
        return group.organization_id
    if organization_id is not None:
        await work.fetch(OrganizationRow, organization_id, Permission.THING_WRITE, ("organizationId",))
    return organization_id


async def _move_one(work: UnitOfWork, row: ThingRow, home_group_id: UUID | None, goal: UUID, path: Path) -> None:
    memberships = delete(GROUP_THING).where(GROUP_THING.c.thing_id == row.id)
    if goal != row.organization_id:
        taken = THING.c.external_id == row.external_id
        if row.external_id is not None and await work.exists(THING.c.organization_id == goal, taken):
            raise Conflict("the external id is taken in the other organization", path)
        if await work.exists(AUTH_SET.c.thing_id == row.id):
            raise WrongState("a thing that signs in by a key pair stays in its organization", path)
        row.organization_id, row.profile_id = goal, None
        await departures.decommission(work, [row.id])
    else:
        leaves_home = GROUP_THING.c.is_home.is_(True)
        memberships = memberships.where(leaves_home | (GROUP_THING.c.group_id == home_group_id))
    await work.session.execute(memberships)
    row.home_group_id = home_group_id
    _touch(work, row)
    await work.session.flush()
    if home_group_id is not None:
        home = {"group_id": home_group_id, "thing_id": row.id, "is_home": True, "created_at": work.moment}
        await work.session.execute(insert(GROUP_THING).values(home))


async def _set_external_id(work: UnitOfWork, row: ThingRow, value: str | None, path: Path) -> None:
    external_id = check_external_id(value, path)
    if external_id is not None and external_id != row.external_id:
        same = THING.c.external_id == external_id
        if await work.exists(THING.c.organization_id == row.organization_id, same):
            raise Conflict("this external id is taken in the organization", path)
    row.external_id = external_id


async def _check_profile(work: UnitOfWork, organization_id: UUID, profile_id: UUID | None, path: Path) -> None:
    if profile_id is None:
        return
    profile = await work.fetch(ProfileRow, profile_id, None, path)
    if profile.organization_id != organization_id:
        raise InvalidInput("the profile belongs to another organization", path)


def check_bulk(items: Sequence[Any], path: Path) -> None:
    """Raise InvalidInput unless there are 1 to 500 items, and no id is given twice."""
    if not 1 <= len(items) <= MAX_BULK:
        raise InvalidInput(f"from 1 to {MAX_BULK} are taken at once", path)
    if items and isinstance(items[0], UUID) and len(set(items)) < len(items):
        raise InvalidInput("an id is given twice", path)


def _touch(work: UnitOfWork, row: ThingRow) -> None:
    row.version += 1
    row.updated_at = work.moment


def _place(row: ThingRow) -> Place:
    return Place(row.organization_id, row.home_group_id)
