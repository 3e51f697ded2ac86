"""Mutations of deployments."""

from __future__ import annotations

import strawberry

from models.enums import Permission
from resolvers.arguments import given, key
from resolvers.campaign_inputs import changes_in, phases_in, rules_in
from resolvers.context import Info
from resolvers.mutation import mutation
from resolvers.ota_targets import target_of
from schema.mutations.deployment import (
    CreateDeploymentInput,
    CreateDeploymentPayload,
    RetryDeploymentInput,
    RetryDeploymentPayload,
    UpdateDeploymentInput,
    UpdateDeploymentPayload,
)
from services import deployments


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
                rules=rules_in(input),
                phases=phases_in(given(input.phases)),
            )
        return CreateDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def update_deployment(self, info: Info, input: UpdateDeploymentInput) -> UpdateDeploymentPayload:
        """Change a deployment: what is left out stays."""
        deployment_id = key("deployment", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await deployments.update(work, deployment_id, changes_in(input), given(input.expected_version))
        return UpdateDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def retry_deployment(self, info: Info, input: RetryDeploymentInput) -> RetryDeploymentPayload:
        """Start a new deployment by the rules of a finished one, for the things that failed in it."""
        before = key("deployment", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            deployment_id = await deployments.retry(work, before, name=input.name)
        return RetryDeploymentPayload.of(deployment_id=deployment_id)
