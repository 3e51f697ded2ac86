"""The filter language for requests to sign."""

from __future__ import annotations

import strawberry

from engine.filters import DateTimeFilter, FilterInput, compare, where
from models.tables import SIGNING_REQUEST
from schema.conditions import keyed, one_of
from schema.enums import SigningStatus


@strawberry.input(description="Conditions on requests to sign; all that are given must hold.")
class SigningRequestFilter(FilterInput):
    """The filter language for requests to sign."""

    and_: list[SigningRequestFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[SigningRequestFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: SigningRequestFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )
    status: list[SigningStatus] | None = where(one_of(SIGNING_REQUEST.c.status), "In one of these states.")
    artifact_ids: list[strawberry.ID] | None = where(
        keyed(SIGNING_REQUEST.c.artifact_id, "artifact"), "To sign one of these artifacts, 100 at most."
    )
    created_at: DateTimeFilter | None = where(compare(SIGNING_REQUEST.c.created_at), "When it was asked for.")
