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
        self._buckets: OrderedDict[str, list[float]] = OrderedDict()
        """What each had left, and when."""

    def __len__(self) -> int:
        """Return the number of callers that are remembered."""
        return len(self._buckets)

    def take(self, caller: str, cost: int) -> int:
        """Take `cost` from a caller's budget; return what is left of it. Raises BudgetSpent, having taken nothing."""
        bucket = self._bucket(caller)
        left = bucket[0] - cost
        if left < 0:
            raise BudgetSpent(-left / self._rate)
        bucket[0] = left
        return int(left)

    def owe(self, caller: str, cost: int) -> tuple[int, float]:
        """Take `cost` from a caller's budget, on credit if need be.

        Returns what is left of it, 0 for a debt, and the seconds until a debt is paid.
        """
        bucket = self._bucket(caller)
        left = bucket[0] = bucket[0] - cost
        return max(0, int(left)), max(0.0, -left / self._rate)

    def _bucket(self, caller: str) -> list[float]:
        """The bucket of a caller, filled up to now."""
        now = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = [float(self.per_minute), now]
            if len(self._buckets) > self._callers:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(caller)
            bucket[0] = min(float(self.per_minute), bucket[0] + (now - bucket[1]) * self._rate)
            bucket[1] = now
        return bucket
