"""Executions: one thing's update in one job. The one gate through which a single execution moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update

from models import OtaExecutionRow
from models.enums import EventKind, Permission
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_EXECUTION, OTA_JOB, THING
from services.errors import Conflict, Forbidden, WrongState
from services.execution_counts import Shifts, shift
from services.execution_events import record
from services.execution_moves import ACTIVE, BEGUN, Actor, may_ever_set, may_move
from services.unit_of_work import UnitOfWork
from services.validation import check_range, check_text

SUBSTATE_LENGTH: Final = 1024
DONE: Final = 100


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported: the status, and optionally a free text about it and the percentage done.

    `expected` is the status that the reporter believes the execution has; None does not ask.
    """

    status: Status
    substate: str | None = None
    progress: int | None = None
    expected: Status | None = None


@dataclass(frozen=True, slots=True)
class _Around:
    """What decides about a move outside of the execution's row."""

    retries: int
    starts_at: datetime
    home_group_id: UUID | None


async def report(work: UnitOfWork, execution_id: UUID, given: Report) -> UUID:
    """Move an execution as the thing itself reports it, or a person who holds ota:report in its stead.

    A repeated status is no conflict and changes no count. A failure with attempts left goes back to PENDING
    (mender.ota.set-deployment-retries). Raises NotFound (not there, or another thing's), Forbidden (not this actor's
    status to set), InvalidInput, Conflict (it has ended, or has not the expected status), and WrongState (not from this
    status, or the job has not started).
    """
    actor = Actor.PERSON if work.access.thing is None else Actor.THING
    permission = Permission.OTA_REPORT if actor is Actor.PERSON else None
    row = await work.fetch(OtaExecutionRow, execution_id, permission, ("executionId",))
    if not may_ever_set(given.status, actor):
        raise Forbidden(f"a {actor.value.lower()} does not set {given.status}", ("status",))
    _check_values(given)
    if given.expected is not None and row.status is not given.expected:
        raise Conflict(f"the execution is {row.status}, not {given.expected}", ("expectedStatus",))
    if given.status is row.status:
        return await _repeat(work, row, given)
    _check_move(row.status, given.status, actor)
    around = await _read_around(work, row)
    if around.starts_at > work.moment and given.status is not Status.ABORTED:
        raise WrongState("the job has not started", ("executionId",))
    await _move(work, row, given, around)
    return row.id


def _check_values(given: Report) -> None:
    if given.substate is not None:
        check_text(given.substate, ("substate",), limit=SUBSTATE_LENGTH)
    if given.progress is not None:
        check_range(given.progress, ("progress",), least=0, most=DONE)


def _check_move(current: Status, wanted: Status, actor: Actor) -> None:
    if current not in ACTIVE:
        raise Conflict(f"the execution has ended: it is {current}", ("status",))
    if not may_move(current, wanted, actor):
        raise WrongState(f"a {actor.value.lower()} cannot move an execution from {current} to {wanted}", ("status",))


async def _repeat(work: UnitOfWork, row: OtaExecutionRow, given: Report) -> UUID:
    """The same status again: while it is open, the news in it are kept; once it has ended, nothing changes any more."""
    substate = row.substate if given.substate is None else given.substate
    progress = row.progress if given.progress is None else given.progress
    if row.status in ACTIVE and (substate, progress) != (row.substate, row.progress):
        around = await _read_around(work, row)
        await _set(work, row, {"substate": substate, "progress": progress})
        _record(work, row, row.status, around)
    return row.id


async def _move(work: UnitOfWork, row: OtaExecutionRow, given: Report, around: _Around) -> None:
    failed = given.status is Status.FAILURE
    again = failed and row.attempts < around.retries
    landing = Status.PENDING if again else given.status
    ended = landing not in ACTIVE
    progress = DONE if landing is Status.SUCCESS else given.progress
    if progress is None:
        progress = 0 if again else row.progress
    await _set(
        work,
        row,
        {
            "status": landing,
            "substate": given.substate or "",
            "progress": progress,
            "attempts": row.attempts + int(failed),
            "started_at": row.started_at or (work.moment if given.status in BEGUN else None),
            "finished_at": work.moment if ended else None,
        },
    )
    delta = {row.status: -1, landing: 1} if landing is not row.status else {}
    deployments: Shifts = {} if row.deployment_id is None else {row.deployment_id: delta}
    await shift(work, {row.job_id: delta}, deployments, begins=True)
    _record(work, row, landing, around)
    record(work, EventKind.OTA_JOB_CHANGED, row.organization_id, row.job_id)
    if row.deployment_id is not None:
        record(work, EventKind.DEPLOYMENT_CHANGED, row.organization_id, row.deployment_id)


async def _set(work: UnitOfWork, row: OtaExecutionRow, changes: dict[str, Any]) -> None:
    """Compare and set: the row changes only while it has the status that the decision was made on."""
    statement = (
        update(OTA_EXECUTION)
        .where(OTA_EXECUTION.c.id == row.id, OTA_EXECUTION.c.status == row.status)
        .values(version=OTA_EXECUTION.c.version + 1, updated_at=work.moment, **changes)
        .returning(OTA_EXECUTION.c.id)
    )
    if (await work.session.execute(statement)).first() is None:
        raise Conflict("the execution was moved at the same time; look again", ("executionId",))


async def _read_around(work: UnitOfWork, row: OtaExecutionRow) -> _Around:
    statement = (
        select(OTA_JOB.c.retries, OTA_JOB.c.starts_at, THING.c.home_group_id)
        .join_from(OTA_JOB, THING, THING.c.id == row.thing_id)
        .where(OTA_JOB.c.id == row.job_id)
    )
    return _Around(*(await work.session.execute(statement)).one())


def _record(work: UnitOfWork, row: OtaExecutionRow, status: Status, around: _Around) -> None:
    work.record(
        EventKind.OTA_EXECUTION_CHANGED,
        organization_id=row.organization_id,
        subject_id=row.id,
        thing_id=row.thing_id,
        group_id=around.home_group_id,
        detail={"status": status.value},
    )
