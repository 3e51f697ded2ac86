"""Events of things: also for those who watch a group or an organization that a thing has left, or that is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true

from models.enums import EventKind
from models.tables import GROUP_ANCESTOR, GROUP_THING
from services.event_scope import LEFT_GROUPS
from services.unit_of_work import UnitOfWork
from sql.sets import member_of

Around = Mapping[UUID, Sequence[str]]
"""By thing: groups that it is in and all that are above them, each as hex."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is: its organization and its home group; `previous_organization_id` when it comes from there."""

    organization_id: UUID
    home_group_id: UUID | None = None
    previous_organization_id: UUID | None = None


async def groups_around(
    work: UnitOfWork, thing_ids: Sequence[UUID], *, among: ColumnElement[bool] | None = None
) -> Around:
    """The groups of things, as they are now; `among` is a condition on the table of things in groups.

    Asked for before things leave them, for `record_thing`.
    """
    rows = (
        select(GROUP_THING.c.thing_id, GROUP_ANCESTOR.c.ancestor_id)
        .join(GROUP_ANCESTOR, GROUP_ANCESTOR.c.group_id == GROUP_THING.c.group_id)
        .where(member_of(GROUP_THING.c.thing_id, thing_ids), true() if among is None else among)
        .distinct()
    )
    around: defaultdict[UUID, list[str]] = defaultdict(list)
    for thing_id, group_id in (await work.session.execute(rows)).all():
        around[thing_id].append(group_id.hex)
    return around


def record_thing(
    work: UnitOfWork,
    kind: EventKind,
    thing_id: UUID,
    place: Place,
    detail: dict[str, Any] | None = None,
    *,
    left: Sequence[str] = (),
) -> None:
    """Note that a thing changed; it has `left` these groups with it."""
    work.record(
        kind,
        organization_id=place.organization_id,
        previous_organization_id=place.previous_organization_id,
        group_id=place.home_group_id,
        subject_id=thing_id,
        thing_id=thing_id,
        detail={**(detail or {}), **({LEFT_GROUPS: sorted(left)} if left else {})},
    )
