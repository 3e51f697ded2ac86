"""What an update is aimed at: things and groups, a filter, or everything in one organization."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, false, or_, select, true

from models.tables import GROUP, GROUP_ANCESTOR, GROUP_THING, THING
from services.errors import InvalidInput, LimitReached, NotFound
from services.scope import visible
from services.unit_of_work import UnitOfWork
from sql.sets import member_of

MAX_THINGS: Final = 10_000
MAX_GROUPS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Target:
    """Either things and/or groups (each with all groups below it), or a condition on `thing`, or everything.

    `document` is the target in the words of the caller, for people to read later, and for finding things that come to
    meet it.
    """

    thing_ids: Sequence[UUID] | None = None
    group_ids: Sequence[UUID] | None = None
    condition: ColumnElement[bool] | None = None
    everything: bool = False
    document: Mapping[str, Any] = field(default_factory=dict)

    def check(self, *, dynamic: bool = False) -> None:
        """Raise InvalidInput or LimitReached unless exactly one kind of target is given, within bounds.

        A `dynamic` campaign can only be joined by things that meet a condition, or by all
        (mender.ota.create-dynamic-deployment, rainmaker.ota.job-dynamic).
        """
        listed = self.thing_ids is not None or self.group_ids is not None
        if [listed, self.condition is not None, self.everything].count(True) != 1:
            raise InvalidInput("a target is things and groups, or a filter, or all: exactly one of these", ("target",))
        if listed and not self.thing_ids and not self.group_ids:
            raise InvalidInput("the target names no thing and no group", ("target",))
        if listed and dynamic:
            raise InvalidInput("the target of a dynamic campaign is a filter, or all", ("dynamic",))
        _bound(self.thing_ids, MAX_THINGS, "thingIds")
        _bound(self.group_ids, MAX_GROUPS, "groupIds")


async def resolve(
    work: UnitOfWork, organization_id: UUID, target: Target, *, dynamic: bool = False
) -> ColumnElement[bool]:
    """The condition on `thing` that the target stands for, inside the organization and the caller's scope.

    It holds for things that have been decommissioned too, whom nothing is made for (`living`). Raises what
    `Target.check` raises, and NotFound for the first thing or group that is not there for the caller, so that a typing
    error never shrinks a campaign unnoticed.
    """
    target.check(dynamic=dynamic)
    inside = and_(THING.c.organization_id == organization_id, _scope(work, THING))
    if target.everything:
        return inside
    if target.condition is not None:
        return and_(inside, target.condition)
    things, groups = target.thing_ids or (), target.group_ids or ()
    await _require(work, THING, organization_id, things, "thingIds")
    await _require(work, GROUP, organization_id, groups, "groupIds")
    return and_(inside, or_(false(), *_listed(things, groups)))


def living(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition on `thing` without those that have been decommissioned."""
    return and_(condition, THING.c.decommissioned_at.is_(None))


def _listed(things: Sequence[UUID], groups: Sequence[UUID]) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    if things:
        parts.append(member_of(THING.c.id, things))
    if groups:
        below = (
            select(GROUP_THING.c.thing_id)
            .join(GROUP_ANCESTOR, GROUP_ANCESTOR.c.group_id == GROUP_THING.c.group_id)
            .where(member_of(GROUP_ANCESTOR.c.ancestor_id, groups))
        )
        parts.append(THING.c.id.in_(below))
    return parts


async def _require(
    work: UnitOfWork, table: Table, organization_id: UUID, keys: Sequence[UUID], field_name: str
) -> None:
    if not keys:
        return
    statement = select(table.c.id).where(
        member_of(table.c.id, keys), table.c.organization_id == organization_id, _scope(work, table)
    )
    found = set((await work.session.execute(statement)).scalars())
    for index, key in enumerate(keys):
        if key not in found:
            noun = "thing" if table is THING else "group"
            raise NotFound(f"there is no {noun} with this id in the organization", ("target", field_name, index))


def _scope(work: UnitOfWork, table: Table) -> ColumnElement[bool]:
    scope = visible(work.access, table)
    return true() if scope is None else scope


def _bound(values: Collection[UUID] | None, most: int, field_name: str) -> None:
    if values is not None and len(values) > most:
        raise LimitReached(f"at most {most:,} may be listed; use groups or a filter for more", ("target", field_name))
