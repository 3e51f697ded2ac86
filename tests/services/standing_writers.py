"""Writers that stand before those of a store: one waits to be let go, the other fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from models.writers import Changes, StoredThing, Writers, Writing


class Gated(Writers):
    """Writers whose transactions wait at their beginning until they are let go; `begun` counts them."""

    def __init__(self, behind: Writers) -> None:
        self.behind = behind
        self.begun = 0
        self.waiting = asyncio.Event()
        self.go = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Writing, None]:
        self.begun += 1
        self.waiting.set()
        await self.go.wait()
        async with self.behind.transaction() as writing:
            yield writing

    async def close(self) -> None:
        await self.behind.close()


class Failing(Writers):
    """Writers whose transactions fail with these errors, one after the other, before they write; then they do."""

    def __init__(self, behind: Writers, errors: Sequence[Exception], *, when: str = "") -> None:
        self.behind = behind
        self.errors = list(errors)
        self.when = when
        self.begun = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Writing, None]:
        self.begun += 1
        async with self.behind.transaction() as writing:
            yield _FailingWriting(writing, self)

    async def close(self) -> None:
        await self.behind.close()


class _FailingWriting(Writing):
    def __init__(self, behind: Writing, writers: Failing) -> None:
        self.behind = behind
        self.writers = writers

    async def lock(self, things: Sequence[str]) -> list[StoredThing]:
        return await self.behind.lock(things)

    async def epoch(self) -> int:
        return await self.behind.epoch()

    async def apply(self, changes: Changes, moment: datetime) -> Mapping[str, str]:
        if self.writers.errors and any(self.writers.when in each.reported for each in changes.states):
            raise self.writers.errors.pop(0)
        return await self.behind.apply(changes, moment)
