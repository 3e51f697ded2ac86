"""Inputs and payloads of the mutations of OTA jobs."""

from __future__ import annotations

from datetime import datetime

import strawberry

from engine.fields import to_one
from engine.records import record
from models import OtaJobRow
from schema.mutations.ota_target import OtaTargetInput
from schema.mutations.versions import expected_version
from schema.ota import OtaJob
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="An OTA job to be created, on its own, with one artifact.")
class CreateOtaJobInput:
    """A new job."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    artifact_id: strawberry.ID = strawberry.field(description="What it brings: an uploaded artifact.")
    name: str = strawberry.field(description="The name, 1 to 254 characters.")
    target: OtaTargetInput = strawberry.field(description="The things that it is for.")
    priority: int = strawberry.field(default=5, description="From 1 (first) to 10 (last).")
    retries: int = strawberry.field(
        default=0, description="How often each thing may try again after a failure, 100 at most."
    )
    starts_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When it starts; at once when left out."
    )


@strawberry.input(description="Changes of an OTA job: what is left out stays.")
class UpdateOtaJobInput:
    """A job's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name.")
    priority: int | None = strawberry.field(default=strawberry.UNSET, description="From 1 (first) to 10 (last).")


@record()
class OtaJobPayload(Payload):
    """The job that a mutation was about."""

    ota_job: OtaJob | None = to_one("ota_job_id", OtaJobRow.id, "The job, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class CreateOtaJobPayload(OtaJobPayload):
    """The job that was created."""


@record()
class UpdateOtaJobPayload(OtaJobPayload):
    """The job that was changed."""
