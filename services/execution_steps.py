"""Moving executions, once it is decided: rows, counts and events, for whoever decides.

Nothing here asks who may do it: see `services.execution_moves`. What moves together has its executions first, then the
jobs, then the deployments, the order of locks that all follow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select, update

from models.enums import EventKind
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.errors import Conflict
from services.execution_counts import shift
from services.execution_events import record
from services.execution_moves import ACTIVE, MOVES
from services.unit_of_work import UnitOfWork
from sql.sets import member_of


@dataclass(frozen=True, slots=True)
class Standing:
    """An execution as it was when the decision was made, with the home group of its thing."""

    id: UUID
    organization_id: UUID
    thing_id: UUID
    home_group_id: UUID | None
    job_id: UUID
    deployment_id: UUID | None
    status: Status


@dataclass(frozen=True, slots=True)
class Step:
    """A move of one execution, and other values of its row; `asks` says that its thing has asked for the first time."""

    standing: Standing
    landing: Status
    values: Mapping[str, Any] = field(default_factory=dict)
    asks: bool = False


async def take(work: UnitOfWork, steps: Sequence[Step], *, begins: bool = False) -> None:
    """Move executions, with the counts of their jobs and deployments; `begins` as in `execution_counts.shift`.

    Raises Conflict when one of them has not its status any more, and RuntimeError for a move that nobody may make.
    """
    for step in steps:
        if _delta(step) and (step.standing.status, step.landing) not in MOVES:
            raise RuntimeError(f"nobody moves an execution from {step.standing.status} to {step.landing}")
    for step in sorted(steps, key=lambda each: each.standing.id):
        await change(work, step.standing, {**step.values, **_ending(work, step), "status": step.landing})
    jobs: defaultdict[UUID, Counter[Status]] = defaultdict(Counter)
    deployments: defaultdict[UUID, Counter[Status]] = defaultdict(Counter)
    for step in steps:
        delta = _delta(step)
        jobs[step.standing.job_id].update(delta)
        if step.standing.deployment_id is not None:
            deployments[step.standing.deployment_id].update(delta)
    await shift(work, jobs, deployments, begins=begins)
    asked = [step.standing for step in steps if step.asks]
    await _count_asked(work, OTA_JOB, [each.job_id for each in asked])
    await _count_asked(work, DEPLOYMENT, [each.deployment_id for each in asked if each.deployment_id is not None])
    for step in steps:
        note(work, step.standing, step.landing)
    owners = {step.standing.job_id: step.standing.organization_id for step in steps}
    behind = {step.standing.deployment_id: step.standing.organization_id for step in steps}
    for job_id, owner in owners.items():
        record(work, EventKind.OTA_JOB_CHANGED, owner, job_id)
    for deployment_id, owner in behind.items():
        if deployment_id is not None:
            record(work, EventKind.DEPLOYMENT_CHANGED, owner, deployment_id)


async def lock_free(work: UnitOfWork, standings: Sequence[Standing]) -> set[UUID]:
    """Lock those of several executions that nobody else holds and that are as they were; gives their ids.

    Nobody is waited for, so that it does not matter in which order others take the same rows.
    """
    columns = OTA_EXECUTION.c
    statement = (
        select(columns.id, columns.status)
        .where(member_of(columns.id, [each.id for each in standings]))
        .order_by(columns.id)
        .with_for_update(skip_locked=True)
    )
    found = {row.id: row.status for row in (await work.session.execute(statement)).all()}
    return {each.id for each in standings if found.get(each.id) is each.status}


async def change(work: UnitOfWork, standing: Standing, values: Mapping[str, Any]) -> None:
    """Compare and set: the row changes only while it has the status that the decision was made on."""
    statement = (
        update(OTA_EXECUTION)
        .where(OTA_EXECUTION.c.id == standing.id, OTA_EXECUTION.c.status == standing.status)
        .values(version=OTA_EXECUTION.c.version + 1, updated_at=work.moment, **values)
        .returning(OTA_EXECUTION.c.id)
    )
    if (await work.session.execute(statement)).first() is None:
        raise Conflict("the execution was moved at the same time; look again", ("executionId",))


def note(work: UnitOfWork, standing: Standing, status: Status) -> None:
    """Record that an execution changed, and where it is now."""
    work.record(
        EventKind.OTA_EXECUTION_CHANGED,
        organization_id=standing.organization_id,
        subject_id=standing.id,
        thing_id=standing.thing_id,
        group_id=standing.home_group_id,
        detail={"status": status.value},
    )


def _ending(work: UnitOfWork, step: Step) -> Mapping[str, Any]:
    return {"finished_at": None if step.landing in ACTIVE else work.moment}


def _delta(step: Step) -> Mapping[Status, int]:
    status = step.standing.status
    return {status: -1, step.landing: 1} if step.landing is not status else {}


async def _count_asked(work: UnitOfWork, table: Table, keys: Sequence[UUID]) -> None:
    """One more thing has asked, for each key of a job or deployment, which are locked already."""
    for key, number in sorted(Counter(keys).items()):
        more = table.c.asked_count + number
        await work.session.execute(update(table).where(table.c.id == key).values(asked_count=more))
