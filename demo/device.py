"""One simulated thing: its values, and its wishes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from demo.kinds import Kind


@dataclass(slots=True)
class Device:
    """A thing with the memory of what it reported and of what is wanted of it."""

    kind: Kind
    rng: Random
    values: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)

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
