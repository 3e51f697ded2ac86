"""Inputs and payloads of the mutations of OTA executions."""

from __future__ import annotations

import strawberry

from engine.fields import to_one
from engine.records import record
from models import OtaExecutionRow
from schema.enums import OtaExecutionStatus
from schema.ota import OtaExecution
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="Where a thing is with its update.")
class ReportOtaExecutionInput:
    """A report."""

    execution_id: strawberry.ID = strawberry.field(description="The update of the thing.")
    status: OtaExecutionStatus = strawberry.field(description="Where it is now; the same again is no conflict.")
    substate: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the thing says about it, 1024 characters at most."
    )
    progress: int | None = strawberry.field(default=strawberry.UNSET, description="Percent done, 0 to 100.")
    expected_status: OtaExecutionStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Refuse with CONFLICT when the stored status is another."
    )


@strawberry.input(description="An update that waits for the consent of a person.")
class ApproveOtaExecutionInput:
    """A consent."""

    id: strawberry.ID = strawberry.field(description="The update.")


@strawberry.input(description="An update that is not wanted.")
class RejectOtaExecutionInput:
    """A refusal."""

    id: strawberry.ID = strawberry.field(description="The update.")


@record()
class ApproveOtaExecutionPayload(Payload):
    """The update that may go on."""

    ota_execution: OtaExecution | None = to_one("ota_execution_id", OtaExecutionRow.id, "The update, TRIGGERED.")
    user_errors: list[UserError] = user_errors()


@record()
class RejectOtaExecutionPayload(Payload):
    """The update that was refused."""

    ota_execution: OtaExecution | None = to_one("ota_execution_id", OtaExecutionRow.id, "The update, REJECTED.")
    user_errors: list[UserError] = user_errors()


@record()
class ReportOtaExecutionPayload(Payload):
    """The execution that was reported on."""

    ota_execution: OtaExecution | None = to_one(
        "ota_execution_id",
        OtaExecutionRow.id,
        "The execution, as it is now: PENDING again after a failure with attempts left.",
    )
    user_errors: list[UserError] = user_errors()
