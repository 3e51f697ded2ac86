"""The counts of executions on jobs and deployments: moved by statements of the same transaction that moves executions.

Whoever changes rows of all three locks them in one order, so that nobody waits in a circle: executions, then their
jobs, then their deployments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Table, Update, and_, bindparam, case, func, or_, select, update

from models import DeploymentRow, OtaJobRow
from models.counts import count_column
from models.enums import DeploymentStatus, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.execution_moves import ACTIVE
from services.unit_of_work import UnitOfWork
from sql.moments import UtcDateTime

Shifts = Mapping[UUID, Mapping[Status, int]]
"""By the id of a job or deployment: how many executions more (or, negative, fewer) have each status."""

OPEN_JOB: Final = (OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS, OtaJobStatus.PAUSED)
OPEN_DEPLOYMENT: Final = (
    DeploymentStatus.SCHEDULED,
    DeploymentStatus.PENDING,
    DeploymentStatus.IN_PROGRESS,
    DeploymentStatus.PAUSED,
)


def _shift(table: Table, *, closing: tuple[Any, Any], opening: tuple[Any, Any]) -> Update:
    """Add a delta to every counter of one row, and move the row's own status where the new counts ask for it.

    `closing` are the statuses that end when no active execution remains, and the status that they end in; `opening` the
    statuses that a first report ends (bound as `begins`), and the status that it begins.
    """
    deltas = {status: bindparam(f"delta_{count_column(status)}", type_=Integer()) for status in Status}
    counts = {status: table.c[count_column(status)] + delta for status, delta in deltas.items()}
    active: ColumnElement[int] = sum((counts[status] for status in ACTIVE[1:]), start=counts[ACTIVE[0]])
    at = bindparam("at", type_=UtcDateTime())
    begins = bindparam("begins", type_=Integer())
    # Plain comparisons: a list operator would not serve many rows at once.
    done = and_(or_(*(table.c.status == status for status in closing[0])), active == 0)
    begun = and_(or_(*(table.c.status == status for status in opening[0])), begins == 1)
    values: dict[str, Any] = {count_column(status): count for status, count in counts.items()}
    values["status"] = case((done, closing[1]), (begun, opening[1]), else_=table.c.status)
    values["finished_at"] = case((done, at), else_=table.c.finished_at)
    values["updated_at"] = at
    return update(table).where(table.c.id == bindparam("row_id", type_=table.c.id.type)).values(values)


_SHIFT_JOB: Final = _shift(
    OTA_JOB,
    closing=(OPEN_JOB, OtaJobStatus.FINISHED),
    opening=((OtaJobStatus.SCHEDULED,), OtaJobStatus.IN_PROGRESS),
)
_SHIFT_DEPLOYMENT: Final = _shift(
    DEPLOYMENT,
    closing=(OPEN_DEPLOYMENT, DeploymentStatus.FINISHED),
    opening=((DeploymentStatus.SCHEDULED, DeploymentStatus.PENDING), DeploymentStatus.IN_PROGRESS),
)


async def shift(work: UnitOfWork, jobs: Shifts, deployments: Shifts, *, begins: bool) -> None:
    """Move the counts of jobs, then of deployments; those without an active execution left become FINISHED.

    `begins` says that things report: a job or deployment that had not begun is IN_PROGRESS from now on.
    """
    for statement, shifts in ((_SHIFT_JOB, jobs), (_SHIFT_DEPLOYMENT, deployments)):
        rows = [_parameters(key, shifts[key], work.moment, begins=begins) for key in sorted(shifts)]
        if rows:
            connection = await work.session.connection()
            await connection.execute(statement, rows)


def _parameters(key: UUID, deltas: Mapping[Status, int], at: datetime, *, begins: bool) -> dict[str, Any]:
    named = {f"delta_{count_column(status)}": deltas.get(status, 0) for status in Status}
    return {"row_id": key, "at": at, "begins": int(begins), **named}


async def count(work: UnitOfWork, job_id: UUID) -> Counter[Status]:
    """Count the executions of a new job by status, once, right after they are made."""
    statement = (
        select(OTA_EXECUTION.c.status, func.count())
        .where(OTA_EXECUTION.c.job_id == job_id)
        .group_by(OTA_EXECUTION.c.status)
    )
    return Counter(dict((await work.session.execute(statement)).all()))


def add(row: OtaJobRow | DeploymentRow, deltas: Mapping[Status, int]) -> None:
    """Add to the counters of a row that this transaction has made or locked."""
    for status, delta in deltas.items():
        column = count_column(status)
        setattr(row, column, getattr(row, column) + delta)


def active_in(row: OtaJobRow | DeploymentRow) -> int:
    """How many active executions the row counts."""
    return sum(getattr(row, count_column(status)) for status in ACTIVE)


def ending(row: OtaJobRow, result: Status) -> Counter[Status]:
    """The deltas of a job whose active executions all end in `result`."""
    deltas = Counter({status: -getattr(row, count_column(status)) for status in ACTIVE})
    deltas[result] = active_in(row)
    return deltas


def is_active() -> ColumnElement[bool]:
    """The condition that an execution is still open."""
    return OTA_EXECUTION.c.status.in_(ACTIVE)
