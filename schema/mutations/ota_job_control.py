"""Inputs and payloads of the mutations that stop, hold, put away and delete OTA jobs."""

from __future__ import annotations

import strawberry

from engine.fields import value
from engine.records import record
from schema.mutations.ota_job import OtaJobPayload
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="An OTA job to be held.")
class PauseOtaJobInput:
    """A pause."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A paused OTA job that is to go on.")
class ResumeOtaJobInput:
    """The end of a pause."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An OTA job to be stopped.")
class CancelOtaJobInput:
    """A stop."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An ended OTA job to be put away.")
class ArchiveOtaJobInput:
    """A putting away."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An archived OTA job to be taken out again.")
class UnarchiveOtaJobInput:
    """A taking out."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An ended OTA job to be deleted, with its executions.")
class DeleteOtaJobInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which; the jobs of a deployment go with it.")
    expected_version: int | None = expected_version()


@record()
class PauseOtaJobPayload(OtaJobPayload):
    """The job that is held."""


@record()
class ResumeOtaJobPayload(OtaJobPayload):
    """The job that goes on."""


@record()
class CancelOtaJobPayload(OtaJobPayload):
    """The job that was stopped."""


@record()
class ArchiveOtaJobPayload(OtaJobPayload):
    """The job that was put away."""


@record()
class UnarchiveOtaJobPayload(OtaJobPayload):
    """The job that lists hold again."""


@record()
class DeleteOtaJobPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the job that is gone.")
    user_errors: list[UserError] = user_errors()
