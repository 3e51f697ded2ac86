"""Time limits for many operations at once, with one timer for all of them.

All get the same time, so that the first to begin is the first whose time is over.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadlines:
    """Ends what takes longer than `seconds`: its task is cancelled, and its block raises TimeoutError."""

    def __init__(self, seconds: float) -> None:
        """Nothing runs yet."""
        self.seconds = seconds
        self._running: dict[Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def limit(self) -> Deadline:
        """The block to run something in: `with deadlines.limit(): ...`, in a task."""
        return Deadline(self)

    def add(self, deadline: Deadline) -> None:
        """The time of a block begins to run."""
        self._running[deadline] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.seconds, self._sweep)

    def remove(self, deadline: Deadline) -> None:
        """A block has ended."""
        self._running.pop(deadline, None)

    def _sweep(self) -> None:
        """End what is over time, and come again when the next one is."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._running:
            first = next(iter(self._running))
            if first.due > now:
                self._timer = loop.call_at(first.due, self._sweep)
                return
            del self._running[first]
            first.expire()
        self._timer = None


class Deadline:
    """The time of one block."""

    __slots__ = ("_before", "_deadlines", "_expired", "_task", "due")

    def __init__(self, deadlines: Deadlines) -> None:
        """It begins with the block."""
        self._deadlines = deadlines
        self._expired = False
        self._before = 0
        self._task: asyncio.Task[object] | None = None
        self.due = 0.0

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task that can be cancelled")
        self._task = task
        self._before = task.cancelling()
        self.due = task.get_loop().time() + self._deadlines.seconds
        self._deadlines.add(self)

    def expire(self) -> None:
        """The time is over."""
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if not self._expired or self._task is None:
            return
        # A cancellation from outside counts one more than ours, and stays one.
        if self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
