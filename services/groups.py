"""Groups of things, nested up to three levels, and which things are in them.

A thing's home group is its place and is changed by moving the thing (`services.things`); any other group is joined and
left here. A deleted group takes the groups below it along, and leaves its things in the organization, without a home
those whose home it was (rainmaker.admin-groups.delete, thingstream.group.delete-group); only when asked to `cascade`
they go with it (mainflux.group.delete-group).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select, update

from models import GroupRow, OrganizationRow
from models.enums import EventKind, GroupKind, Permission
from models.tables import GROUP, GROUP_THING, THING
from services import trees
from services.cascades import BATCH, remove_things, require_few_things
from services.errors import Conflict, InvalidInput
from services.patches import DESCRIPTION, METADATA, NAME, Fields, apply_changes, checked
from services.thing_events import Place, groups_around, record_thing
from services.trees import GROUPS
from services.unit_of_work import UnitOfWork, check_version

_FIELDS: Final[Fields] = {"name": NAME, "description": DESCRIPTION, "metadata": METADATA}


@dataclass(frozen=True, slots=True)
class Removed:
    """What a deletion did: groups that went, things that went, and things that stayed without a home."""

    groups: int
    things: int
    homeless_things: int


async def create(
    work: UnitOfWork,
    organization_id: UUID,
    values: Mapping[str, Any],
    *,
    parent_id: UUID | None = None,
    kind: GroupKind = GroupKind.GROUP,
) -> UUID:
    """Create a group: `values` holds its `name` and any other field (mainflux.group.create-group).

    Raises NotFound, Forbidden, InvalidInput, Conflict for a taken name, LimitReached for a fourth level.
    """
    await trees.lock(work, GROUPS, organization_id)
    await work.fetch(OrganizationRow, organization_id, Permission.GROUP_WRITE, ("organizationId",))
    if parent_id is not None:
        await _fetch_parent(work, parent_id, organization_id)
    row = GroupRow(
        **checked(values, _FIELDS),
        organization_id=organization_id,
        parent_id=parent_id,
        kind=kind,
        created_at=work.moment,
        updated_at=work.moment,
    )
    await _require_free_name(work, row)
    work.session.add(row)
    await work.session.flush()
    await trees.plant(work, GROUPS, row.id, parent_id, ("parentId",))
    return row.id


async def edit(
    work: UnitOfWork, group_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> None:
    """Change what is given; a group never changes its organization (mainflux.group.update-group).

    Raises NotFound, Forbidden, InvalidInput, Conflict for an old version or a taken name.
    """
    row = await work.fetch(GroupRow, group_id, Permission.GROUP_WRITE, ("id",))
    check_version(row.version, expected_version)
    apply_changes(row, changes, _FIELDS, work.moment)
    await _require_free_name(work, row)


async def move(work: UnitOfWork, group_id: UUID, parent_id: UUID | None, expected_version: int | None = None) -> None:
    """Hang a group with all below it under another of its organization, or make it one of the first level.

    Raises NotFound, Forbidden, Conflict for an old version, LimitReached for a fourth level, InvalidInput for a
    parent in itself or in another organization.
    """
    row = await _lock_and_fetch(work, group_id, Permission.GROUP_WRITE)
    check_version(row.version, expected_version)
    if parent_id is not None:
        await _fetch_parent(work, parent_id, row.organization_id)
    if row.parent_id == parent_id:
        return
    await trees.move(work, GROUPS, group_id, parent_id, ("parentId",))
    row.parent_id = parent_id
    row.version += 1
    row.updated_at = work.moment


async def remove(
    work: UnitOfWork, group_id: UUID, *, cascade: bool = False, expected_version: int | None = None
) -> Removed:
    """Delete a group with all groups below it, and with `cascade` the things whose home is one of them.

    Raises NotFound, Forbidden (`cascade` takes thing:delete too), Conflict for an old version, LimitReached.
    """
    row = await _lock_and_fetch(work, group_id, Permission.GROUP_DELETE)
    if cascade:
        work.access.require(Permission.THING_DELETE, row.organization_id)
    check_version(row.version, expected_version)
    below = GROUPS.below(group_id)
    at_home = THING.c.home_group_id.in_(below)
    things = await remove_things(work, ("id",), at_home) if cascade else 0
    homeless = set() if cascade else await _take_home(work, at_home)
    await _let_go(work, below, homeless)
    groups = select(func.count()).select_from(below.subquery())
    count = (await work.session.execute(groups)).scalar_one()
    await work.session.execute(delete(GROUP).where(GROUP.c.id.in_(below)))
    return Removed(count, things, len(homeless))


async def _lock_and_fetch(work: UnitOfWork, group_id: UUID, permission: Permission) -> GroupRow:
    """Lock the organization's groups before the group itself, in the order in which everybody locks."""
    owner = select(GROUP.c.organization_id).where(GROUP.c.id == group_id)
    organization_id = (await work.session.execute(owner)).scalar_one_or_none()
    if organization_id is not None:
        await trees.lock(work, GROUPS, organization_id)
    return await work.fetch(GroupRow, group_id, permission, ("id",))


async def _fetch_parent(work: UnitOfWork, parent_id: UUID, organization_id: UUID) -> None:
    parent = await work.fetch(GroupRow, parent_id, None, ("parentId",))
    if parent.organization_id != organization_id:
        raise InvalidInput("the parent is a group of another organization", ("parentId",))


async def _require_free_name(work: UnitOfWork, row: GroupRow) -> None:
    same = (GROUP.c.organization_id == row.organization_id, GROUP.c.name == row.name)
    if await work.exists(*same, GROUP.c.id != row.id):
        raise Conflict("another group of the organization has this name", ("name",))


async def _take_home(work: UnitOfWork, at_home: ColumnElement[bool]) -> set[UUID]:
    """Leave things without a home group, as moving them does; says which there were."""
    await require_few_things(work, ("id",), at_home)
    statement = (
        update(THING)
        .where(at_home)
        .values(home_group_id=None, version=THING.c.version + 1, updated_at=work.moment)
        .returning(THING.c.id, THING.c.organization_id, THING.c.home_group_id)
    )
    rows = (await work.session.execute(statement)).all()
    await _record_all(work, EventKind.THING_MOVED, rows)
    return {row.id for row in rows}


async def _let_go(work: UnitOfWork, groups: Select[tuple[UUID]], homeless: Collection[UUID]) -> None:
    """Tell of the things that leave groups because these go, but for the `homeless`, which have been told of."""
    inside = select(GROUP_THING.c.thing_id).where(GROUP_THING.c.group_id.in_(groups), GROUP_THING.c.is_home.is_(False))
    guests = THING.c.id.in_(inside)
    await require_few_things(work, ("id",), guests)
    statement = select(THING.c.id, THING.c.organization_id, THING.c.home_group_id).where(guests).order_by(THING.c.id)
    rows = (await work.session.execute(statement)).all()
    await _record_all(work, EventKind.THING_UPDATED, [row for row in rows if row.id not in homeless])


async def _record_all(work: UnitOfWork, kind: EventKind, things: Sequence[Any]) -> None:
    """Note that things have changed, which are still in their groups."""
    for start in range(0, len(things), BATCH):
        batch = things[start : start + BATCH]
        around = await groups_around(work, [thing.id for thing in batch])
        for thing in batch:
            place = Place(thing.organization_id, thing.home_group_id)
            record_thing(work, kind, thing.id, place, left=around[thing.id])
