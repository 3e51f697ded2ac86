"""Windows of the day in which updates are given out, by the clock on the wall where the thing is."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

MINUTES_OF_AN_HOUR: Final = 60


def is_open(start: int | None, end: int | None, zone: str, moment: datetime) -> bool:
    """Whether `moment` lies in the window from the minute `start` to before the minute `end` of the local day.

    An end before the start lies on the next day. Without a start or an end there is no window: it is always open, and
    so is one whose start is its end. The clock of the zone decides: a window within an hour that the clock skips does
    not open on that day, and one within an hour that it runs through twice opens twice.
    """
    if start is None or end is None or start == end:
        return True
    local = moment.astimezone(_zone(zone))
    minute = local.hour * MINUTES_OF_AN_HOUR + local.minute
    return start <= minute < end if start < end else minute >= start or minute < end


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    """The zone of an IANA name."""
    return UTC if name == "UTC" else ZoneInfo(name)
