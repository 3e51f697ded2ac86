"""What callers have left to spend: a bucket for each, which fills up evenly and holds what is allowed for a minute."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MINUTE: Final = 60.0


class BudgetSpent(Exception):
    """The caller has spent what it may; after `seconds` it may ask the same again."""

    def __init__(self, seconds: float) -> None:
        """Say when to come back."""
        super().__init__(seconds)
        self.seconds = seconds


class Budgets:
    """The budgets of callers, by name. State of this process alone, and bounded: whoever was not seen for longest goes.

    A forgotten caller has a full budget. That is what it would have after a minute without spending, anyway; only with
    more callers than are remembered within a minute does anybody gain.
    """

    def __init__(self, per_minute: int, callers: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `per_minute` for each of the latest `callers`; `clock` gives seconds."""
        self.per_minute = per_minute
        self._callers = callers
        self._clock = clock
        self._rate = per_minute / _MINUTE
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """What each had left, and when."""

    def __len__(self) -> int:
        """Return the number of callers that are remembered."""
        return len(self._buckets)

    def take(self, caller: str, cost: int) -> int:
        """Take `cost` from a caller's budget; return what is left of it. Raises BudgetSpent, having taken nothing."""
        now = self._clock()
        left = self._left(caller, now)
        if cost > left:
            raise BudgetSpent((cost - left) / self._rate)
        self._keep(caller, left - cost, now)
        return int(left - cost)

    def owe(self, caller: str, cost: int) -> tuple[int, float]:
        """Take `cost` from a caller's budget, on credit if need be.

        Returns what is left of it, 0 for a debt, and the seconds until a debt is paid.
        """
        now = self._clock()
        left = self._left(caller, now) - cost
        self._keep(caller, left, now)
        return max(0, int(left)), max(0.0, -left / self._rate)

    def _left(self, caller: str, now: float) -> float:
        bucket = self._buckets.get(caller)
        if bucket is None:
            return float(self.per_minute)
        left, then = bucket
        return min(float(self.per_minute), left + (now - then) * self._rate)

    def _keep(self, caller: str, left: float, now: float) -> None:
        self._buckets[caller] = (left, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._callers:
            self._buckets.popitem(last=False)
