"""The filter language for deployments."""

from __future__ import annotations

import strawberry

from engine.filters import DateTimeFilter, FilterInput, StringFilter, compare, equals, where
from models.tables import DEPLOYMENT
from schema.conditions import keyed, one_of, searched
from schema.enums import DeploymentStatus


@strawberry.input(description="Conditions on deployments; all that are given must hold.")
class DeploymentFilter(FilterInput):
    """The filter language for deployments."""

    and_: list[DeploymentFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[DeploymentFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: DeploymentFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )
    ids: list[strawberry.ID] | None = where(
        keyed(DEPLOYMENT.c.id, "deployment"), "One of these deployments, 100 at most."
    )
    search: str | None = where(
        searched(DEPLOYMENT.c.name, DEPLOYMENT.c.description), "The name or the description holds this, in any case."
    )
    name: StringFilter | None = where(compare(DEPLOYMENT.c.name), "The name.")
    status: list[DeploymentStatus] | None = where(one_of(DEPLOYMENT.c.status), "In one of these states.")
    dynamic: bool | None = where(equals(DEPLOYMENT.c.dynamic), "Joined by things later, or (false) not.")
    release_ids: list[strawberry.ID] | None = where(
        keyed(DEPLOYMENT.c.release_id, "release"), "Of one of these releases, 100 at most."
    )
    created_at: DateTimeFilter | None = where(compare(DEPLOYMENT.c.created_at), "When it was created.")
    finished_at: DateTimeFilter | None = where(compare(DEPLOYMENT.c.finished_at), "When its last update ended.")
