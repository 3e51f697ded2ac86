"""What the inputs of deployments and OTA jobs have in common: rules by which updates are given out."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON


@strawberry.input(
    description="When updates are given out: minutes of the day where the thing is, 0 to 1440. An end before the start "
    "lies on the next day."
)
class WindowInput:
    """A maintenance window."""

    start: int = strawberry.field(description="The first minute of the day.")
    end: int = strawberry.field(description="The minute at which it closes.")


@strawberry.input(
    description="When a campaign pauses by itself. A number of failures, a percentage of all that have ended, or both."
)
class StopRuleInput:
    """A rule that stops a campaign."""

    failures: int | None = strawberry.field(default=strawberry.UNSET, description="More than so many have failed.")
    percent: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="More than so many percent of those that have ended have failed, 0 to 100.",
    )
    minimum: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many must have ended before the percentage counts; 1 when left out."
    )


@strawberry.input(description="What a campaign goes by.")
class CampaignInput:
    """The rules that deployments and jobs share."""

    name: str = strawberry.field(description="The name, 1 to 254 characters.")
    description: str = strawberry.field(
        default="", description="What it is for; whoever is asked for consent reads it. 4,096 characters at most."
    )
    priority: int = strawberry.field(default=5, description="From 1 (first) to 10 (last).")
    retries: int = strawberry.field(
        default=0, description="How often each thing may try again after a failure, 100 at most."
    )
    starts_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When it starts; at once when left out."
    )
    timeout_seconds: int | None = strawberry.field(
        default=strawberry.UNSET, description="How long it lasts from its start, in seconds; without it, it has no end."
    )
    window: WindowInput | None = strawberry.field(
        default=strawberry.UNSET, description="When updates are given out; at any time when left out."
    )
    stop: StopRuleInput | None = strawberry.field(
        default=strawberry.UNSET, description="When it pauses by itself; never when left out."
    )
    approval: bool = strawberry.field(
        default=False, description="Each update waits until a person who may consent to it does."
    )
    notify: bool = strawberry.field(
        default=False, description="People are told of each update that waits for consent; only with `approval`."
    )
    share_file: bool = strawberry.field(
        default=False, description="Whoever is asked for consent may have the file; only with `approval`."
    )
    force: bool = strawberry.field(
        default=False, description="Connected things are sent the update at the start; not with `approval`."
    )
    dynamic: bool = strawberry.field(
        default=False,
        description="Things that come to meet the target later join, and it stays open; only for a filter or all.",
    )
    max_things: int | None = strawberry.field(
        default=strawberry.UNSET, description="A dynamic one ends when so many updates have succeeded or failed."
    )
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="Free data that every thing is given with the update, as an object."
    )


@strawberry.input(description="Changes of what a campaign goes by: what is left out stays, null clears.")
class CampaignPatch:
    """Changes of the rules, while it is open."""

    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name; cannot be cleared.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    priority: int | None = strawberry.field(
        default=strawberry.UNSET, description="From 1 (first) to 10 (last); cannot be cleared, nor changed at the end."
    )
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The new free data, in place of the old, while it is open."
    )
    stop: StopRuleInput | None = strawberry.field(
        default=strawberry.UNSET, description="The new rule in place of the old, while it is open."
    )
    window: WindowInput | None = strawberry.field(
        default=strawberry.UNSET, description="The new window in place of the old, while it is open."
    )
