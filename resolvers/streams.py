"""The streams of the subscription root: the events that each gives, and what its arguments ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, and_

from engine.errors import BadUserInput
from engine.filters import compile_filter
from engine.resolve import key_in
from models.enums import EventKind
from resolvers.arguments import given
from resolvers.event_records import (
    Make,
    make_connectivity_event,
    make_deployment_event,
    make_execution_event,
    make_fleet_event,
    make_job_event,
    make_membership_event,
    make_offer_event,
    make_state_event,
    make_thing_event,
)
from schema.event_scope import EventScopeInput
from schema.thing_filter import ThingFilter
from services.events import EventScope

MAX_IDS: Final = 100
THING_KINDS: Final = (
    EventKind.THING_CREATED,
    EventKind.THING_UPDATED,
    EventKind.THING_MOVED,
    EventKind.THING_DELETED,
    EventKind.THING_LIFECYCLE_CHANGED,
)


@dataclass(frozen=True, slots=True)
class Stream:
    """One field of the subscription root, `name`: the kinds of its events, and what is sent of each.

    `record` makes the value of the field; with True, for an event that stands for several. With `merges`, of the events
    about one subject that a slow reader has not been sent yet only the newest need be sent: what it says, or leads to,
    is the whole present state. Of all others each one counts: a thing that went offline and came back must not look as
    if it had never been away.
    """

    name: str
    kinds: tuple[EventKind, ...]
    record: Make
    merges: bool = False


STREAMS: Final[Mapping[str, Stream]] = {
    stream.name: stream
    for stream in (
        Stream("thingStateChanged", (EventKind.THING_STATE_CHANGED,), make_state_event, merges=True),
        Stream("thingConnectivityChanged", (EventKind.THING_CONNECTIVITY_CHANGED,), make_connectivity_event),
        Stream("thingChanged", THING_KINDS, make_thing_event),
        Stream("otaExecutionChanged", (EventKind.OTA_EXECUTION_CHANGED,), make_execution_event),
        Stream("otaUpdateOffered", (EventKind.OTA_UPDATE_OFFERED,), make_offer_event),
        Stream("deploymentProgress", (EventKind.DEPLOYMENT_CHANGED,), make_deployment_event, merges=True),
        Stream("otaJobProgress", (EventKind.OTA_JOB_CHANGED,), make_job_event, merges=True),
        Stream("membershipChanged", (EventKind.MEMBERSHIP_CHANGED,), make_membership_event),
        Stream("events", tuple(EventKind), make_fleet_event),
    )
}
"""Every stream by the name of its field."""


@dataclass(frozen=True, slots=True)
class FilteredThings:
    """A filter of things, compiled; equal to another one that says the same."""

    text: str
    _condition: ColumnElement[bool] = field(compare=False, repr=False)

    @classmethod
    def of(cls, wanted: ThingFilter) -> FilteredThings:
        """Compile a filter; raises BadUserInput for one that cannot be."""
        condition = and_(*compile_filter(wanted))
        return cls(orjson.dumps(wanted, default=lambda _: None).decode(), condition)

    def condition(self) -> ColumnElement[bool]:
        """The filter as SQL over the table of things."""
        return self._condition


def request(stream: Stream, arguments: Mapping[str, Any]) -> tuple[EventScope, str | None]:
    """The scope and the cursor that the arguments of a field ask for; `arguments` by their Python names, converted.

    Raises BadUserInput for what cannot be asked for: no id or too many of them, ids of another type, a filter that
    cannot be compiled.
    """
    wanted: EventScopeInput | None = given(arguments.get("scope"))
    scope = EventScope(
        _kinds(stream, given(arguments.get("kinds"))),
        subject_ids=(
            *_keys("deployment", given(arguments.get("deployment_ids")), "deploymentIds"),
            *_keys("otajob", given(arguments.get("ota_job_ids")), "otaJobIds"),
        ),
        **({} if wanted is None else _parts(wanted)),
    )
    return scope, given(arguments.get("after"))


def _parts(wanted: EventScopeInput) -> dict[str, Any]:
    organization, group, things = given(wanted.organization_id), given(wanted.group_id), given(wanted.filter)
    return {
        "organization_id": None if organization is None else key_in("org", organization),
        "group_id": None if group is None else key_in("group", group),
        "thing_ids": _keys("thing", given(wanted.thing_ids), "thingIds"),
        "things": None if things is None else FilteredThings.of(things),
    }


def _kinds(stream: Stream, wanted: Sequence[EventKind] | None) -> tuple[EventKind, ...]:
    """The kinds in the order of the enum, each once."""
    if wanted is None:
        return stream.kinds
    if not wanted:
        raise BadUserInput("kinds takes at least one kind")
    return tuple(kind for kind in stream.kinds if kind in wanted)


def _keys(prefix: str, ids: Sequence[str] | None, name: str) -> tuple[UUID, ...]:
    """The keys in global ids, sorted, each once; nothing when the argument was not given."""
    if ids is None:
        return ()
    if not 1 <= len(ids) <= MAX_IDS:
        raise BadUserInput(f"{name} takes from 1 to {MAX_IDS} ids")
    return tuple(sorted({key_in(prefix, each) for each in ids}))
