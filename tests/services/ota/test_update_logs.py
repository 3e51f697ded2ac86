"""Logs of updates: their bounds, and several that come at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from models import OtaExecutionRow
from models.tables import UPDATE_LOG_LINE
from services import update_logs
from services.errors import Conflict, InvalidInput, LimitReached
from services.update_logs import MAX_LINES, MAX_TEXT, MESSAGE_LENGTH, LogLine
from tests.services.ota.fleet import Fleet, Working
from tests.services.ota.jobs import add_file, add_job

AT = datetime(2026, 1, 31, tzinfo=UTC)


def lines(count: int, text: str = "x") -> list[LogLine]:
    return [LogLine(AT, "info", text)] * count


@pytest.fixture
async def execution(fleet: Fleet) -> UUID:
    (thing,) = await fleet.add_things(1)
    return (await add_job(fleet, [thing], artifact=await add_file(fleet, await fleet.add_release())))[thing]


async def append(fleet: Fleet, working: Working, execution: UUID, given: Sequence[LogLine]) -> None:
    async with working(fleet.thing()) as work:
        await update_logs.append(work, execution, given)


async def numbers(fleet: Fleet) -> list[int]:
    async with fleet.store.read() as connection:
        found = await connection.execute(select(UPDATE_LOG_LINE.c.number).order_by(UPDATE_LOG_LINE.c.number))
        return list(found.scalars())


async def test_the_longest_log(fleet: Fleet, working: Working, execution: UUID) -> None:
    await append(fleet, working, execution, lines(MAX_LINES - 1))
    await append(fleet, working, execution, lines(1))
    with pytest.raises(LimitReached) as caught:
        await append(fleet, working, execution, lines(1))
    assert caught.value.path == ("lines",)
    assert await numbers(fleet) == list(range(1, MAX_LINES + 1))
    row = await fleet.one(OtaExecutionRow, execution)
    assert row.log_line_count == MAX_LINES
    async with working(fleet.thing()) as work:
        with pytest.raises(LimitReached):
            await update_logs.replace(work, execution, lines(MAX_LINES + 1))


async def test_the_most_text(fleet: Fleet, working: Working, execution: UUID) -> None:
    full = MAX_TEXT // MESSAGE_LENGTH
    await append(fleet, working, execution, lines(full, "é" * MESSAGE_LENGTH))
    with pytest.raises(LimitReached):
        await append(fleet, working, execution, lines(1))
    assert len(await numbers(fleet)) == full
    async with working(fleet.thing()) as work:
        await update_logs.replace(work, execution, lines(1))
    await append(fleet, working, execution, lines(1))
    assert await numbers(fleet) == [1, 2]


async def test_a_moment_without_a_zone(fleet: Fleet, working: Working, execution: UUID) -> None:
    with pytest.raises(InvalidInput) as caught:
        await append(fleet, working, execution, [LogLine(datetime(2026, 1, 31), "info", "x")])  # noqa: DTZ001 - the case
    assert caught.value.path == ("lines", "0", "occurredAt")
    assert await numbers(fleet) == []


async def test_several_at_the_same_time(fleet: Fleet, working: Working, execution: UUID) -> None:
    """Each is there as a whole, one behind the other."""

    async def one(text: str) -> bool:
        try:
            await append(fleet, working, execution, lines(3, text))
        except Conflict:
            return False
        return True

    taken = await asyncio.gather(*(one(text) for text in "abcd"))
    async with fleet.store.read() as connection:
        found = await connection.execute(select(UPDATE_LOG_LINE.c.message).order_by(UPDATE_LOG_LINE.c.number))
        messages = list(found.scalars())
    assert len(messages) == 3 * sum(taken)
    assert await numbers(fleet) == list(range(1, len(messages) + 1))
    assert {tuple(messages[index : index + 3]) for index in range(0, len(messages), 3)} == {
        (text,) * 3 for text, was in zip("abcd", taken, strict=True) if was
    }
    assert (await fleet.one(OtaExecutionRow, execution)).log_line_count == len(messages)
