"""Operations under way: bounded in number, and mutations are seen through even when their caller has gone."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

from endpoints.answers import HttpError

T = TypeVar("T")


class Running:
    """The queries and mutations that run in this process, over HTTP and WebSockets together."""

    def __init__(self, limit: int) -> None:
        """Take at most `limit` of them at a time."""
        self._limit = limit
        self._count = 0
        self._kept: set[asyncio.Task[Any]] = set()

    def enter(self) -> None:
        """Take a place for an operation, to be left when it is over. Raises HttpError (503) when all are taken."""
        if self._count >= self._limit:
            raise HttpError(
                HTTPStatus.SERVICE_UNAVAILABLE, "The gateway is busy. Try again.", headers={"Retry-After": "1"}
            )
        self._count += 1

    def leave(self) -> None:
        """Give a place back."""
        self._count -= 1

    async def to_the_end(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` so that the cancellation of the caller does not reach it: what has begun to change things ends."""

        async def placed() -> T:
            self.enter()
            try:
                return await work()
            finally:
                self.leave()

        task = asyncio.create_task(placed())
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return await asyncio.shield(task)

    async def drain(self, seconds: float) -> None:
        """Wait for what is seen through, at most `seconds`; then cancel it."""
        if not self._kept:
            return
        _, pending = await asyncio.wait(self._kept, timeout=seconds)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
