"""Inputs and payloads of the mutations of OTA jobs."""

from __future__ import annotations

import strawberry

from engine.fields import to_one
from engine.records import record
from models import OtaJobRow
from schema.mutations.campaign import CampaignInput, CampaignPatch
from schema.mutations.ota_target import OtaTargetInput
from schema.mutations.versions import expected_version
from schema.ota import OtaJob
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="How the file of a job is signed: with keys that are named, or automatically.")
class JobSigningInput:
    """Signing."""

    key_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="With all of these keys, 10 at most; not with `automatic`."
    )
    automatic: bool = strawberry.field(
        default=False, description="For each thing with a key that its boot loader takes; not with `keyIds`."
    )


@strawberry.input(description="An OTA job to be created, on its own, with one artifact.")
class CreateOtaJobInput(CampaignInput):
    """A new job."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    artifact_id: strawberry.ID = strawberry.field(
        description="What it brings: an uploaded artifact that is not archived."
    )
    target: OtaTargetInput = strawberry.field(description="The things that it is for.")
    signing: JobSigningInput | None = strawberry.field(
        default=strawberry.UNSET, description="How its file is signed; as it is when left out."
    )


@strawberry.input(description="Changes of an OTA job: what is left out stays.")
class UpdateOtaJobInput(CampaignPatch):
    """A job's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An ended OTA job whose failures are to be tried again.")
class RetryOtaJobInput:
    """A second try."""

    id: strawberry.ID = strawberry.field(description="Which; it must have ended, and stand on its own.")
    name: str = strawberry.field(description="The name of the new one, 1 to 254 characters.")


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


@record()
class RetryOtaJobPayload(OtaJobPayload):
    """The new job, for the things that failed."""
