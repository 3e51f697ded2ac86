"""Things that leave: what becomes of their updates. Called by whoever deletes or moves things, in that unit of work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update

from models import ThingRow
from models.enums import EventKind, Permission
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_EXECUTION
from services.execution_counts import is_active, shift
from services.execution_events import record, record_changes
from services.unit_of_work import UnitOfWork
from sql.sets import member_of

_Counts = dict[UUID, dict[Status, int]]


async def remove(work: UnitOfWork, thing_id: UUID) -> UUID:
    """End the open updates of one thing, which stays in the fleet (mender.ota.remove-device-from-deployments).

    Raises NotFound and Forbidden; it is no error when it has none.
    """
    thing = await work.fetch(ThingRow, thing_id, Permission.OTA_DEPLOY, ("thingId",))
    await decommission(work, [thing.id])
    return thing.id


async def decommission(work: UnitOfWork, thing_ids: Sequence[UUID]) -> None:
    """End the active updates of things as DECOMMISSIONED; what has ended stays as history.

    For things that go on to live elsewhere, or not at all (mender.ota.remove-device-from-deployments). Access is the
    caller's business. A fixed number of statements, whatever the number of things; jobs and deployments may finish.
    """
    theirs = member_of(OTA_EXECUTION.c.thing_id, thing_ids) & is_active()
    jobs, deployments = await _lock(work, theirs, Status.DECOMMISSIONED)
    if not jobs:
        return
    ended = (
        update(OTA_EXECUTION)
        .where(theirs)
        .values(
            status=Status.DECOMMISSIONED,
            finished_at=work.moment,
            updated_at=work.moment,
            version=OTA_EXECUTION.c.version + 1,
        )
    )
    await work.session.execute(ended)
    columns = OTA_EXECUTION.c
    just_ended = (columns.status == Status.DECOMMISSIONED) & (columns.finished_at == work.moment)
    await record_changes(work, member_of(columns.thing_id, thing_ids) & just_ended, (Status.DECOMMISSIONED,))
    await shift(work, jobs, deployments, begins=False)


async def forget(work: UnitOfWork, thing_ids: Sequence[UUID]) -> None:
    """Delete all updates of things that are about to be deleted, and take them out of the counts.

    Otherwise the database would delete the rows with the things and leave the counts wrong. Access is the caller's
    business. A fixed number of statements, whatever the number of things; jobs and deployments may finish.
    """
    theirs = member_of(OTA_EXECUTION.c.thing_id, thing_ids)
    jobs, deployments = await _lock(work, theirs, None)
    if jobs:
        await work.session.execute(delete(OTA_EXECUTION).where(theirs))
        await shift(work, jobs, deployments, begins=False)


async def _lock(work: UnitOfWork, executions: ColumnElement[bool], landing: Status | None) -> tuple[_Counts, _Counts]:
    """Lock executions; returns what their move to `landing`, or their end, means for their jobs and deployments."""
    columns = OTA_EXECUTION.c
    locked = (
        select(columns.job_id, columns.deployment_id, columns.organization_id, columns.status)
        .where(executions)
        .with_for_update()
        .subquery()
    )
    grouped = select(locked, func.count()).group_by(*locked.c)
    jobs: _Counts = defaultdict(lambda: defaultdict(int))
    deployments: _Counts = defaultdict(lambda: defaultdict(int))
    for job_id, deployment_id, organization_id, status, number in (await work.session.execute(grouped)).all():
        targets = [(EventKind.OTA_JOB_CHANGED, jobs, job_id)]
        if deployment_id is not None:
            targets.append((EventKind.DEPLOYMENT_CHANGED, deployments, deployment_id))
        for kind, counts, key in targets:
            if key not in counts:
                record(work, kind, organization_id, key)
            counts[key][status] -= number
            if landing is not None:
                counts[key][landing] += number
    return jobs, deployments
