"""Aggregates over things, so that a dashboard needs no paging."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from engine.enums import described


class ThingStatsKey(StrEnum):
    """What things can be counted by."""

    TYPE = "TYPE"
    LIFECYCLE = "LIFECYCLE"
    AUTH_STATUS = "AUTH_STATUS"
    CONNECTED = "CONNECTED"
    ORGANIZATION = "ORGANIZATION"
    HOME_GROUP = "HOME_GROUP"
    PROFILE = "PROFILE"
    TAG = "TAG"


described(
    ThingStatsKey,
    "What things can be counted by.",
    {
        "TYPE": "The type.",
        "LIFECYCLE": "The place in their life.",
        "AUTH_STATUS": "What their auth sets come to.",
        "CONNECTED": "Whether they are connected: `true` or `false`.",
        "ORGANIZATION": "The organization; the key is its id.",
        "HOME_GROUP": "The home group; the key is its id, or null for none.",
        "PROFILE": "The profile; the key is its id, or null for none.",
        "TAG": "Each tag; things with several tags count under each.",
    },
)


@strawberry.type(description="The things that share one value.")
class ThingStatsBucket:
    """One group of the count."""

    key: str | None = strawberry.field(description="The value that they share; null for none.")
    count: int = strawberry.field(description="How many things.")
    connected: int = strawberry.field(description="How many of them are connected.")


@strawberry.type(description="Counts over things.")
class ThingStats:
    """The whole and its parts."""

    total: int = strawberry.field(description="How many things there are.")
    connected: int = strawberry.field(description="How many of them are connected.")
    disconnected: int = strawberry.field(description="How many of them are not.")
    buckets: list[ThingStatsBucket] = strawberry.field(
        description="The counts by `groupBy`, largest first, 100 at most; empty without it."
    )
