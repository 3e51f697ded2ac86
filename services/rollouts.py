"""The making of the executions of a campaign.

Executions of any number of things are made by a fixed number of statements, for all phases at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Uuid, and_, case, func, insert, literal, null, or_, select

from models import DeploymentRow, OtaJobRow
from models.dialects import new_id_in_sql
from models.enums import DeploymentStatus, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_EXECUTION
from services.beginnings import offer
from services.bulk import allow_time
from services.errors import InvalidInput
from services.execution_counts import active_in, add
from services.execution_events import record_changes, record_deployment, record_job
from services.execution_moves import ENDED
from services.picks import Aim, Fits, pick
from services.unit_of_work import UnitOfWork
from sql.moments import UtcDateTime

MADE: Final = (Status.PENDING, Status.AWAITING_APPROVAL, Status.TRIGGERED, Status.NO_ARTIFACT)
"""What an execution can be when it is made."""

Counts = Mapping[Status, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs of one campaign in the order of their phases, and the place of the last thing of each; none for the rest."""

    jobs: Sequence[OtaJobRow]
    ends: Sequence[int] = ()
    deployment: DeploymentRow | None = None

    @property
    def of_campaign(self) -> ColumnElement[bool]:
        """The condition that an execution belongs here."""
        if self.deployment is not None:
            return OTA_EXECUTION.c.deployment_id == self.deployment.id
        return OTA_EXECUTION.c.job_id == self.jobs[0].id


async def roll_out(work: UnitOfWork, batch: Batch, fits: Fits, things: ColumnElement[bool]) -> None:
    """Make one execution for each thing, and set the counts of the jobs and of their deployment; none exist before.

    Things whose type nothing fits end at once as NO_ARTIFACT. Raises InvalidInput when there is no thing at all, unless
    things may join later, and when there is none in a phase. The number of statements is that of no phases and things.
    """
    await work.session.flush()
    for job in batch.jobs:
        job.status = OtaJobStatus.SCHEDULED if _waits(work, job) else OtaJobStatus.IN_PROGRESS
        job.begun_at = None if job.status is OtaJobStatus.SCHEDULED else work.moment
    await allow_time(work)
    await make_executions(work, batch, fits, Aim(things))
    counts = await _count(work, batch)
    if not counts and not batch.jobs[-1].dynamic:
        raise InvalidInput("the target holds no thing", ("target",))
    await record_changes(work, batch.of_campaign, MADE)
    for index, job in enumerate(batch.jobs):
        _settle(work, job, counts.get(job.id, Counter()))
        if len(batch.jobs) > 1 and not job.planned_count:
            raise InvalidInput("no thing would be in this phase", ("phases", index))
        record_job(work, job)
        if job.notify and job.status is OtaJobStatus.IN_PROGRESS:
            await offer(work, OTA_EXECUTION.c.job_id == job.id)
    if batch.deployment is not None:
        _begin_deployment(work, batch.deployment, batch.jobs, sum(counts.values(), Counter()))


async def make_executions(work: UnitOfWork, batch: Batch, fits: Fits, aim: Aim) -> None:
    """Insert the rows of the things of the aim: one statement, for all jobs of the batch."""
    picked = pick(work.dialect, aim, fits)
    row = _execution(work, batch, picked)
    rows = select(*row.values()).select_from(picked)
    if batch.ends:
        rows = rows.where(picked.c.place <= batch.ends[-1])
    await work.session.execute(insert(OTA_EXECUTION).from_select(list(row), rows))


async def _count(work: UnitOfWork, batch: Batch) -> dict[UUID, Counter[Status]]:
    columns = OTA_EXECUTION.c
    statement = (
        select(columns.job_id, columns.status, func.count())
        .where(batch.of_campaign)
        .group_by(columns.job_id, columns.status)
    )
    counts: defaultdict[UUID, Counter[Status]] = defaultdict(Counter)
    for job_id, status, number in (await work.session.execute(statement)).all():
        counts[job_id][status] = number
    return counts


