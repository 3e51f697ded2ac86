"""Mutations of OTA jobs."""

from __future__ import annotations

import strawberry

from models.enums import Permission
from resolvers.arguments import given, key, keys
from resolvers.campaign_inputs import changes_in, rules_in
from resolvers.context import Info
from resolvers.mutation import mutation
from resolvers.ota_targets import target_of
from schema.mutations.ota_job import (
    CreateOtaJobInput,
    CreateOtaJobPayload,
    JobSigningInput,
    RetryOtaJobInput,
    RetryOtaJobPayload,
    UpdateOtaJobInput,
    UpdateOtaJobPayload,
)
from services import ota_jobs
from services.ota_jobs import Signing


@strawberry.type
class OtaJobMutations:
    """Creating and changing OTA jobs."""

    @mutation(Permission.OTA_DEPLOY)
    async def create_ota_job(self, info: Info, input: CreateOtaJobInput) -> CreateOtaJobPayload:
        """Bring one artifact to things, each in an execution of its own.

        Things of a type that the artifact does not fit end at once as NO_ARTIFACT.
        """
        organization_id = key("org", input.organization_id, ("organizationId",))
        artifact_id = key("artifact", input.artifact_id, ("artifactId",))
        async with info.context.unit_of_work() as work:
            job_id = await ota_jobs.create(
                work,
                organization_id=organization_id,
                artifact_id=artifact_id,
                name=input.name,
                description=input.description,
                target=target_of(input.target),
                rules=rules_in(input),
                signing=_signing(given(input.signing)),
            )
        return CreateOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def update_ota_job(self, info: Info, input: UpdateOtaJobInput) -> UpdateOtaJobPayload:
        """Change an OTA job: what is left out stays."""
        job_id = key("otajob", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await ota_jobs.update(work, job_id, changes_in(input), given(input.expected_version))
        return UpdateOtaJobPayload.of(ota_job_id=job_id)

    @mutation(Permission.OTA_DEPLOY)
    async def retry_ota_job(self, info: Info, input: RetryOtaJobInput) -> RetryOtaJobPayload:
        """Start a new job by the rules of an ended one, for the things that failed in it."""
        before = key("otajob", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            job_id = await ota_jobs.retry(work, before, name=input.name)
        return RetryOtaJobPayload.of(ota_job_id=job_id)


def _signing(wanted: JobSigningInput | None) -> Signing | None:
    if wanted is None:
        return None
    named = given(wanted.key_ids)
    return Signing(None if named is None else keys("signingkey", named, ("signing", "keyIds")), wanted.automatic)
