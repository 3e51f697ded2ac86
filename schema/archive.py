"""What was put away, and what was not: the views of lists of artifacts, deployments and OTA jobs."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from engine.declarations import Views
from engine.enums import described


class ArchiveView(StrEnum):
    """Which of the two is shown."""

    CURRENT = "CURRENT"
    ARCHIVED = "ARCHIVED"
    ALL = "ALL"


described(
    ArchiveView,
    "Whether a list shows what was put away.",
    {
        "CURRENT": "What was not put away.",
        "ARCHIVED": "What was put away, alone.",
        "ALL": "Everything.",
    },
)


def archive_views(archived_at: Any) -> Views:
    """The argument `archived` of a list of rows that say in this column when they were put away."""
    return Views(
        argument="archived",
        words=ArchiveView,
        default=ArchiveView.CURRENT,
        conditions={
            ArchiveView.CURRENT: archived_at.is_(None),
            ArchiveView.ARCHIVED: archived_at.is_not(None),
        },
        description="Whether to show what was put away.",
    )
