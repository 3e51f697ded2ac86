from __future__ import annotations

import asyncio

import pytest

from engine.deadlines import Deadlines


async def test_what_takes_longer_is_ended_by_an_error_of_its_own() -> None:
    deadlines = Deadlines(0.02)
    ended: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        try:
            with deadlines.limit():
                await asyncio.sleep(seconds)
        except TimeoutError:
            ended.append(name)
        else:
            ended.append(f"{name} in time")

    await asyncio.gather(wait("a", 30), wait("b", 0), wait("c", 30))
    assert sorted(ended) == ["a", "b in time", "c"]
    assert asyncio.current_task() is not None
    await wait("later", 30)
    assert ended[-1] == "later"


async def test_a_cancellation_from_outside_stays_one() -> None:
    deadlines = Deadlines(30)

    async def wait() -> None:
        with deadlines.limit():
            await asyncio.sleep(30)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_fails_by_itself_keeps_its_error_and_its_task() -> None:
    deadlines = Deadlines(0.02)
    with pytest.raises(ValueError, match="mine"), deadlines.limit():
        raise ValueError("mine")
    await asyncio.sleep(0.05)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
