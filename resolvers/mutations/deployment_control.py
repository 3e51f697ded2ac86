"""Mutations that stop, hold, put away and delete deployments."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.deployment_control import (
    AbortDeploymentInput,
    AbortDeploymentPayload,
    ArchiveDeploymentInput,
    ArchiveDeploymentPayload,
    DeleteDeploymentInput,
    DeleteDeploymentPayload,
    PauseDeploymentInput,
    PauseDeploymentPayload,
    RemoveThingFromDeploymentsInput,
    RemoveThingFromDeploymentsPayload,
    ResumeDeploymentInput,
    ResumeDeploymentPayload,
    UnarchiveDeploymentInput,
    UnarchiveDeploymentPayload,
)
from services import archives, campaign_removal, departures, pauses, stops


@strawberry.type
class DeploymentControlMutations:
    """Stopping, holding, putting away and deleting deployments."""

    @mutation(Permission.OTA_DEPLOY)
    async def pause_deployment(self, info: Info, input: PauseDeploymentInput) -> PauseDeploymentPayload:
        """Hold a deployment: nothing of it is given out, and no phase starts, until it is resumed.

        What things have begun they may finish.
        """
        deployment_id, version = key("deployment", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await pauses.pause_deployment(work, deployment_id, version)
        return PauseDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def resume_deployment(self, info: Info, input: ResumeDeploymentInput) -> ResumeDeploymentPayload:
        """Let a paused deployment go on, with all its jobs.

        One that had stopped by itself goes on until another failure breaks its rule.
        """
        deployment_id, version = key("deployment", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await pauses.resume_deployment(work, deployment_id, version)
        return ResumeDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def abort_deployment(self, info: Info, input: AbortDeploymentInput) -> AbortDeploymentPayload:
        """Stop a deployment: what is open ends as ABORTED, what has ended stays as it is."""
        deployment_id, version = key("deployment", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await stops.abort(work, deployment_id, version)
        return AbortDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def archive_deployment(self, info: Info, input: ArchiveDeploymentInput) -> ArchiveDeploymentPayload:
        """Put a finished deployment away: lists leave it out unless they are asked for it."""
        deployment_id, version = key("deployment", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await archives.archive_deployment(work, deployment_id, version, archived=True)
        return ArchiveDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def unarchive_deployment(self, info: Info, input: UnarchiveDeploymentInput) -> UnarchiveDeploymentPayload:
        """Take an archived deployment out again."""
        deployment_id, version = key("deployment", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await archives.archive_deployment(work, deployment_id, version, archived=False)
        return UnarchiveDeploymentPayload.of(deployment_id=deployment_id)

    @mutation(Permission.OTA_DEPLOY)
    async def delete_deployment(self, info: Info, input: DeleteDeploymentInput) -> DeleteDeploymentPayload:
        """Delete a finished deployment with its jobs and executions."""
        deployment_id, version = key("deployment", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await campaign_removal.delete_deployment(work, deployment_id, version)
        return DeleteDeploymentPayload.of(deleted_id=global_id("deployment", deployment_id))

    @mutation(Permission.OTA_DEPLOY)
    async def remove_thing_from_deployments(
        self, info: Info, input: RemoveThingFromDeploymentsInput
    ) -> RemoveThingFromDeploymentsPayload:
        """End all open updates of a thing as DECOMMISSIONED, of deployments and of jobs; what has ended stays.

        It is no error when there is nothing to end.
        """
        thing_id = key("thing", input.thing_id, ("thingId",))
        async with info.context.unit_of_work() as work:
            await departures.remove(work, thing_id)
        return RemoveThingFromDeploymentsPayload.of(thing_id=thing_id)
