"""Things in and out of groups that are not their home; bulk, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select

from models import GroupRow
from models.enums import EventKind, Permission
from models.tables import GROUP_THING, THING
from services.errors import InvalidInput, NotFound, WrongState
from services.scope import visible
from services.thing_events import Place, groups_around, record_thing
from services.unit_of_work import UnitOfWork
from sql.sets import member_of

MAX_THINGS: Final = 1_000


async def add(work: UnitOfWork, group_id: UUID, thing_ids: Sequence[UUID]) -> list[UUID]:
    """Put things into a group of their own organization; gives those that were not in it before.

    Members already in it stay as they are (mender.group.add-devices-bulk). Raises NotFound for a group or a thing that
    is not there for the caller, Forbidden, InvalidInput for things of another organization and for too many.
    """
    group = await work.fetch(GroupRow, group_id, Permission.GROUP_WRITE, ("groupId",))
    things = await _fetch_things(work, thing_ids)
    for index, thing in enumerate(things):
        if thing.organization_id != group.organization_id:
            raise InvalidInput("this thing belongs to another organization than the group", ("thingIds", index))
    present = await _present(work, group_id, thing_ids)
    added = [thing for thing in things if thing.id not in present]
    if added:
        rows = [
            {"group_id": group_id, "thing_id": thing.id, "is_home": False, "created_at": work.moment} for thing in added
        ]
        await work.session.execute(insert(GROUP_THING), rows)
    for thing in added:
        _record(work, group, thing, "ADDED")
    return [thing.id for thing in added]


async def remove(work: UnitOfWork, group_id: UUID, thing_ids: Sequence[UUID]) -> list[UUID]:
    """Take things out of a group; gives those that were in it, the others are left alone.

    Raises as `add` does, and WrongState for a thing whose home the group is: it is moved instead.
    """
    group = await work.fetch(GroupRow, group_id, Permission.GROUP_WRITE, ("groupId",))
    things = await _fetch_things(work, thing_ids)
    for index, thing in enumerate(things):
        if thing.home_group_id == group_id:
            raise WrongState("this group is the thing's home; move the thing instead", ("thingIds", index))
    present = await _present(work, group_id, thing_ids)
    removed = [thing for thing in things if thing.id in present]
    around = await groups_around(work, thing_ids, among=GROUP_THING.c.group_id == group_id)
    await work.session.execute(
        delete(GROUP_THING).where(GROUP_THING.c.group_id == group_id, member_of(GROUP_THING.c.thing_id, thing_ids))
    )
    for thing in removed:
        _record(work, group, thing, "REMOVED", around[thing.id])
    return [thing.id for thing in removed]


async def _fetch_things(work: UnitOfWork, thing_ids: Sequence[UUID]) -> list[Any]:
    """The things in the order asked for, held so that nobody moves them meanwhile."""
    if not 1 <= len(thing_ids) <= MAX_THINGS:
        raise InvalidInput(f"from 1 to {MAX_THINGS:,} are taken at once", ("thingIds",))
    if len(set(thing_ids)) < len(thing_ids):
        raise InvalidInput("an id is given twice", ("thingIds",))
    statement = (
        select(THING.c.id, THING.c.organization_id, THING.c.home_group_id)
        .where(member_of(THING.c.id, thing_ids))
        .order_by(THING.c.id)
        .with_for_update(read=True)
    )
    scope = visible(work.access, THING)
    if scope is not None:
        statement = statement.where(scope)
    found = {row.id: row for row in (await work.session.execute(statement)).all()}
    for index, thing_id in enumerate(thing_ids):
        if thing_id not in found:
            raise NotFound("there is no thing with this id", ("thingIds", index))
    return [found[thing_id] for thing_id in thing_ids]


async def _present(work: UnitOfWork, group_id: UUID, thing_ids: Sequence[UUID]) -> set[UUID]:
    statement = select(GROUP_THING.c.thing_id).where(
        GROUP_THING.c.group_id == group_id, member_of(GROUP_THING.c.thing_id, thing_ids)
    )
    return set((await work.session.execute(statement)).scalars())


def _record(work: UnitOfWork, group: GroupRow, thing: Any, change: str, left: Sequence[str] = ()) -> None:
    place = Place(group.organization_id, thing.home_group_id)
    detail = {"group": {"id": group.id.hex, "change": change}}
    record_thing(work, EventKind.THING_UPDATED, thing.id, place, detail, left=left)
