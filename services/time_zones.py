"""Time zones, by their IANA names."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from services.errors import InvalidInput
from services.validation import Path


def check_time_zone(value: str | None, path: Path) -> str | None:
    """The name of a zone that there is, or None; raises InvalidInput for other names."""
    if value is not None and value not in _known():
        raise InvalidInput("there is no time zone of this name", path)
    return value


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())