def _execution(work: UnitOfWork, batch: Batch, picked: FromClause) -> dict[str, ColumnElement[Any]]:
    """What the row of each thing holds, by column."""
    at = literal(work.moment, UtcDateTime())
    owner = batch.jobs[0]
    deployment = null() if owner.deployment_id is None else literal(owner.deployment_id, Uuid())
    return {
        "id": new_id_in_sql(),
        "organization_id": literal(owner.organization_id, Uuid()),
        "job_id": _job(batch, picked.c.place),
        "deployment_id": deployment,
        "thing_id": picked.c.id,
        "artifact_id": picked.c.artifact_id,
        "status": _status(batch, picked),
        "substate": literal(""),
        "progress": literal(0),
        "attempts": literal(0),
        "device_type": literal(""),
        "log_line_count": literal(0),
        "finished_at": case((picked.c.unfit, at), else_=null()),
        "version": literal(1),
        "created_at": at,
        "updated_at": at,
    }


def _job(batch: Batch, place: ColumnElement[int]) -> ColumnElement[Any]:
    """The job of the phase in which a place lies."""
    *others, last = (literal(job.id, Uuid()) for job in batch.jobs)
    branches = [(place <= end, job) for job, end in zip(others, batch.ends, strict=False)]
    return case(*branches, else_=last) if branches else last


def _status(batch: Batch, picked: FromClause) -> ColumnElement[Any]:
    """Where an execution begins: connected things of a forced job that has begun are sent it at once.

    See rainmaker.ota.job-force-push and rainmaker.ota.job-user-approval.
    """
    kind = OTA_EXECUTION.c.status.type
    first = batch.jobs[0]
    waiting = literal(Status.AWAITING_APPROVAL if first.approval else Status.PENDING, kind)
    branches: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = [
        (picked.c.unfit, literal(Status.NO_ARTIFACT, kind))
    ]
    pushed = _pushed(batch, picked.c.place) if first.force else None
    if pushed is not None:
        branches.append((and_(picked.c.connected, pushed), literal(Status.TRIGGERED, kind)))
    return case(*branches, else_=waiting)


def _pushed(batch: Batch, place: ColumnElement[int]) -> ColumnElement[bool] | None:
    """The places in phases that have begun; None when none has."""
    parts: list[ColumnElement[bool]] = []
    after = 0
    for job, end in zip(batch.jobs, batch.ends or (None,), strict=True):
        if job.status is OtaJobStatus.IN_PROGRESS:
            parts.append(place > after if end is None else and_(place > after, place <= end))
        after = end or after
    return or_(*parts) if parts else None


def _waits(work: UnitOfWork, job: OtaJobRow) -> bool:
    """Whether a job is for later: its time has not come, or it waits for the success of the phase before."""
    return job.starts_at > work.moment or job.after_success_percent is not None


def _settle(work: UnitOfWork, job: OtaJobRow, counts: Counts) -> None:
    """The counts of a new job; it has finished when nothing fits anybody and nobody may join."""
    add(job, counts)
    job.planned_count = sum(counts.values())
    if not active_in(job) and not job.dynamic:
        job.status, job.finished_at = OtaJobStatus.FINISHED, work.moment


def _begin_deployment(work: UnitOfWork, deployment: DeploymentRow, jobs: Sequence[OtaJobRow], counts: Counts) -> None:
    add(deployment, counts)
    if not active_in(deployment) and not deployment.dynamic:
        deployment.status, deployment.finished_at = DeploymentStatus.FINISHED, work.moment
    elif all(_waits(work, job) for job in jobs):
        deployment.status = DeploymentStatus.SCHEDULED
    else:
        # What nothing fits has ended while others are open (mender.ota.deployment-status-lifecycle).
        has_ended = any(counts.get(status) for status in ENDED)
        deployment.status = DeploymentStatus.IN_PROGRESS if has_ended else DeploymentStatus.PENDING
    record_deployment(work, deployment)
