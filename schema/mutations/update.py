"""Inputs and payloads of what things do about their own updates: they ask for the next one, and send logs."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.records import record
from models import OtaExecutionRow
from schema.offer import UpdateOffer
from schema.ota import OtaExecution
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="What the thing that asks has installed; without a type and a name, what it said last.")
class MyNextUpdateInput:
    """What is there now."""

    device_type: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the thing calls its type; give artifactName with it."
    )
    artifact_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The name of the release that it runs; give deviceType with it."
    )
    provides: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="Whatever else it provides: an object of texts, 1,000 at most."
    )


@record()
class MyNextUpdatePayload(Payload):
    """The update that the thing is to take now."""

    offer: UpdateOffer | None = value(
        "offer", "The update, the same until the thing reports its end; null when nothing waits."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="One line of the log of an update.")
class UpdateLogLineInput:
    """A line."""

    occurred_at: datetime = strawberry.field(description="When, by the clock of the thing.")
    level: str = strawberry.field(description="How grave, in the words of the thing; 32 characters at most.")
    message: str = strawberry.field(description="What happened; 4,096 characters at most.")


@strawberry.input(description="Lines of the log of an update of the thing that sends them.")
class AppendUpdateLogInput:
    """Lines, for one update."""

    execution_id: strawberry.ID = strawberry.field(description="The update.")
    lines: list[UpdateLogLineInput] = strawberry.field(
        description="The lines in their order. A log has 10,000 lines and 1 Mi characters at most."
    )
    replace: bool = strawberry.field(default=False, description="Take the place of the log so far, as a whole.")


@record()
class AppendUpdateLogPayload(Payload):
    """The update that has a log."""

    ota_execution: OtaExecution | None = to_one("ota_execution_id", OtaExecutionRow.id, "The update.")
    user_errors: list[UserError] = user_errors()
