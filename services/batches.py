"""Looking many things up at once: what is asked while one statement runs shares the next.

Nothing is remembered: what is found was read after it had been asked for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batches(Generic[K, V]):
    """Asks for keys together, at most `most` with one call."""

    def __init__(self, find: Callable[[Collection[K]], Awaitable[Mapping[K, V]]], *, most: int, name: str) -> None:
        """`find` gives what there is for keys; `name` is that of the task that calls it."""
        self._find = find
        self._most = most
        self._name = name
        self._wanted: deque[tuple[K, asyncio.Future[V | None]]] = deque()
        self._looking: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """What there is for a key; None for nothing. Raises what `find` raises."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._wanted.append((key, future))
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name=self._name)
        return await future

    async def _look(self) -> None:
        try:
            while self._wanted:
                together = [self._wanted.popleft() for _ in range(min(len(self._wanted), self._most))]
                try:
                    found = await self._find({key for key, _ in together})
                except Exception as error:  # noqa: BLE001 - told to everybody who waits for it
                    for _, future in together:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for key, future in together:
                    if not future.done():
                        future.set_result(found.get(key))
        finally:
            self._looking = None
            for _, future in self._wanted:
                future.cancel()
            self._wanted.clear()
