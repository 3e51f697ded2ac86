"""Mutations of deployments."""

from __future__ import annotations

import strawberry

from models.enums import Permission
from resolvers.arguments import changes, given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from resolvers.ota_targets import target_of
from schema.mutations.deployment import (
    CreateDeploymentInput,
    CreateDeploymentPayload,
    UpdateDeploymentInput,
    UpdateDeploymentPayload,
)
from services import deployments
from services.rollouts import Rules


@strawberry.type
class DeploymentMutations:
    """Creating and changing deployments."""

    @mutation(Permission.OTA_DEPLOY)
    async def create_deployment(self, info: Info, input: CreateDeploymentInput) -> CreateDeploymentPayload:
        """Bring a release to things: each gets the artifact that fits its type, in an execution of its own.

        A thing that nothing fits ends at once as NO_ARTIFACT.
        """
        organization_id = key("org", input.organization_id, ("organizationId",))
        release_id = key("release", input.release_id, ("releaseId",))
        async with info.context.unit_of_work() as work:
            deployment_id = await deployments.create(
                work,
                organization_id=organization_id,
                release_id=release_id,
                name=input.name,
                description=input.description,
                target=target_of(input.target),
                rules=Rules(input.priority, input.retries, given(input.starts_at)),
            )
        return CreateDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def update_deployment(self, info: Info, input: UpdateDeploymentInput) -> UpdateDeploymentPayload:
        """Change a deployment: what is left out stays."""
        deployment_id = key("deployment", input.id, ("id",))
        changed = changes(input, "name", "description", "priority")
        async with info.context.unit_of_work() as work:
            await deployments.update(work, deployment_id, changed, given(input.expected_version))
        return UpdateDeploymentPayload.of(deployment_id=deployment_id)
