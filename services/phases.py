"""Phases of a deployment: parts of its things, one after the other (ota.md, "Nouns and how they hang together")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.errors import InvalidInput, LimitReached
from services.validation import Path, check_range

MAX_PHASES: Final = 100
ALL: Final = 100
MAX_COUNT: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Phase:
    """One part: `percent` of the things at creation, or a `count` of them; with neither, the rest.

    It begins at `starts_at`; with `after_success_percent` not before all things of the phase before have ended, so many
    percent of them well.
    """

    percent: int | None = None
    count: int | None = None
    starts_at: datetime | None = None
    after_success_percent: int | None = None


def check_phases(phases: Sequence[Phase], begins: datetime | None, moment: datetime, *, dynamic: bool) -> None:
    """Raise InvalidInput for phases that break a rule, LimitReached for more than 100.

    `begins` is when the deployment starts by itself, `moment` is now. Only the last may be without a size, only the
    first without a start unless it waits for the success of the one before; percents are 100 at most together, and
    starts rise (mender.ota.create-phased-deployment). A dynamic deployment has room for all in its last phase.
    """
    if not phases:
        raise InvalidInput("a deployment has at least one phase", ("phases",))
    if len(phases) > MAX_PHASES:
        raise LimitReached(f"a deployment has at most {MAX_PHASES} phases", ("phases",))
    for index, phase in enumerate(phases):
        _check_size(phase, ("phases", index), is_last=index == len(phases) - 1)
        _check_gate(phase, ("phases", index), is_first=index == 0)
    if sum(phase.percent or 0 for phase in phases) > ALL:
        raise InvalidInput("the percents of all phases are 100 together at most", ("phases",))
    if begins is not None and phases[0].starts_at is not None:
        raise InvalidInput("the start of the deployment is that of its first phase: give one of them", ("startsAt",))
    _check_starts(phases, begins or moment)
    if dynamic and not takes_rest(phases):
        raise InvalidInput("the last phase of a dynamic deployment takes the rest: give it no size", ("phases",))


def takes_rest(phases: Sequence[Phase]) -> bool:
    """Whether no thing is left without a phase: the last has no size, or the percents come to 100."""
    last = phases[-1]
    return (last.percent is None and last.count is None) or sum(phase.percent or 0 for phase in phases) == ALL


def ends_of(phases: Sequence[Phase], total: int) -> list[int]:
    """The place of the last thing of each phase, among `total` things counted from 1.

    A percentage that is no whole number of things is rounded down. When the percents come to 100, what rounding has
    left over is the last one's. Raises InvalidInput for a phase without things, or beyond all there are.
    """
    ends: list[int] = []
    reached = 0
    for index, phase in enumerate(phases):
        size = total * phase.percent // ALL if phase.percent is not None else phase.count
        is_last = index == len(phases) - 1
        reached = total if size is None or (is_last and takes_rest(phases)) else reached + size
        if reached <= (ends[-1] if ends else 0):
            raise InvalidInput(f"no thing would be in this phase: the target holds {total:,}", ("phases", index))
        if reached > total:
            raise InvalidInput(f"the phases name more things than the target holds: {total:,}", ("phases", index))
        ends.append(reached)
    return ends


def _check_size(phase: Phase, path: Path, *, is_last: bool) -> None:
    if phase.percent is not None and phase.count is not None:
        raise InvalidInput("a phase has a percentage or a count of things, not both", path)
    if phase.percent is not None:
        check_range(phase.percent, (*path, "percent"), least=1, most=ALL)
    elif phase.count is not None:
        check_range(phase.count, (*path, "count"), least=1, most=MAX_COUNT)
    elif not is_last:
        raise InvalidInput("only the last phase may be without a size: it takes the rest", path)


def _check_gate(phase: Phase, path: Path, *, is_first: bool) -> None:
    if phase.after_success_percent is not None:
        if is_first:
            raise InvalidInput("there is no phase before the first", (*path, "afterSuccessPercent"))
        check_range(phase.after_success_percent, (*path, "afterSuccessPercent"), least=0, most=ALL)
    elif phase.starts_at is None and not is_first:
        raise InvalidInput("a later phase starts at a time, or after the success of the one before", path)


def _check_starts(phases: Sequence[Phase], begins: datetime) -> None:
    before = phases[0].starts_at or begins
    for index, phase in enumerate(phases[1:], start=1):
        if phase.starts_at is None:
            continue
        if phase.starts_at <= before:
            raise InvalidInput("each phase starts later than the one before", ("phases", index, "startsAt"))
        before = phase.starts_at
