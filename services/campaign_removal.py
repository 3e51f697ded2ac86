"""Deleting deployments and OTA jobs that have ended."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from models import DeploymentRow, OtaJobRow
from models.enums import EventKind, Permission
from models.tables import OTA_EXECUTION, OTA_JOB
from services.bulk import allow_time
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB, active_in
from services.execution_events import record, record_deployment, record_job
from services.unit_of_work import UnitOfWork, check_version


async def delete_deployment(work: UnitOfWork, deployment_id: UUID, expected_version: int | None = None) -> UUID:
    """Delete a finished campaign with its jobs and executions.

    Raises NotFound, Forbidden, Conflict (version), and WrongState when it is open.
    """
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    check_version(deployment.version, expected_version)
    if deployment.status in OPEN_DEPLOYMENT:
        raise WrongState("the deployment has not finished; abort it first", ("id",))
    jobs = select(OTA_JOB.c.id).where(OTA_JOB.c.deployment_id == deployment_id).order_by(OTA_JOB.c.id)
    for job_id in (await work.session.execute(jobs)).scalars():
        record(work, EventKind.OTA_JOB_CHANGED, deployment.organization_id, job_id, deleted=True)
    record_deployment(work, deployment, deleted=True)
    await allow_time(work)
    await work.session.execute(OTA_EXECUTION.delete().where(OTA_EXECUTION.c.deployment_id == deployment_id))
    await work.session.delete(deployment)
    return deployment.id


async def delete_job(work: UnitOfWork, job_id: UUID, expected_version: int | None = None) -> UUID:
    """Delete an ended job with its executions.

    Raises NotFound, Forbidden, Conflict (version), and WrongState when it is open, when a thing is still in the middle
    of an update of it, or when it is a part of a deployment, which counts its executions.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    check_version(job.version, expected_version)
    if job.status in OPEN_JOB:
        raise WrongState("the job has not ended; cancel it first", ("id",))
    if job.deployment_id is not None:
        raise WrongState("the job is part of a deployment; delete the deployment", ("id",))
    if active_in(job):
        raise WrongState("some things have not finished what they had begun", ("id",))
    record_job(work, job, deleted=True)
    await allow_time(work)
    await work.session.execute(OTA_EXECUTION.delete().where(OTA_EXECUTION.c.job_id == job_id))
    await work.session.delete(job)
    return job.id
