"""Mutations that stop, hold, put away and delete OTA jobs."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.ota_job_control import (
    CancelOtaJobInput,
    CancelOtaJobPayload,
    DeleteOtaJobInput,
    DeleteOtaJobPayload,
)
from services import campaign_removal, stops


@strawberry.type
class OtaJobControlMutations:
    """Stopping, holding, putting away and deleting OTA jobs."""

    @mutation(Permission.OTA_DEPLOY)
    async def cancel_ota_job(self, info: Info, input: CancelOtaJobInput) -> CancelOtaJobPayload:
        """Stop an OTA job: what is open ends as ABORTED, what has ended stays as it is."""
        job_id = key("otajob", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await stops.cancel(work, job_id)
        return CancelOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def delete_ota_job(self, info: Info, input: DeleteOtaJobInput) -> DeleteOtaJobPayload:
        """Delete an ended OTA job that stands on its own, with its executions."""
        job_id = key("otajob", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await campaign_removal.delete_job(work, job_id)
        return DeleteOtaJobPayload.of(deleted_id=global_id("otajob", job_id))
