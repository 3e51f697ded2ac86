"""Stopping campaigns before their end: aborting deployments, cancelling OTA jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement

from models import DeploymentRow, OtaJobRow
from models.enums import DeploymentStatus, Permission
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.endings import cancel_jobs, end_batches, end_executions, lock_jobs
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB, active_in, add, recount
from services.execution_events import record_deployment
from services.lookups import look_up
from services.unit_of_work import UnitOfWork, check_version

NOT_BEGUN: Final = (Status.PENDING, Status.AWAITING_APPROVAL, Status.TRIGGERED, Status.DELAYED)
"""What ends with the cancelling of a job; a thing in another status may still report how its update ended."""


async def abort(work: UnitOfWork, deployment_id: UUID, expected_version: int | None = None) -> UUID:
    """Stop a campaign: what is open ends as ABORTED, what has ended stays, the deployment is FINISHED.

    Things in the middle may finish what they do; what they report of it is refused (mender.ota.abort-deployment).
    Raises NotFound, Forbidden, Conflict (version), and WrongState when it has finished already.
    """
    await look_up(work, DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    of_deployment = OTA_EXECUTION.c.deployment_id == deployment_id
    await end_executions(work, of_deployment, Status.ABORTED)
    jobs = await lock_jobs(work, OTA_JOB.c.deployment_id == deployment_id)
    await _end_newcomers(work, jobs, of_deployment)
    deltas = await recount(work, list(jobs))
    cancel_jobs(work, jobs)
    for job in jobs:
        job.finished_at = job.finished_at or work.moment
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    check_version(deployment.version, expected_version)
    if deployment.status not in OPEN_DEPLOYMENT:
        raise WrongState("the deployment has finished already", ("id",))
    add(deployment, _sum(deltas.values()))
    deployment.status = DeploymentStatus.FINISHED
    deployment.aborted_at = deployment.finished_at = deployment.updated_at = work.moment
    deployment.paused_at = None
    deployment.version += 1
    record_deployment(work, deployment)
    return deployment.id


async def cancel(work: UnitOfWork, job_id: UUID, expected_version: int | None = None) -> UUID:
    """Stop a job: what has not begun ends as ABORTED, the job is CANCELLED.

    What is in the middle may still report how it ends, and what has ended stays (rainmaker.ota.cancel-job). Its
    deployment, if it has one, finishes when nothing else of it is open. Raises NotFound, Forbidden, Conflict (version),
    and WrongState when it has ended already.
    """
    seen = await look_up(work, OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    of_job = OTA_EXECUTION.c.job_id == job_id
    not_begun = OTA_EXECUTION.c.status.in_(NOT_BEGUN)
    await end_executions(work, of_job, Status.ABORTED, not_begun)
    jobs = await lock_jobs(work, OTA_JOB.c.id == job_id)
    for job in jobs:
        check_version(job.version, expected_version)
    if not any(job.status in OPEN_JOB for job in jobs):
        raise WrongState("the job has ended already", ("id",))
    await _end_newcomers(work, jobs, of_job & not_begun)
    deltas = await recount(work, list(jobs))
    cancel_jobs(work, jobs)
    for job in jobs:
        job.finished_at = None if active_in(job) else work.moment
    if seen["deployment_id"] is not None:
        deployment = await work.find(DeploymentRow, DEPLOYMENT.c.id == seen["deployment_id"])
        if deployment is not None:
            add(deployment, _sum(deltas.values()))
            await _settle(work, deployment)
    return job_id


async def _end_newcomers(work: UnitOfWork, jobs: Sequence[OtaJobRow], condition: ColumnElement[bool]) -> None:
    """End what has joined between the statement that ended the others and the lock of the jobs."""
    if any(job.dynamic for job in jobs):
        await end_batches(work, condition, Status.ABORTED)


def _sum(deltas: Iterable[Counter[Status]]) -> Counter[Status]:
    total: Counter[Status] = Counter()
    for one in deltas:
        total.update(one)
    return total


async def _settle(work: UnitOfWork, deployment: DeploymentRow) -> None:
    """Finish a deployment of which nothing is open any more; a stopped phase counts as begun."""
    if deployment.status not in OPEN_DEPLOYMENT:
        return
    if not active_in(deployment) and not (deployment.dynamic and await _goes_on(work, deployment.id)):
        deployment.status, deployment.finished_at = DeploymentStatus.FINISHED, work.moment
        deployment.paused_at = None
    elif deployment.status is not DeploymentStatus.PAUSED:
        deployment.status = DeploymentStatus.IN_PROGRESS
    deployment.updated_at = work.moment
    record_deployment(work, deployment)


async def _goes_on(work: UnitOfWork, deployment_id: UUID) -> bool:
    """Whether a phase of it is open, which things may join."""
    await work.session.flush()
    return await work.exists(OTA_JOB.c.deployment_id == deployment_id, OTA_JOB.c.status.in_(OPEN_JOB))
