"""Inputs and payloads of the mutations that stop, hold, put away and delete deployments."""

from __future__ import annotations

import strawberry

from engine.fields import to_one, value
from engine.records import record
from models import ThingRow
from schema.mutations.deployment import DeploymentPayload
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors
from schema.thing import Thing


@strawberry.input(description="A deployment to be held.")
class PauseDeploymentInput:
    """A pause."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A paused deployment that is to go on.")
class ResumeDeploymentInput:
    """The end of a pause."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A deployment to be stopped.")
class AbortDeploymentInput:
    """A stop."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A finished deployment to be put away.")
class ArchiveDeploymentInput:
    """A putting away."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="An archived deployment to be taken out again.")
class UnarchiveDeploymentInput:
    """A taking out."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A finished deployment to be deleted, with its jobs and executions.")
class DeleteDeploymentInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A thing that is to have no part in updates that are open.")
class RemoveThingFromDeploymentsInput:
    """A departure."""

    thing_id: strawberry.ID = strawberry.field(description="Which.")


@record()
class PauseDeploymentPayload(DeploymentPayload):
    """The deployment that is held."""


@record()
class ResumeDeploymentPayload(DeploymentPayload):
    """The deployment that goes on."""


@record()
class AbortDeploymentPayload(DeploymentPayload):
    """The deployment that was stopped."""


@record()
class ArchiveDeploymentPayload(DeploymentPayload):
    """The deployment that was put away."""


@record()
class UnarchiveDeploymentPayload(DeploymentPayload):
    """The deployment that lists hold again."""


@record()
class DeleteDeploymentPayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the deployment that is gone.")
    user_errors: list[UserError] = user_errors()


@record()
class RemoveThingFromDeploymentsPayload(Payload):
    """The thing that was taken out."""

    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing, as it is now.")
    user_errors: list[UserError] = user_errors()
