"""The counts of executions on jobs and deployments: moved by statements of the same transaction that moves executions.

Whoever changes rows of all three locks them in one order, so that nobody waits in a circle: executions, then their
jobs, then their deployments. What must be taken against that order is taken only where nobody holds it (SKIP LOCKED):
who holds it comes to the same rows behind us, finds them as they are then, and does the rest
([0027](../docs/decisions/0027-the-scheduler.md)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from models import OtaJobRow
from models.counts import count_column
from models.enums import DeploymentStatus, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_EXECUTION, OTA_JOB
from services.count_shifts import (
    DEPLOYMENT_COUNTS,
    JOB_COUNTS,
    OPEN_DEPLOYMENT,
    OPEN_JOB,
    Shifts,
    Standing,
    active_in,
    add,
    is_active,
)
from services.settlements import close_jobs, pause_jobs
from services.unit_of_work import UnitOfWork

__all__ = [
    "OPEN_DEPLOYMENT",
    "OPEN_JOB",
    "Shifts",
    "active_in",
    "add",
    "count",
    "is_active",
    "recount",
    "shift",
]


async def shift(work: UnitOfWork, jobs: Shifts, deployments: Shifts, *, begins: bool) -> None:
    """Move the counts of jobs, then of deployments, and their statuses as their rules have it.

    Those without an active execution left are FINISHED, unless they are dynamic; a dynamic one is when `max_things`
    have completed, and what is open ends ABORTED (mender.ota.limit-dynamic-deployment). A job whose failures break its
    rule is PAUSED with its deployment, and a deployment with all its jobs. `begins` says that things report: a job or
    deployment that had not begun is IN_PROGRESS from now on.

    A deployment stands in `deployments` whenever one of its jobs stands in `jobs`; the caller records their events, and
    those of others are recorded here. One statement for a table when a single row of it is moved, as reports do.
    """
    moved = await JOB_COUNTS.run(work, jobs, begins=begins, stops={})
    stops = {job.deployment_id: job.stops for job in moved if job.deployment_id is not None and job.stops}
    behind = await DEPLOYMENT_COUNTS.run(work, deployments, begins=begins, stops=stops)
    closed = set()
    for deployment in behind:
        mine = [job for job in moved if job.deployment_id == deployment.id]
        if deployment.status is DeploymentStatus.FINISHED:
            if deployment.active or any(job.is_open for job in mine):
                await close_jobs(work, OTA_JOB.c.deployment_id == deployment.id)
            closed.add(deployment.id)
        elif deployment.status is DeploymentStatus.PAUSED and _has_to_pause(deployment, mine):
            await pause_jobs(work, deployment.id, known={job.id for job in mine})
    for job in moved:
        if job.status is OtaJobStatus.FINISHED and job.active and job.deployment_id not in closed:
            await close_jobs(work, OTA_JOB.c.id == job.id)


def _has_to_pause(deployment: Standing, jobs: list[Standing]) -> bool:
    """It has just stopped, or somebody has paused it while one of these jobs, which goes on, was locked here."""
    return bool(deployment.stops) or any(job.is_open and job.status is not OtaJobStatus.PAUSED for job in jobs)


async def count(work: UnitOfWork, job_id: UUID) -> Counter[Status]:
    """Count the executions of a new job by status, once, right after they are made."""
    return (await _count(work, [job_id]))[job_id]


async def recount(work: UnitOfWork, jobs: list[OtaJobRow]) -> dict[UUID, Counter[Status]]:
    """Set the counters of locked jobs to what their executions are, and return by how much that moved each of them.

    Exact while others move executions of these jobs: what they have committed is in both, and what they have not is in
    neither, because it comes to the counters of a job in the transaction that moves it, and that needs the job's lock.
    """
    found = await _count(work, [job.id for job in jobs])
    deltas = {}
    for job in jobs:
        before = {status: getattr(job, count_column(status)) for status in Status}
        deltas[job.id] = Counter({status: found[job.id][status] - before[status] for status in Status})
        add(job, deltas[job.id])
    return deltas


async def _count(work: UnitOfWork, job_ids: list[UUID]) -> Mapping[UUID, Counter[Status]]:
    columns = OTA_EXECUTION.c
    statement = (
        select(columns.job_id, columns.status, func.count())
        .where(columns.job_id.in_(job_ids))
        .group_by(columns.job_id, columns.status)
    )
    counts: dict[UUID, Counter[Status]] = {key: Counter() for key in job_ids}
    for key, status, number in (await work.session.execute(statement)).all():
        counts[key][status] = number
    return counts
