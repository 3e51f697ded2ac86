"""The rules of a campaign: how its updates are given out, and when that stops. Of deployments and of jobs alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from models import DeploymentRow, OtaJobRow
from services.errors import InvalidInput
from services.patches import METADATA, Fields, Patched, checked
from services.validation import Path, check_object, check_range

FIRST_PRIORITY: Final = 1
LAST_PRIORITY: Final = 10
MAX_RETRIES: Final = 100
MAX_THINGS: Final = 2**31 - 1
MAX_SECONDS: Final = 10 * 365 * 86_400
MINUTES_OF_DAY: Final = 1_440
PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Window:
    """When updates are given out: minutes of the thing's local day; an end before the start lies on the next day."""

    start: int
    end: int

    def check(self, path: Path = ("window",)) -> None:
        """Raise InvalidInput for numbers out of range, and for a window of no length."""
        check_range(self.start, (*path, "start"), least=0, most=MINUTES_OF_DAY)
        check_range(self.end, (*path, "end"), least=0, most=MINUTES_OF_DAY)
        if self.start in {self.end, self.end + MINUTES_OF_DAY}:
            raise InvalidInput("a window that ends when it starts is never open", path)


@dataclass(frozen=True, slots=True)
class StopRule:
    """When a campaign pauses by itself: more than `failures`, or more than `percent` of at least `minimum` that ended.

    A percentage without a minimum counts from the first thing that has ended.
    """

    failures: int | None = None
    percent: int | None = None
    minimum: int | None = None

    def check(self, path: Path = ("stop",)) -> None:
        """Raise InvalidInput for numbers out of range, and for a rule that says nothing."""
        if self.failures is None and self.percent is None:
            raise InvalidInput("give a number of failures, or a percentage, or both", path)
        if self.failures is not None:
            check_range(self.failures, (*path, "failures"), least=0, most=MAX_THINGS)
        if self.percent is not None:
            check_range(self.percent, (*path, "percent"), least=0, most=PERCENT)
        if self.minimum is not None:
            check_range(self.minimum, (*path, "minimum"), least=1, most=MAX_THINGS)
            if self.percent is None:
                raise InvalidInput("a minimum goes with a percentage", (*path, "minimum"))


