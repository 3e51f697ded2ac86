"""Mutations over many objects at once."""

from __future__ import annotations

from enum import StrEnum

from engine.enums import described


class BulkMode(StrEnum):
    """What happens when one of many fails."""

    ALL = "ALL"
    PARTIAL = "PARTIAL"


described(
    BulkMode,
    "What happens when one of many cannot be done.",
    {
        "ALL": "Nothing is done; the errors name the one by its path.",
        "PARTIAL": "The others are done; each has a result of its own.",
    },
)
