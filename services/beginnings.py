"""What the start of a job means for its things: who is sent the update at once, and who is told of it.

Called in the transaction in which the job has become IN_PROGRESS. A fixed number of statements, whatever the number of
things.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, literal, select, update

from models.columns import JSON_COLUMN
from models.dialects import transaction_id
from models.enums import EventKind
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, EVENT, OTA_EXECUTION, OTA_JOB, THING
from services.bulk import allow_time
from services.execution_counts import shift
from services.execution_events import record_changes
from services.unit_of_work import UnitOfWork
from sql.moments import UtcDateTime


async def begin(work: UnitOfWork, job_id: UUID) -> None:
    """All that the start of a job means: `push`, `offer_consents`, and the end that is counted from it.

    A job that waited for the phase before has had no end until now. Does nothing for a job that is not there.
    """
    job = await _read(work, job_id)
    if job is None:
        return
    if job.timeout_seconds is not None and job.expires_at is None:
        end = work.moment + timedelta(seconds=job.timeout_seconds)
        await _set_end(work, job, end)
    await push(work, job_id)
    await offer_consents(work, job_id)


async def push(work: UnitOfWork, job_id: UUID) -> None:
    """Send the update to things of a forced job that are connected: PENDING becomes TRIGGERED, with its counts.

    Others get it when they ask (rainmaker.ota.job-force-push). Does nothing for a job that is not forced.
    """
    job = await _read(work, job_id)
    if job is None or not job.force:
        return
    columns = OTA_EXECUTION.c
    connected = select(THING.c.id).where(THING.c.id == columns.thing_id, THING.c.connected).exists()
    statement = (
        update(OTA_EXECUTION)
        .where(columns.job_id == job_id, columns.status == Status.PENDING, connected)
        .values(status=Status.TRIGGERED, updated_at=work.moment, version=columns.version + 1)
        .execution_options(synchronize_session=False)
    )
    await allow_time(work)
    number = (await work.session.execute(statement)).rowcount  # type: ignore[attr-defined]
    if not number:
        return
    just_sent = (columns.job_id == job_id) & (columns.status == Status.TRIGGERED) & (columns.updated_at == work.moment)
    await record_changes(work, just_sent, (Status.TRIGGERED,))
    delta = {Status.PENDING: -number, Status.TRIGGERED: number}
    await shift(work, {job_id: delta}, {job.deployment_id: delta} if job.deployment_id else {}, begins=False)


async def offer_consents(work: UnitOfWork, job_id: UUID) -> None:
    """Tell people of each update of a job that waits for their consent, if they are to be told.

    Does nothing for a job without `notify` (rainmaker.ota.job-notify-users).
    """
    job = await _read(work, job_id)
    if job is not None and job.notify:
        await allow_time(work)
        await offer(work, OTA_EXECUTION.c.job_id == job_id)


async def offer(work: UnitOfWork, executions: ColumnElement[bool]) -> None:
    """Write one OTA_UPDATE_OFFERED for each execution that meets the condition and waits for consent."""
    waits = OTA_EXECUTION.c.status == Status.AWAITING_APPROVAL
    row: dict[str, ColumnElement[Any]] = {
        "transaction": transaction_id(work.dialect),
        "kind": literal(EventKind.OTA_UPDATE_OFFERED, EVENT.c.kind.type),
        "organization_id": OTA_EXECUTION.c.organization_id,
        "group_id": THING.c.home_group_id,
        "thing_id": OTA_EXECUTION.c.thing_id,
        "subject_id": OTA_EXECUTION.c.id,
        "detail": literal({"status": Status.AWAITING_APPROVAL.value}, JSON_COLUMN),
        "occurred_at": literal(work.moment, UtcDateTime()),
    }
    rows = select(*row.values()).join_from(OTA_EXECUTION, THING, THING.c.id == OTA_EXECUTION.c.thing_id)
    await work.session.execute(insert(EVENT).from_select(list(row), rows.where(executions, waits)))


async def _read(work: UnitOfWork, job_id: UUID) -> Any:
    return (await work.session.execute(select(OTA_JOB).where(OTA_JOB.c.id == job_id))).one_or_none()


async def _set_end(work: UnitOfWork, job: Any, end: Any) -> None:
    """The end of a job, and of its deployment when nothing of that comes later."""
    options = {"synchronize_session": False}
    ending = update(OTA_JOB).where(OTA_JOB.c.id == job.id).values(expires_at=end)
    await work.session.execute(ending, execution_options=options)
    later = select(OTA_JOB.c.id).where(OTA_JOB.c.deployment_id == job.deployment_id, OTA_JOB.c.phase > job.phase)
    last = update(DEPLOYMENT).where(DEPLOYMENT.c.id == job.deployment_id, ~later.exists()).values(expires_at=end)
    await work.session.execute(last, execution_options=options)
