"""What updates are aimed at, as an input."""

from __future__ import annotations

import strawberry

from schema.thing_filter import ThingFilter


@strawberry.input(
    description="What updates are aimed at, inside one organization: things and/or groups, or a filter, or everything. "
    "Exactly one of these three."
)
class OtaTargetInput:
    """A target."""

    thing_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="These things, 10,000 at most."
    )
    group_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="The things of these groups and of all groups below them, 1,000 at most."
    )
    filter: ThingFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The things that meet this now."
    )
    all: bool = strawberry.field(default=False, description="Every thing of the organization.")
