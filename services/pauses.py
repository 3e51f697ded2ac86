"""Holding campaigns, and letting them go on; what things have begun they may finish meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from models import DeploymentRow, OtaJobRow
from models.counts import count_column
from models.enums import DeploymentStatus, OtaJobStatus, Permission
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.endings import lock_jobs
from services.errors import WrongState
from services.execution_counts import active_in
from services.execution_events import record_deployment, record_job
from services.execution_moves import ENDED
from services.lookups import look_up
from services.unit_of_work import UnitOfWork, check_version

_GOES_ON: Final = (OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS)
_MIDDLE: Final = (Status.STARTED, Status.DOWNLOADING, Status.INSTALLING, Status.REBOOTING, Status.DELAYED)


async def pause_deployment(work: UnitOfWork, deployment_id: UUID, expected_version: int | None = None) -> UUID:
    """Hold a deployment and all its open jobs, also those that have not started.

    Raises NotFound, Forbidden, Conflict (version), and WrongState when it has finished or is paused.
    """
    jobs, deployment = await _lock(work, deployment_id, expected_version)
    if deployment.status is DeploymentStatus.PAUSED:
        raise WrongState("the deployment is paused already", ("id",))
    if deployment.status is DeploymentStatus.FINISHED:
        raise WrongState("the deployment has finished", ("id",))
    for job in jobs:
        if job.status in _GOES_ON:
            _pause(work, job)
    deployment.status = DeploymentStatus.PAUSED
    deployment.paused_at = deployment.updated_at = work.moment
    deployment.version += 1
    record_deployment(work, deployment)
    return deployment.id


async def resume_deployment(work: UnitOfWork, deployment_id: UUID, expected_version: int | None = None) -> UUID:
    """Let a paused deployment go on with all its jobs, as what they would be by now.

    One that had stopped by itself goes on until another failure breaks its rule. Raises NotFound, Forbidden, Conflict
    (version), and WrongState when it is not paused.
    """
    jobs, deployment = await _lock(work, deployment_id, expected_version)
    if deployment.status is not DeploymentStatus.PAUSED:
        raise WrongState("the deployment is not paused", ("id",))
    for job in jobs:
        if job.status is OtaJobStatus.PAUSED:
            _resume(work, job)
    deployment.status = await _status(work, deployment, jobs)
    if deployment.status is DeploymentStatus.FINISHED:
        deployment.finished_at = work.moment
    deployment.paused_at, deployment.stop_reason = None, ""
    deployment.updated_at = work.moment
    deployment.version += 1
    record_deployment(work, deployment)
    return deployment.id


async def pause_job(work: UnitOfWork, job_id: UUID, expected_version: int | None = None) -> UUID:
    """Hold one job; the other phases of its deployment go on.

    Raises NotFound, Forbidden, Conflict (version), and WrongState when it has ended or is paused.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    check_version(job.version, expected_version)
    if job.status is OtaJobStatus.PAUSED:
        raise WrongState("the job is paused already", ("id",))
    if job.status not in _GOES_ON:
        raise WrongState("the job has ended", ("id",))
    _pause(work, job)
    return job.id


async def resume_job(work: UnitOfWork, job_id: UUID, expected_version: int | None = None) -> UUID:
    """Let a paused job go on, or one start that waits because too little of the phase before has succeeded.

    Raises NotFound, Forbidden, Conflict (version), and WrongState when it does neither, or its deployment is paused.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    check_version(job.version, expected_version)
    waits = job.status is OtaJobStatus.SCHEDULED and job.stop_reason != ""
    if job.status is not OtaJobStatus.PAUSED and not waits:
        raise WrongState("the job is not paused", ("id",))
    deployment = None
    if job.deployment_id is not None:
        deployment = await work.find(DeploymentRow, DEPLOYMENT.c.id == job.deployment_id)
    if deployment is not None and deployment.status is DeploymentStatus.PAUSED:
        raise WrongState("its deployment is paused; resume that", ("id",))
    if waits:
        job.after_success_percent = None
        if deployment is not None and deployment.stop_reason == job.stop_reason:
            deployment.stop_reason = ""
            record_deployment(work, deployment)
    _resume(work, job)
    return job.id


async def _lock(
    work: UnitOfWork, deployment_id: UUID, expected_version: int | None
) -> tuple[Sequence[OtaJobRow], DeploymentRow]:
    await look_up(work, DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    jobs = await lock_jobs(work, OTA_JOB.c.deployment_id == deployment_id)
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    check_version(deployment.version, expected_version)
    return jobs, deployment


def _pause(work: UnitOfWork, job: OtaJobRow) -> None:
    job.status = OtaJobStatus.PAUSED
    job.paused_at = job.updated_at = work.moment
    job.version += 1
    record_job(work, job)


def _resume(work: UnitOfWork, job: OtaJobRow) -> None:
    """What has not begun waits for the scheduler, which begins it when it is due."""
    if not active_in(job) and not job.dynamic:
        job.status, job.finished_at = OtaJobStatus.FINISHED, work.moment
    else:
        job.status = OtaJobStatus.SCHEDULED if job.begun_at is None else OtaJobStatus.IN_PROGRESS
    job.paused_at, job.stop_reason = None, ""
    job.updated_at = work.moment
    job.version += 1
    record_job(work, job)


async def _status(work: UnitOfWork, deployment: DeploymentRow, jobs: Sequence[OtaJobRow]) -> DeploymentStatus:
    """See mender.ota.deployment-status-lifecycle."""
    if not active_in(deployment) and not deployment.dynamic:
        return DeploymentStatus.FINISHED
    if any(getattr(deployment, count_column(status)) for status in (*_MIDDLE, *ENDED)):
        return DeploymentStatus.IN_PROGRESS
    if all(job.begun_at is None for job in jobs):
        return DeploymentStatus.SCHEDULED
    tried = (OTA_EXECUTION.c.deployment_id == deployment.id, OTA_EXECUTION.c.started_at.is_not(None))
    return DeploymentStatus.IN_PROGRESS if await work.exists(*tried) else DeploymentStatus.PENDING
