"""Inputs and payloads of the mutations that stop, hold, put away and delete OTA jobs."""

from __future__ import annotations

import strawberry

from engine.fields import value
from engine.records import record
from schema.mutations.ota_job import OtaJobPayload
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="An OTA job to be stopped.")
class CancelOtaJobInput:
    """A stop."""

    id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.input(description="An ended OTA job to be deleted, with its executions.")
class DeleteOtaJobInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which; the jobs of a deployment go with it.")


@record()
class CancelOtaJobPayload(OtaJobPayload):
    """The job that was stopped."""


@record()
class DeleteOtaJobPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the job that is gone.")
    user_errors: list[UserError] = user_errors()