@dataclass(frozen=True, slots=True)
class Rules:
    """How updates are given out: `priority` from 1 (first) to 10, `retries` after failures, `starts_at` (None: now).

    With `approval` each waits for a person, whom `notify` tells and to whom `share_file` gives the file; `force` sends
    it to connected things at once. A `dynamic` campaign is joined by things that come to meet its target, and ends
    after `max_things` or `timeout_seconds`.
    """

    priority: int = 5
    retries: int = 0
    starts_at: datetime | None = None
    approval: bool = False
    notify: bool = False
    share_file: bool = False
    force: bool = False
    dynamic: bool = False
    max_things: int | None = None
    timeout_seconds: int | None = None
    window: Window | None = None
    stop: StopRule | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise InvalidInput for numbers out of range, and for rules that contradict each other.

        See rainmaker.ota.job-priority, mender.ota.set-deployment-retries, mender.ota.limit-dynamic-deployment,
        rainmaker.ota.job-user-approval and rainmaker.ota.job-notify-users.
        """
        check_priority(self.priority, ("priority",))
        check_range(self.retries, ("retries",), least=0, most=MAX_RETRIES)
        self._check_consent()
        if self.max_things is not None:
            check_range(self.max_things, ("maxThings",), least=1, most=MAX_THINGS)
            if not self.dynamic:
                raise InvalidInput("only a dynamic campaign ends after so many things", ("maxThings",))
        if self.timeout_seconds is not None:
            check_range(self.timeout_seconds, ("timeoutSeconds",), least=1, most=MAX_SECONDS)
        if self.window is not None:
            self.window.check()
        if self.stop is not None:
            self.stop.check()
        check_object(self.metadata, ("metadata",))

    def _check_consent(self) -> None:
        if self.approval and self.force:
            raise InvalidInput("what waits for consent cannot be forced", ("force",))
        for name, asked in (("notify", self.notify), ("shareFile", self.share_file)):
            if asked and not self.approval:
                raise InvalidInput("this goes with updates that wait for consent", (name,))

    def columns(self) -> dict[str, Any]:
        """What a deployment and each of its jobs hold of the rules, by attribute."""
        return {
            "priority": self.priority,
            "retries": self.retries,
            "approval": self.approval,
            "notify": self.notify,
            "share_file": self.share_file,
            "force": self.force,
            "dynamic": self.dynamic,
            "max_things": self.max_things,
            "timeout_seconds": self.timeout_seconds,
            "meta": dict(self.metadata),
            **window_columns(self.window),
            **stop_columns(self.stop),
        }


def rules_of(row: DeploymentRow | OtaJobRow) -> Rules:
    """The rules of a campaign for one that tries it again: from now on, for things that are known."""
    window = None if row.window_start is None or row.window_end is None else Window(row.window_start, row.window_end)
    stops = row.stop_failures is not None or row.stop_percent is not None
    return Rules(
        priority=row.priority,
        retries=row.retries,
        approval=row.approval,
        notify=row.notify,
        share_file=row.share_file,
        force=row.force,
        timeout_seconds=row.timeout_seconds,
        window=window,
        stop=StopRule(row.stop_failures, row.stop_percent, row.stop_minimum) if stops else None,
        metadata=row.meta,
    )


def window_columns(window: Window | None) -> dict[str, int | None]:
    """The columns of a window, or of none."""
    start, end = (None, None) if window is None else (window.start, window.end)
    return {"window_start": start, "window_end": end}


def stop_columns(stop: StopRule | None) -> dict[str, int | None]:
    """The columns of a stop rule, or of none; a percentage counts from the first thing unless it says otherwise."""
    if stop is None:
        return {"stop_failures": None, "stop_percent": None, "stop_minimum": None}
    minimum = None if stop.percent is None else stop.minimum or 1
    return {"stop_failures": stop.failures, "stop_percent": stop.percent, "stop_minimum": minimum}


def check_priority(value: int, path: Path) -> int:
    """A priority from 1, given out first, to 10."""
    return check_range(value, path, least=FIRST_PRIORITY, most=LAST_PRIORITY)


PRIORITY: Final = Patched("priority", check_priority)
CHANGEABLE: Final = frozenset({"priority", "metadata", "stop", "window"})
"""The rules that can change while a campaign is open."""

_PLAIN: Final[Fields] = {"priority": PRIORITY, "metadata": METADATA}


def changed_columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the rules among the changes of a campaign; null clears, except for the priority.

    `stop` is a StopRule and `window` a Window. Raises InvalidInput for values that break a rule.
    """
    columns = checked({name: value for name, value in changes.items() if name in _PLAIN}, _PLAIN)
    if "window" in changes:
        window: Window | None = changes["window"]
        if window is not None:
            window.check()
        columns |= window_columns(window)
    if "stop" in changes:
        stop: StopRule | None = changes["stop"]
        if stop is not None:
            stop.check()
        columns |= stop_columns(stop)
    return columns


def expiry(starts_at: datetime | None, rules: Rules, moment: datetime) -> datetime | None:
    """When updates that start at a moment end; None for never, and as long as it is not known when they start.

    Raises InvalidInput when that has passed already, or lies beyond the calendar (rainmaker.ota.job-timeout).
    """
    if rules.timeout_seconds is None or starts_at is None:
        return None
    try:
        end = starts_at + timedelta(seconds=rules.timeout_seconds)
    except OverflowError as error:
        raise InvalidInput("it would end beyond the calendar", ("timeoutSeconds",)) from error
    if end <= moment:
        raise InvalidInput("it would have ended already", ("timeoutSeconds",))
    return end


def write_columns(
    row: DeploymentRow | OtaJobRow, columns: Mapping[str, Any], moment: datetime, *, only_news: bool = False
) -> bool:
    """Write columns into a campaign; says whether it has a new version now.

    With `only_news` a column that has the value already is no change.
    """
    written = {name: value for name, value in columns.items() if not only_news or getattr(row, name) != value}
    if not written:
        return False
    for name, value in written.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = moment
    return True
