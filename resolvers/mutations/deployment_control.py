"""Mutations that stop, hold, put away and delete deployments."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.deployment_control import (
    AbortDeploymentInput,
    AbortDeploymentPayload,
    DeleteDeploymentInput,
    DeleteDeploymentPayload,
)
from services import campaign_removal, stops


@strawberry.type
class DeploymentControlMutations:
    """Stopping, holding, putting away and deleting deployments."""

    @mutation(Permission.OTA_DEPLOY)
    async def abort_deployment(self, info: Info, input: AbortDeploymentInput) -> AbortDeploymentPayload:
        """Stop a deployment: what is open ends as ABORTED, what has ended stays as it is."""
        deployment_id = key("deployment", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await stops.abort(work, deployment_id)
        return AbortDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def delete_deployment(self, info: Info, input: DeleteDeploymentInput) -> DeleteDeploymentPayload:
        """Delete a finished deployment with its jobs and executions."""
        deployment_id = key("deployment", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await campaign_removal.delete_deployment(work, deployment_id)
        return DeleteDeploymentPayload.of(deleted_id=global_id("deployment", deployment_id))
