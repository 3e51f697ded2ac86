"""Which events a subscription asks for."""

from __future__ import annotations

import strawberry

from schema.thing_filter import ThingFilter


@strawberry.input(
    description="Which events you want; every part that is given must hold. Without any: all you may see."
)
class EventScopeInput:
    """The scope of a subscription."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of this organization and of all below it. That a thing moves is told of at both ends.",
    )
    group_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of things in this group and in all groups below it. That a thing was deleted is told of in its "
        "home group, that it has left a group in that one. Deployments and OTA jobs: with an update of one of these "
        "things.",
    )
    thing_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of these things, 100 at most. Deployments and OTA jobs: with an update of one of them.",
    )
    filter: ThingFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of things that meet this when the event is read; a deleted thing meets nothing any more. "
        "Deployments and OTA jobs: with an update of one of these things.",
    )
