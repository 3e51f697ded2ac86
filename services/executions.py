"""Executions: one thing's update in one job. The one gate through which a single execution moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from models import OtaExecutionRow
from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus, Permission
from models.tables import OTA_JOB, THING
from services.errors import Conflict, Forbidden, WrongState
from services.execution_moves import ACTIVE, BEGUN, Actor, may_ever_set, may_move
from services.execution_steps import Standing, Step, change, note, take
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
class Around:
    """What decides about a move outside of the execution's row."""

    retries: int
    job_status: OtaJobStatus
    expires_at: datetime | None
    home_group_id: UUID | None


async def report(work: UnitOfWork, execution_id: UUID, given: Report) -> UUID:
    """Move an execution as the thing itself reports it, or a person who holds ota:report in its stead.

    A repeated status is no conflict and changes no count. A failure with attempts left goes back to PENDING
    (mender.ota.set-deployment-retries), where the same failure told again changes nothing. What has begun may go on
    while its job is paused, and may end when that was cancelled. Raises NotFound (not there, or another thing's),
    Forbidden (not this actor's status to set), InvalidInput, Conflict (it has ended, or has not the expected status),
    and WrongState (not from this status, or the job has not started or is paused).
    """
    actor = Actor.PERSON if work.access.thing is None else Actor.THING
    permission = Permission.OTA_REPORT if actor is Actor.PERSON else None
    row = await work.fetch(OtaExecutionRow, execution_id, permission, ("executionId",))
    if not may_ever_set(given.status, actor):
        raise Forbidden(f"a {actor.value.lower()} does not set {given.status}", ("status",))
    _check_values(given)
    if given.expected is not None and row.status is not given.expected:
        raise Conflict(f"the execution is {row.status}, not {given.expected}", ("expectedStatus",))
    if _is_told_again(row, given.status):
        return row.id
    if given.status is row.status:
        return await _repeat(work, row, given)
    _check_move(row.status, given.status, actor)
    around = await read_around(work, row)
    if given.status is not Status.ABORTED:
        _check_job(row.status, around.job_status)
    await _move(work, row, given, around)
    return row.id


async def read_around(work: UnitOfWork, row: OtaExecutionRow) -> Around:
    """Read what decides about the moves of an execution besides its row."""
    statement = (
        select(OTA_JOB.c.retries, OTA_JOB.c.status, OTA_JOB.c.expires_at, THING.c.home_group_id)
        .join_from(OTA_JOB, THING, THING.c.id == row.thing_id)
        .where(OTA_JOB.c.id == row.job_id)
    )
    return Around(*(await work.session.execute(statement)).one())


def standing_of(row: OtaExecutionRow, home_group_id: UUID | None) -> Standing:
    """An execution as it stands in its locked row."""
    return Standing(row.id, row.organization_id, row.thing_id, home_group_id, row.job_id, row.deployment_id, row.status)


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


def _check_job(current: Status, job: OtaJobStatus) -> None:
    if job is OtaJobStatus.SCHEDULED:
        raise WrongState("the job has not started", ("executionId",))
    if job is OtaJobStatus.PAUSED and current is Status.PENDING:
        raise WrongState("the job is paused, and this update has not begun", ("executionId",))


def _is_told_again(row: OtaExecutionRow, status: Status) -> bool:
    """A failure that has put the execution back to PENDING comes again: the attempt is counted already."""
    return status is Status.FAILURE and row.status is Status.PENDING and row.attempts > 0


async def _repeat(work: UnitOfWork, row: OtaExecutionRow, given: Report) -> UUID:
    """The same status again: while it is open, the news in it are kept; once it has ended, nothing changes any more."""
    substate = row.substate if given.substate is None else given.substate
    progress = row.progress if given.progress is None else given.progress
    if row.status in ACTIVE and (substate, progress) != (row.substate, row.progress):
        standing = standing_of(row, (await read_around(work, row)).home_group_id)
        await change(work, standing, {"substate": substate, "progress": progress})
        note(work, standing, row.status)
    return row.id


async def _move(work: UnitOfWork, row: OtaExecutionRow, given: Report, around: Around) -> None:
    failed = given.status is Status.FAILURE
    again = failed and row.attempts < around.retries and around.job_status is not OtaJobStatus.CANCELLED
    landing = Status.PENDING if again else given.status
    progress = DONE if landing is Status.SUCCESS else given.progress
    if progress is None:
        progress = 0 if again else row.progress
    values = {
        "substate": given.substate or "",
        "progress": progress,
        "attempts": row.attempts + int(failed),
        "started_at": row.started_at or (work.moment if given.status in BEGUN else None),
    }
    await take(work, [Step(standing_of(row, around.home_group_id), landing, values)], begins=True)
