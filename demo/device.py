"""One simulated thing: its values, its wishes from outside, and its firmware update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from demo.campaigns import draw_substate
from demo.kinds import Kind
from models.enums import OtaExecutionStatus as Status

_DOWNLOADED: Final = 70
_INSTALLED: Final = 95
_STARTABLE: Final = frozenset({Status.PENDING, Status.TRIGGERED, Status.DELAYED})
_UNDER_WAY: Final = frozenset({Status.STARTED, Status.DOWNLOADING, Status.INSTALLING, Status.REBOOTING})
CAN_REPORT: Final = _STARTABLE | _UNDER_WAY
"""Statuses of executions that a thing can go on with by itself."""


@dataclass(slots=True)
class Update:
    """An update that the thing carries out."""

    execution_id: str
    status: Status
    progress: int

    @property
    def is_over(self) -> bool:
        """Whether the thing has reported a result."""
        return self.status not in CAN_REPORT

    def advance(self, rng: Random) -> dict[str, Any]:
        """Take the next step; what to report of it, as the input of `reportOtaExecution`."""
        self.status, self.progress = self._next(rng)
        return {
            "executionId": self.execution_id,
            "status": self.status.value,
            "substate": draw_substate(self.status, rng),
            "progress": self.progress,
        }

    def _next(self, rng: Random) -> tuple[Status, int]:
        if self.status in _STARTABLE:
            return Status.STARTED, 0
        if self.status is Status.REBOOTING:
            return Status.SUCCESS, 100
        further = min(100, self.progress + rng.randint(6, 22))
        if further < _DOWNLOADED:
            return Status.DOWNLOADING, further
        if rng.random() < 0.02:  # noqa: PLR2004 - an update fails now and then
            return Status.FAILURE, further
        return (Status.INSTALLING, further) if further < _INSTALLED else (Status.REBOOTING, _INSTALLED)


@dataclass(slots=True)
class Device:
    """A thing with the memory of what it reported and of what is wanted of it."""

    kind: Kind
    rng: Random
    values: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)
    update: Update | None = None

    def remember(self, reported: Mapping[str, Any]) -> None:
        """Go on from what the thing reported before the simulator was started."""
        names = {signal.name for signal in self.kind.signals}
        self.values = {name: value for name, value in reported.items() if name in names}

    def want(self, delta: Mapping[str, Any]) -> None:
        """Note the wishes that the thing knows how to fulfil; it takes a moment to do so."""
        settings = {setting.name for setting in self.kind.settings}
        self.wanted = {name: value for name, value in delta.items() if name in settings}

    def measure(self) -> dict[str, Any]:
        """The next report: every value has moved a little, and wishes are mostly fulfilled by now."""
        self.values = {
            signal.name: signal.drift(self.values.get(signal.name), self.rng) for signal in self.kind.signals
        }
        if self.wanted and self.rng.random() < 0.6:  # noqa: PLR2004
            self.values |= self.wanted
            self.wanted = {}
        return dict(self.values)
