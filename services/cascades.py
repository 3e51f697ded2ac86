"""Deleting all things of an organization or of a group, when it goes and they go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select

from models.enums import EventKind, ThingAuthStatus
from models.tables import THING
from services import accepted_things
from services.departures import forget
from services.errors import LimitReached
from services.thing_events import Place, groups_around, record_thing
from services.unit_of_work import UnitOfWork
from services.validation import Path
from sql.sets import member_of

MAX_THINGS: Final = 50_000
"""In one transaction, which on SQLite keeps other writers waiting for seconds; what holds more is emptied in parts."""
BATCH: Final = 2_000
"""Keeps each statement far below the time that one may take."""


@dataclass(frozen=True, slots=True)
class Heir:
    """Who learns of the end of what was in an organization: those of the one above it, or of its own when it has none.

    `removed_id` is the organization that was deleted, whichever of those below it the thing, job or member was in.
    """

    organization_id: UUID
    removed_id: UUID


async def count_things(work: UnitOfWork, *conditions: ColumnElement[bool]) -> int:
    """How many things meet the conditions."""
    return (await work.session.execute(select(func.count()).select_from(THING).where(*conditions))).scalar_one()


async def require_few_things(work: UnitOfWork, path: Path, *conditions: ColumnElement[bool]) -> int:
    """How many things meet the conditions; raises LimitReached for more than 50,000."""
    total = await count_things(work, *conditions)
    if total > MAX_THINGS:
        raise LimitReached(f"there are {total:,} things in it; at most {MAX_THINGS:,} are changed at once", path)
    return total


async def remove_things(
    work: UnitOfWork, path: Path, *conditions: ColumnElement[bool], heir: Heir | None = None
) -> int:
    """Delete the things that meet the conditions with everything that is theirs; says how many there were.

    `heir` is given when their organization goes, too. Access is the caller's business. Their keys stop working with the
    commit (mainflux.org.delete-org). Raises LimitReached for more than 50,000.
    """
    total = await require_few_things(work, path, *conditions)
    accepted: list[UUID] = []
    while rows := await _next_batch(work, *conditions):
        keys = [row.id for row in rows]
        around = await groups_around(work, keys)
        await forget(work, keys)
        await work.session.execute(delete(THING).where(member_of(THING.c.id, keys)))
        for row in rows:
            here, left = (row.organization_id, None) if heir is None else (heir.organization_id, heir.removed_id)
            place = Place(here, row.home_group_id, left)
            record_thing(work, EventKind.THING_DELETED, row.id, place, {"name": row.name}, left=around[row.id])
        accepted += [row.organization_id for row in rows if row.auth_status is ThingAuthStatus.ACCEPTED]
    await accepted_things.release(work, accepted)
    return total


async def _next_batch(work: UnitOfWork, *conditions: ColumnElement[bool]) -> list[Any]:
    statement = (
        select(THING.c.id, THING.c.organization_id, THING.c.home_group_id, THING.c.name, THING.c.auth_status)
        .where(*conditions)
        .order_by(THING.c.id)
        .limit(BATCH)
        .with_for_update()
    )
    return list((await work.session.execute(statement)).all())
