"""Inputs and payloads of the mutations of deployments."""

from __future__ import annotations

from datetime import datetime

import strawberry

from engine.fields import to_one
from engine.records import record
from models import DeploymentRow
from schema.deployment import Deployment
from schema.mutations.ota_target import OtaTargetInput
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="A deployment to be created.")
class CreateDeploymentInput:
    """A new deployment."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    release_id: strawberry.ID = strawberry.field(description="What it brings: a release of the organization.")
    name: str = strawberry.field(description="The name, 1 to 254 characters.")
    description: str = strawberry.field(default="", description="What it is for, for people.")
    target: OtaTargetInput = strawberry.field(description="The things that it is for.")
    priority: int = strawberry.field(default=5, description="From 1 (first) to 10 (last).")
    retries: int = strawberry.field(
        default=0, description="How often each thing may try again after a failure, 100 at most."
    )
    starts_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When it starts; at once when left out."
    )


@strawberry.input(description="Changes of a deployment: what is left out stays.")
class UpdateDeploymentInput:
    """A deployment's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for, for people.")
    priority: int | None = strawberry.field(
        default=strawberry.UNSET, description="From 1 (first) to 10 (last), for its open jobs too."
    )


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
