"""What subscriptions send."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import strawberry
from strawberry.scalars import JSON

from engine.enums import described
from engine.fields import to_one, value
from engine.records import Record, record
from models import ThingRow, ThingStateRow
from schema.thing import Thing, ThingState


class StateSide(StrEnum):
    """Which side of a state has changed."""

    REPORTED = "REPORTED"
    DESIRED = "DESIRED"


described(
    StateSide,
    "Which side of a state has changed.",
    {"REPORTED": "What the thing reports.", "DESIRED": "What is wanted of it."},
)


@strawberry.input(
    description="Which events you want; every part that is given must hold. Without any: all you may see."
)
class EventScopeInput:
    """The scope of a subscription."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Of things in this organization and in all below it."
    )
    group_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Of things in this group and in all groups below it."
    )
    thing_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Of these things, 100 at most."
    )


@record()
class ThingStateEvent(Record):
    """A change of the state of a thing."""

    cursor: str = value("cursor", "The place of the event in the log: give it as `after` to go on from here.")
    occurred_at: datetime = value("occurred_at", "When it happened.")
    side: StateSide = value("side", "Which side has changed.")
    patch: JSON = value("patch", "What was reported or wished with this event, as an object.")
    version: int = value("version", "The version of the state after this event.")
    state: ThingState | None = to_one("thing_id", ThingStateRow.thing_id, "The state as it is when the event is sent.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")
