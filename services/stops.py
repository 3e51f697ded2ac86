"""Stopping campaigns before their end: aborting deployments, cancelling OTA jobs."""

from __future__ import annotations

from uuid import UUID

from models import DeploymentRow, OtaJobRow
from models.enums import DeploymentStatus, Permission
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.endings import end_executions, end_jobs, lock_jobs
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB, active_in, add
from services.execution_events import record_deployment
from services.lookups import look_up
from services.unit_of_work import UnitOfWork


async def abort(work: UnitOfWork, deployment_id: UUID) -> UUID:
    """Stop a campaign: what is open ends as ABORTED, what has ended stays, the deployment is FINISHED.

    Things in the middle may finish what they do; what they report of it is refused (mender.ota.abort-deployment).
    Raises NotFound, Forbidden, and WrongState when it has finished already.
    """
    await look_up(work, DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    await end_executions(work, OTA_EXECUTION.c.deployment_id == deployment_id)
    jobs = await lock_jobs(work, OTA_JOB.c.deployment_id == deployment_id)
    deltas = end_jobs(work, jobs)
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    if deployment.status not in OPEN_DEPLOYMENT:
        raise WrongState("the deployment has finished already", ("id",))
    add(deployment, deltas)
    deployment.status = DeploymentStatus.FINISHED
    deployment.aborted_at = deployment.finished_at = deployment.updated_at = work.moment
    deployment.version += 1
    record_deployment(work, deployment)
    return deployment.id


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
