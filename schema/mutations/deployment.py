"""Inputs and payloads of the mutations of deployments."""

from __future__ import annotations

from datetime import datetime

import strawberry

from engine.fields import to_one
from engine.records import record
from models import DeploymentRow
from schema.deployment import Deployment
from schema.mutations.campaign import CampaignInput, CampaignPatch
from schema.mutations.ota_target import OtaTargetInput
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors


@strawberry.input(
    description="A phase of a deployment: a percentage of its things, a number of them, or (the last) the rest."
)
class PhaseInput:
    """One phase."""

    percent: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="So many percent of the things at creation, rounded down; 100 for all phases together at most.",
    )
    count: int | None = strawberry.field(default=strawberry.UNSET, description="So many things.")
    starts_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="When it starts, later than the phase before. To be left out in the first, which starts at once "
        "then, and in one with `afterSuccessPercent`.",
    )
    after_success_percent: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="It starts when all things of the phase before have ended, so many percent of them well.",
    )


@strawberry.input(description="A deployment to be created.")
class CreateDeploymentInput(CampaignInput):
    """A new deployment."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    release_id: strawberry.ID = strawberry.field(description="What it brings: a release of the organization.")
    target: OtaTargetInput = strawberry.field(description="The things that it is for.")
    phases: list[PhaseInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Its phases, 100 at most; all things at once when left out."
    )


@strawberry.input(description="Changes of a deployment: what is left out stays. Rules are those of its open jobs too.")
class UpdateDeploymentInput(CampaignPatch):
    """A deployment's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A finished deployment whose failures are to be tried again.")
class RetryDeploymentInput:
    """A second try."""

    id: strawberry.ID = strawberry.field(description="Which; it must have finished.")
    name: str = strawberry.field(description="The name of the new one, 1 to 254 characters.")


@record()
class DeploymentPayload(Payload):
    """The deployment that a mutation was about."""

    deployment: Deployment | None = to_one("deployment_id", DeploymentRow.id, "The deployment, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class CreateDeploymentPayload(DeploymentPayload):
    """The deployment that was created."""


@record()
class UpdateDeploymentPayload(DeploymentPayload):
    """The deployment that was changed."""


@record()
class RetryDeploymentPayload(DeploymentPayload):
    """The new deployment, for the things that failed."""
