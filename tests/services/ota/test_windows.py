"""Windows of the day, by the clock on the wall where the thing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.windows import is_open

BERLIN = "Europe/Berlin"


def local(zone: str, month: int, day: int, hour: int, minute: int, *, fold: int = 0) -> datetime:
    """A moment of 2026 in UTC, by the clock of a zone."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end", "hour", "minute", "expected"),
    [
        (60, 120, 0, 59, False),
        (60, 120, 1, 0, True),
        (60, 120, 1, 59, True),
        (60, 120, 2, 0, False),
        (1380, 60, 22, 59, False),
        (1380, 60, 23, 0, True),
        (1380, 60, 0, 59, True),
        (1380, 60, 1, 0, False),
        (0, 1440, 0, 0, True),
        (0, 1440, 23, 59, True),
        (720, 1440, 23, 59, True),
        (720, 1440, 11, 59, False),
        (300, 300, 9, 0, True),
        (None, 60, 9, 0, True),
        (60, None, 9, 0, True),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", BERLIN, "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns"])
def test_minutes_of_the_local_day(
    start: int | None,
    end: int | None,
    hour: int,
    minute: int,
    expected: bool,  # noqa: FBT001 - a case
    zone: str,
) -> None:
    assert is_open(start, end, zone, local(zone, 6, 15, hour, minute)) is expected


def test_a_window_keeps_its_hours_when_the_clock_changes() -> None:
    """The same time of day in winter and in summer, though an hour apart by UTC."""
    for month, hour in ((1, 0), (7, 23)):
        moment = datetime(2026, month, 15, hour, 30, tzinfo=UTC)
        assert is_open(60, 120, BERLIN, moment)
        assert not is_open(60, 120, BERLIN, moment + timedelta(hours=1))


def test_an_hour_that_the_clock_skips_and_one_that_it_runs_through_twice() -> None:
    before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)  # 01:59, then the clock shows 03:00
    assert [is_open(120, 180, BERLIN, before + timedelta(minutes=minutes)) for minutes in (0, 1, 30, 61)] == [False] * 4
    first, second = (local(BERLIN, 10, 25, 2, 30, fold=fold) for fold in (0, 1))
    assert second - first == timedelta(hours=1)
    assert is_open(120, 180, BERLIN, first)
    assert is_open(120, 180, BERLIN, second)
    nights = [local(BERLIN, 3, 29, 0, 30) + timedelta(hours=hours) for hours in range(5)]
    assert [is_open(1380, 240, BERLIN, each) for each in nights] == [True, True, True, False, False]
