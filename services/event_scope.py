"""Which events a reader wants, as SQL over the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import Column, ColumnElement, FromClause, Select, and_, exists, or_, select

from models.enums import EventKind
from models.tables import EVENT, GROUP_ANCESTOR, GROUP_THING, ORGANIZATION_ANCESTOR, OTA_EXECUTION, THING
from sql.sets import member_of

LEFT_GROUPS: Final = "leftGroups"
"""Where the detail of an event has the groups that its thing has left with it, and all that were above them: hex."""
LEAVING: Final = (EventKind.THING_UPDATED, EventKind.THING_MOVED, EventKind.THING_DELETED)
"""Kinds of events with which a thing may leave groups."""
_COUNTING: Final = {
    EventKind.DEPLOYMENT_CHANGED: OTA_EXECUTION.c.deployment_id,
    EventKind.OTA_JOB_CHANGED: OTA_EXECUTION.c.job_id,
}
"""Kinds of events that are about many things at once, and where executions name their subject."""


Among = Callable[[FromClause], ColumnElement[bool]]
"""A condition on the log, or on an alias of it."""


class ThingSelection(Protocol):
    """A condition on things that a reader has given, as something hashable: equal ones select the same things."""

    def __hash__(self) -> int:
        """Equal selections have equal hashes."""

    def condition(self) -> ColumnElement[bool]:
        """The condition as SQL over the table of things."""


@dataclass(frozen=True, slots=True)
class EventScope:
    """Which events a reader wants; every part that is given must hold. Empty tuples and None ask for nothing.

    `subject_ids` are ids of what the events are about: things, executions, jobs, deployments, or memberships.
    """

    kinds: tuple[EventKind, ...]
    organization_id: UUID | None = None
    group_id: UUID | None = None
    thing_ids: tuple[UUID, ...] = ()
    subject_ids: tuple[UUID, ...] = ()
    things: ThingSelection | None = None

    @property
    def is_of_things(self) -> bool:
        """Whether a part of the scope is a question about things."""
        return self.group_id is not None or bool(self.thing_ids) or self.things is not None

    def condition(self, among: Among) -> ColumnElement[bool]:
        """The scope as SQL over the log, true or false of the log and of the fleet as they are when it runs.

        `among` says of a table like the log which rows are asked at all; the statement has that condition on the log,
        too. So what many events are about is looked at once.

        - An organization stands for itself and all below it. What has left one of them belongs there, too.
        - A group stands for itself and all below it: for the things that are in one of them now, for events at whose
          time one of them was the thing's home, and for events with which the thing has left one of them.
        - A deployment or job is in the scope of a thing when it has an execution on it: on one that meets all parts.
        - Where a part asks about things, what is about no thing is out of scope: memberships.
        """
        clauses: list[ColumnElement[bool]] = [EVENT.c.kind.in_(self.kinds)]
        if self.subject_ids:
            clauses.append(member_of(EVENT.c.subject_id, self.subject_ids))
        if self.organization_id is not None:
            tree = ORGANIZATION_ANCESTOR.c
            below = select(tree.organization_id).where(tree.ancestor_id == self.organization_id)
            # An organization that is gone has no place in the tree, but a name in its last events.
            columns = (EVENT.c.organization_id, EVENT.c.previous_organization_id)
            places = ((column.in_(below), column == self.organization_id) for column in columns)
            clauses.append(or_(*(condition for place in places for condition in place)))
        if self.is_of_things:
            clauses.append(or_(and_(*self._of_the_thing()), *self._counting_things(among)))
        return and_(*clauses)

    def _of_the_thing(self) -> Iterator[ColumnElement[bool]]:
        thing = EVENT.c.thing_id
        if self.thing_ids:
            yield member_of(thing, self.thing_ids)
        if self.group_id is not None:
            of_home = and_(thing.is_not(None), EVENT.c.group_id.in_(self._groups))
            left = EVENT.c.detail[LEFT_GROUPS].as_string().contains(self.group_id.hex)
            yield or_(of_home, thing.in_(self._in_groups), and_(EVENT.c.kind.in_(LEAVING), left))
        if self.things is not None:
            yield self._matching(thing)

    def _counting_things(self, among: Among) -> Iterator[ColumnElement[bool]]:
        execution, asked = OTA_EXECUTION.c.thing_id, EVENT.alias("asked")
        for kind, subject in _COUNTING.items():
            if kind not in self.kinds:
                continue
            subjects = select(asked.c.subject_id).where(asked.c.kind == kind, among(asked)).distinct().subquery()
            clauses: list[ColumnElement[bool]] = [subject == subjects.c.subject_id]
            if self.thing_ids:
                clauses.append(member_of(execution, self.thing_ids))
            if self.group_id is not None:
                clauses.append(execution.in_(self._in_groups))
            if self.things is not None:
                clauses.append(self._matching(execution))
            counting = select(subjects.c.subject_id).where(exists().where(*clauses).correlate(subjects))
            yield and_(EVENT.c.kind == kind, EVENT.c.subject_id.in_(counting))

    def _matching(self, thing: Column[Any]) -> ColumnElement[bool]:
        if self.things is None:
            raise ValueError("the scope has no filter of things")
        return exists().where(THING.c.id == thing, self.things.condition()).correlate(thing.table)

    @property
    def _groups(self) -> Select[tuple[UUID]]:
        tree = GROUP_ANCESTOR.c
        return select(tree.group_id).where(tree.ancestor_id == self.group_id)

    @property
    def _in_groups(self) -> Select[tuple[UUID]]:
        return select(GROUP_THING.c.thing_id).where(GROUP_THING.c.group_id.in_(self._groups))
