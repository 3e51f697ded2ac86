"""Inputs and payloads of the mutations that stop, hold, put away and delete deployments."""

from __future__ import annotations

import strawberry

from engine.fields import value
from engine.records import record
from schema.mutations.deployment import DeploymentPayload
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="A deployment to be stopped.")
class AbortDeploymentInput:
    """A stop."""

    id: strawberry.ID = strawberry.field(description="Which.")


@strawberry.input(description="A finished deployment to be deleted, with its jobs and executions.")
class DeleteDeploymentInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which.")


@record()
class AbortDeploymentPayload(DeploymentPayload):
    """The deployment that was stopped."""


@record()
class DeleteDeploymentPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the deployment that is gone.")
    user_errors: list[UserError] = user_errors()
