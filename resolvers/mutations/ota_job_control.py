"""Mutations that stop, hold, put away and delete OTA jobs."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.ota_job_control import (
    ArchiveOtaJobInput,
    ArchiveOtaJobPayload,
    CancelOtaJobInput,
    CancelOtaJobPayload,
    DeleteOtaJobInput,
    DeleteOtaJobPayload,
    PauseOtaJobInput,
    PauseOtaJobPayload,
    ResumeOtaJobInput,
    ResumeOtaJobPayload,
    UnarchiveOtaJobInput,
    UnarchiveOtaJobPayload,
)
from services import archives, campaign_removal, pauses, stops


@strawberry.type
class OtaJobControlMutations:
    """Stopping, holding, putting away and deleting OTA jobs."""

    @mutation(Permission.OTA_DEPLOY)
    async def pause_ota_job(self, info: Info, input: PauseOtaJobInput) -> PauseOtaJobPayload:
        """Hold an OTA job: nothing of it is given out until it is resumed.

        What things have begun they may finish; other phases of its deployment go on.
        """
        job_id, version = key("otajob", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await pauses.pause_job(work, job_id, version)
        return PauseOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def resume_ota_job(self, info: Info, input: ResumeOtaJobInput) -> ResumeOtaJobPayload:
        """Let a paused OTA job go on.

        A phase that waits because too little of the phase before has succeeded starts without that, too.
        """
        job_id, version = key("otajob", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await pauses.resume_job(work, job_id, version)
        return ResumeOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def cancel_ota_job(self, info: Info, input: CancelOtaJobInput) -> CancelOtaJobPayload:
        """Stop an OTA job: what has not begun ends as ABORTED, what has ended stays as it is.

        Things in the middle of an update may still report how it ends.
        """
        job_id, version = key("otajob", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await stops.cancel(work, job_id, version)
        return CancelOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def archive_ota_job(self, info: Info, input: ArchiveOtaJobInput) -> ArchiveOtaJobPayload:
        """Put a finished or cancelled OTA job away: lists leave it out unless they are asked for it."""
        job_id, version = key("otajob", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await archives.archive_job(work, job_id, version, archived=True)
        return ArchiveOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def unarchive_ota_job(self, info: Info, input: UnarchiveOtaJobInput) -> UnarchiveOtaJobPayload:
        """Take an archived OTA job out again."""
        job_id, version = key("otajob", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await archives.archive_job(work, job_id, version, archived=False)
        return UnarchiveOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def delete_ota_job(self, info: Info, input: DeleteOtaJobInput) -> DeleteOtaJobPayload:
        """Delete an ended OTA job that stands on its own, with its executions."""
        job_id, version = key("otajob", input.id, ("id",)), given(input.expected_version)
        async with info.context.unit_of_work() as work:
            await campaign_removal.delete_job(work, job_id, version)
        return DeleteOtaJobPayload.of(deleted_id=global_id("otajob", job_id))
