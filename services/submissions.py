"""Reports on their way: what is asked of each, and what it makes of the state of its thing.

Nothing here reads or writes. `services.reports` locks and reads things, applies the submissions of one transaction to
them one after the other, and writes what has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson

from models.enums import EventKind, Permission
from models.errors import StoreError
from models.writers import NewEvent, NewState, StoredThing
from services.access import Access
from services.errors import FleetError, InvalidInput, NotFound, Unauthenticated
from services.states import merge
from services.validation import check_merged, check_object

SEEN_SECONDS: Final = 5.0
"""How exact `last_seen_at` is: to write it anew costs as much as all else, since many indexes of a thing follow."""
SEEN_PARTS: Final = 4
"""It is this much more exact than the interval in which a thing is to be heard of."""


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody says of a thing: its key (None for the thing that asks), and an object.

    It is merged into the last report: objects key by key, null takes a key away, everything else is replaced. With
    `replace` it stands alone.
    """

    thing_id: UUID | None
    reported: Any
    replace: bool = False


class State(dict[str, Any]):
    """The state of a thing as it was committed, by the names of its columns; JSON is read when it is asked for."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str], **values: Any) -> None:
        """`texts` are columns as JSON."""
        super().__init__(values)
        self._texts = texts

    def __missing__(self, name: str) -> Any:
        found = self[name] = orjson.loads(self._texts[name])
        return found


@dataclass(slots=True)
class Taken:
    """A report that was committed, with the version that it made; `state` is that of the thing after the commit."""

    thing_id: UUID
    version: int
    state: State


Outcome = Taken | FleetError


class Submission:
    """Reports of one caller that are written with one transaction; `written` gives the access that permitted them."""

    __slots__ = ("access", "attempts", "entries", "keys", "written")

    def __init__(self, access: Access, entries: Sequence[Entry]) -> None:
        self.access = access
        self.attempts = 0
        self.entries = entries
        self.keys = frozenset(entry.key for entry in entries)
        self.written: asyncio.Future[Access] = asyncio.get_running_loop().create_future()

    def is_current(self, epoch: int, stored: Mapping[str, LockedThing], moment: datetime) -> bool:
        """Whether the access is what it was when it was resolved; a thing whose key is gone is told so.

        What a thing may do by a token was not presumed: it was read for this very operation.
        """
        thing = self.access.thing
        if thing is not None:
            own = stored.get(thing.thing_id.hex)
            if own is not None and (thing.token_id is not None or own.row.key_digest == thing.digest):
                return True
            self.fail(Unauthenticated("the thing's key is not valid"))
            return False
        if self.access.ends_at is not None and self.access.ends_at <= moment:
            return False
        return self.access.principal is None or self.access.stamp == epoch

    def succeed(self) -> None:
        """Tell the caller, who may have gone."""
        if not self.written.done():
            self.written.set_result(self.access)

    def fail(self, error: Exception) -> None:
        """Tell the caller what went wrong with the transaction."""
        if self.written.done():
            return
        if isinstance(error, FleetError):
            self.written.set_exception(type(error)(error.message, error.path))
            return
        failed = StoreError("the reports could not be written")
        failed.__cause__ = error
        self.written.set_exception(failed)


class LockedThing:
    """A thing that is locked, and what it has come to report."""

    __slots__ = ("_characters", "connected", "is_changed", "reported", "row", "state", "version")

    def __init__(self, row: StoredThing) -> None:
        self.row = row
        self._characters = len(row.reported)
        self.connected = row.connected
        self.version = row.version
        self.reported: dict[str, Any] | None = None
        self.is_changed = False
        self.state: State | None = None

    def merge(self, values: dict[str, Any], characters: int, *, replace: bool) -> None:
        """Take a report, whose JSON has so many characters."""
        if replace:
            self.reported, self._characters = values, characters
        else:
            stored = orjson.loads(self.row.reported) if self.reported is None else self.reported
            together = self._characters + characters
            self.reported = check_merged(merge(stored, values), ("reported",), characters=together)
            self._characters = together
        self.version += 1
        self.is_changed = True

    def is_to_be_seen(self, moment: datetime) -> bool:
        """Whether it is worth writing that it was seen now."""
        seen, interval = self.row.last_seen_at, self.row.report_interval_seconds
        if not self.row.connected or seen is None:
            return True
        exact = SEEN_SECONDS if interval is None else min(SEEN_SECONDS, interval / SEEN_PARTS)
        return moment - seen >= timedelta(seconds=exact)

    def new_state(self) -> NewState:
        """The row to be written."""
        return NewState(self.row.id, _dump(self.reported), self.version)

    def settle(self, reported: str, moment: datetime) -> None:
        """It is committed, and `reported` is what the database has."""
        row = self.row
        self.state = State(
            {"reported": reported, "desired": row.desired},
            thing_id=UUID(hex=row.id),
            version=self.version,
            reported_at=moment,
            desired_at=row.desired_at,
        )


class Entry:
    """A report that is valid in itself, about the thing with this key."""

    __slots__ = ("_error", "_thing", "_version", "key", "replace", "values")

    def __init__(self, key: str, values: dict[str, Any], *, replace: bool) -> None:
        self.key = key
        self.values = values
        self.replace = replace
        self._error: FleetError | None = None
        self._thing: LockedThing | None = None
        self._version = 0

    def apply(self, access: Access, stored: Mapping[str, LockedThing]) -> list[NewEvent]:
        """Merge it into what its thing reports; the events of that, none when it cannot be taken."""
        self._error = None
        try:
            thing = _permitted(access, stored.get(self.key))
            patch = _dump(self.values)
            thing.merge(self.values, len(patch), replace=self.replace)
        except FleetError as error:
            self._error = error
            return []
        self._thing, self._version = thing, thing.version
        row = thing.row
        about = (row.organization_id, row.group_id, row.id)
        detail = f'{{"patch":{patch},"side":"REPORTED","version":{thing.version}}}'
        changed = NewEvent(_CHANGED, *about, detail)
        if thing.connected:
            return [changed]
        thing.connected = True
        return [NewEvent(_CONNECTIVITY, *about, _CONNECTED), changed]

    def outcome(self) -> Outcome:
        """What became of it, once its submission is written."""
        if self._error is not None:
            return self._error
        if self._thing is None or self._thing.state is None:
            raise RuntimeError("a report has no outcome before it is written")
        return Taken(self._thing.state["thing_id"], self._version, self._thing.state)


def prepare(access: Access, report: Report | FleetError) -> Entry | FleetError:
    """What can be said of a report without reading anything; what is wrong already stays so."""
    if isinstance(report, FleetError):
        return report
    try:
        values = check_object(report.reported, ("reported",))
        return Entry(_subject(access, report.thing_id).hex, values, replace=report.replace)
    except FleetError as error:
        return error


def _subject(access: Access, named: UUID | None) -> UUID:
    """The thing that is reported of: the caller itself, or the one that a person names."""
    if access.thing is not None:
        if named not in {None, access.thing.thing_id}:
            raise _unknown()
        return access.thing.thing_id
    if named is None:
        raise InvalidInput("a person has to name the thing", ("thingId",))
    return named


def _permitted(access: Access, thing: LockedThing | None) -> LockedThing:
    """The thing, if the caller sees it and may report of it."""
    if thing is None:
        raise _unknown()
    if access.thing is None:
        organization = _uuid(thing.row.organization_id)
        if not access.allows(Permission.THING_READ, organization):
            raise _unknown()
        access.require(Permission.STATE_REPORT, organization)
    return thing


def _unknown() -> NotFound:
    return NotFound("there is no thing with this id", ("thingId",))


@lru_cache(maxsize=10_000)
def _uuid(key: str) -> UUID:
    return UUID(hex=key)


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


_CONNECTED: Final = _dump({"connected": True, "reason": "REPORT"})
_CONNECTIVITY: Final = EventKind.THING_CONNECTIVITY_CHANGED.value
_CHANGED: Final = EventKind.THING_STATE_CHANGED.value
