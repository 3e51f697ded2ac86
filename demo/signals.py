"""The values that demo things report, and how each of them moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class Signal(ABC):
    """One value in the state of a thing."""

    name: str

    @abstractmethod
    def start(self, rng: Random) -> Any:
        """A value to begin with."""

    @abstractmethod
    def drift(self, value: Any, rng: Random) -> Any:
        """The next value after `value`, or a first one when `value` is not of this signal's kind."""


@dataclass(frozen=True, slots=True)
class Measure(Signal):
    """A measured number that wanders between `low` and `high`, at most `step` at a time, with `digits` decimals."""

    low: float
    high: float
    step: float
    digits: int = 1

    def start(self, rng: Random) -> float:
        """Anywhere in the range, the middle most likely."""
        return round(rng.triangular(self.low, self.high), self.digits)

    def drift(self, value: Any, rng: Random) -> float:
        """A small step that stays within the range."""
        if not isinstance(value, int | float):
            return self.start(rng)
        moved = value + rng.uniform(-self.step, self.step)
        return round(min(self.high, max(self.low, moved)), self.digits)


@dataclass(frozen=True, slots=True)
class Meter(Signal):
    """A number that only grows, by up to `step` at a time."""

    most: float
    step: float
    digits: int = 2

    def start(self, rng: Random) -> float:
        """Anything up to `most`."""
        return round(rng.uniform(0, self.most), self.digits)

    def drift(self, value: Any, rng: Random) -> float:
        """A little more."""
        if not isinstance(value, int | float):
            return self.start(rng)
        return round(value + rng.uniform(0, self.step), self.digits)


@dataclass(frozen=True, slots=True)
class Flag(Signal):
    """A yes or no that is true in `share` of the time and seldom changes."""

    share: float

    def start(self, rng: Random) -> bool:
        """True with the signal's share."""
        return rng.random() < self.share

    def drift(self, value: Any, rng: Random) -> bool:
        """The same as before in nine cases of ten."""
        return self.start(rng) if rng.random() < 0.1 or not isinstance(value, bool) else value  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Setting(Signal):
    """A value that a thing keeps until another one is desired of it; the first of `values` is the usual one."""

    values: tuple[Any, ...]

    def start(self, rng: Random) -> Any:
        """The usual value, mostly."""
        return self.values[0] if rng.random() < 0.7 else rng.choice(self.values)  # noqa: PLR2004

    def drift(self, value: Any, rng: Random) -> Any:
        """What it was."""
        return self.values[0] if value is None else value

    def another(self, value: Any, rng: Random) -> Any:
        """A value that differs from `value`."""
        return rng.choice([other for other in self.values if other != value])
