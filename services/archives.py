"""Putting away what has ended, and taking it out again: lists leave it out (rainmaker.ota.archive-job)."""

from __future__ import annotations

from uuid import UUID

from models import DeploymentRow, OtaJobRow
from models.enums import Permission
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB
from services.execution_events import record_deployment, record_job
from services.unit_of_work import UnitOfWork, check_version


async def archive_deployment(
    work: UnitOfWork, deployment_id: UUID, expected_version: int | None = None, *, archived: bool
) -> UUID:
    """Put a finished deployment away, or take it out again.

    Raises NotFound, Forbidden, Conflict (version), and WrongState when it has not finished, or is there already.
    """
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    check_version(deployment.version, expected_version)
    if deployment.status in OPEN_DEPLOYMENT:
        raise WrongState("the deployment has not finished; abort it first", ("id",))
    _set(work, deployment, archived=archived)
    record_deployment(work, deployment)
    return deployment.id


async def archive_job(work: UnitOfWork, job_id: UUID, expected_version: int | None = None, *, archived: bool) -> UUID:
    """Put a finished or cancelled job away, or take it out again.

    Raises NotFound, Forbidden, Conflict (version), and WrongState when it has not ended, or is there already.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    check_version(job.version, expected_version)
    if job.status in OPEN_JOB:
        raise WrongState("the job has not ended; cancel it first", ("id",))
    _set(work, job, archived=archived)
    record_job(work, job)
    return job.id


def _set(work: UnitOfWork, row: DeploymentRow | OtaJobRow, *, archived: bool) -> None:
    if archived is (row.archived_at is not None):
        raise WrongState("it has been put away already" if archived else "it has not been put away", ("id",))
    row.archived_at = work.moment if archived else None
    row.updated_at = work.moment
    row.version += 1
