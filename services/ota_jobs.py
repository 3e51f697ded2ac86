"""OTA jobs: batches of updates that start at one time. Those made here stand alone, with one artifact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from models import ArtifactRow, DeploymentRow, OtaJobRow
from models.enums import DeploymentStatus, Permission
from models.tables import ARTIFACT, DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.bulk import allow_time
from services.endings import end_executions, end_jobs, lock_jobs
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB, active_in, add
from services.execution_events import record_deployment, record_job
from services.lookups import enter, look_up
from services.patches import NAME, Fields, apply_changes
from services.rollouts import PRIORITY, Rules, ready_artifacts, roll_out
from services.targets import Target, resolve
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_name

_FIELDS: Final[Fields] = {"name": NAME, "priority": PRIORITY}


async def create(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    artifact_id: UUID,
    name: str,
    target: Target,
    rules: Rules | None = None,
) -> UUID:
    """Start a job that brings one artifact to the things of the target; those of another type end as NO_ARTIFACT.

    Raises NotFound (organization, artifact, thing or group), Forbidden, InvalidInput (values, an empty target), and
    WrongState for an artifact whose file has not arrived (rainmaker.ota.create-job). In each case nothing is made.
    """
    rules = rules or Rules()
    await enter(work, organization_id, Permission.OTA_DEPLOY)
    of_organization = ARTIFACT.c.organization_id == organization_id
    await look_up(work, ArtifactRow, artifact_id, Permission.RELEASE_READ, ("artifactId",), of_organization)
    given_name = check_name(name, ("name",))
    rules.check()
    things = await resolve(work, organization_id, target)
    fits = await ready_artifacts(work, ARTIFACT.c.id == artifact_id)
    if not fits:
        raise WrongState("the file of the artifact has not been uploaded", ("artifactId",))
    job = OtaJobRow(
        organization_id=organization_id,
        artifact_id=artifact_id,
        name=given_name,
        priority=rules.priority,
        retries=rules.retries,
        starts_at=rules.starts_at or work.moment,
        created_at=work.moment,
        updated_at=work.moment,
    )
    work.session.add(job)
    await roll_out(work, job, None, fits, things)
    return job.id


async def update(
    work: UnitOfWork, job_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change `name` or `priority`; an absent one stays.

    Raises NotFound, Forbidden, InvalidInput, Conflict (version), and WrongState for the priority of an ended job.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    check_version(job.version, expected_version)
    if "priority" in changes and job.status not in OPEN_JOB:
        raise WrongState("the job has ended", ("priority",))
    if apply_changes(job, changes, _FIELDS, work.moment):
        record_job(work, job)
    return job.id


async def cancel(work: UnitOfWork, job_id: UUID) -> UUID:
    """Stop a job: what is open ends as ABORTED, what has ended stays, the job is CANCELLED.

    Its deployment, if it has one, finishes when nothing else of it is open. Raises NotFound, Forbidden, and WrongState
    when it has ended already (rainmaker.ota.cancel-job).
    """
    seen = await look_up(work, OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    await end_executions(work, OTA_EXECUTION.c.job_id == job_id)
    jobs = await lock_jobs(work, OTA_JOB.c.id == job_id)
    if not any(job.status in OPEN_JOB for job in jobs):
        raise WrongState("the job has ended already", ("id",))
    deltas = end_jobs(work, jobs)
    if seen["deployment_id"] is not None:
        deployment = await work.find(DeploymentRow, DEPLOYMENT.c.id == seen["deployment_id"])
        if deployment is not None:
            add(deployment, deltas)
            _settle(work, deployment)
    return job_id


def _settle(work: UnitOfWork, deployment: DeploymentRow) -> None:
    """Finish a deployment of which nothing is open any more; a stopped phase counts as begun."""
    if deployment.status not in OPEN_DEPLOYMENT:
        return
    if active_in(deployment):
        deployment.status = DeploymentStatus.IN_PROGRESS
    else:
        deployment.status, deployment.finished_at = DeploymentStatus.FINISHED, work.moment
    deployment.updated_at = work.moment
    record_deployment(work, deployment)


async def delete(work: UnitOfWork, job_id: UUID) -> UUID:
    """Delete an ended job with its executions.

    Raises NotFound, Forbidden, and WrongState when it is open or a part of a deployment, which counts its executions.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    if job.status in OPEN_JOB:
        raise WrongState("the job has not ended; cancel it first", ("id",))
    if job.deployment_id is not None:
        raise WrongState("the job is part of a deployment; delete the deployment", ("id",))
    record_job(work, job, deleted=True)
    await allow_time(work)
    await work.session.execute(OTA_EXECUTION.delete().where(OTA_EXECUTION.c.job_id == job_id))
    await work.session.delete(job)
    return job.id
