"""Deleting deployments and OTA jobs that have ended."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from models import DeploymentRow, OtaJobRow
from models.enums import EventKind, Permission
from models.tables import OTA_EXECUTION, OTA_JOB
from services.bulk import allow_time
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB
from services.execution_events import record, record_deployment, record_job
from services.unit_of_work import UnitOfWork


async def delete_deployment(work: UnitOfWork, deployment_id: UUID) -> UUID:
    """Delete a finished campaign with its jobs and executions; raises NotFound, Forbidden, WrongState."""
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
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


async def delete_job(work: UnitOfWork, job_id: UUID) -> UUID:
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
