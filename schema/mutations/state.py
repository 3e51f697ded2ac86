"""Inputs and payloads of the mutations of state."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one
from engine.records import record
from models import ThingRow, ThingStateRow
from schema.payload import Payload, UserError, user_errors
from schema.thing import Thing, ThingState


@strawberry.input(description="What a thing reports of itself.")
class ReportThingStateInput:
    """A report."""

    thing_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The thing; a thing that reports for itself leaves it out."
    )
    reported: JSON = strawberry.field(
        description="An object: merged into the last report key by key, null takes a key away (RFC 7396)."
    )
    replace: bool = strawberry.field(default=False, description="Let the report stand alone instead of merging it.")


@strawberry.input(description="What is wanted of a thing.")
class SetDesiredThingStateInput:
    """A wish."""

    thing_id: strawberry.ID = strawberry.field(description="The thing.")
    desired: JSON = strawberry.field(
        description="An object: merged into the present wish key by key, null takes a key away (RFC 7396)."
    )
    replace: bool = strawberry.field(default=False, description="Let the wish stand alone instead of merging it.")
    expected_version: int | None = strawberry.field(
        default=strawberry.UNSET, description="Refuse with CONFLICT when the version of the state is another."
    )


@record()
class ReportThingStatePayload(Payload):
    """The state after the report."""

    state: ThingState | None = to_one("thing_id", ThingStateRow.thing_id, "The state as it is now.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")
    user_errors: list[UserError] = user_errors()


@record()
class SetDesiredThingStatePayload(Payload):
    """The state with the wish."""

    state: ThingState | None = to_one("thing_id", ThingStateRow.thing_id, "The state as it is now.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")
    user_errors: list[UserError] = user_errors()
