"""Events of executions and of the jobs and deployments that count them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, insert, literal, select

from models import DeploymentRow, OtaJobRow
from models.columns import JSON_COLUMN
from models.dialects import transaction_id
from models.enums import EventKind
from models.enums import OtaExecutionStatus as Status
from models.tables import EVENT, OTA_EXECUTION, THING
from services.unit_of_work import UnitOfWork
from sql.moments import UtcDateTime


async def record_changes(work: UnitOfWork, executions: ColumnElement[bool], statuses: tuple[Status, ...]) -> None:
    """Write one OTA_EXECUTION_CHANGED for each execution that meets the condition, in one statement.

    `statuses` are those that the executions can have now; the event's detail says which one it is.
    """
    kind = literal(EventKind.OTA_EXECUTION_CHANGED, EVENT.c.kind.type)
    *others, last = ((status, literal({"status": status.value}, JSON_COLUMN)) for status in statuses)
    detail: ColumnElement[Any] = last[1]
    if others:
        detail = case(*((OTA_EXECUTION.c.status == status, text) for status, text in others), else_=last[1])
    row: dict[str, ColumnElement[Any]] = {
        "transaction": transaction_id(work.dialect),
        "kind": kind,
        "organization_id": OTA_EXECUTION.c.organization_id,
        "group_id": THING.c.home_group_id,
        "thing_id": OTA_EXECUTION.c.thing_id,
        "subject_id": OTA_EXECUTION.c.id,
        "detail": detail,
        "occurred_at": literal(work.moment, UtcDateTime()),
    }
    rows = select(*row.values()).join_from(OTA_EXECUTION, THING, THING.c.id == OTA_EXECUTION.c.thing_id)
    await work.session.execute(insert(EVENT).from_select(list(row), rows.where(executions)))


def record_job(work: UnitOfWork, job: OtaJobRow, **detail: Any) -> None:
    """Note that a job changed."""
    record(work, EventKind.OTA_JOB_CHANGED, job.organization_id, job.id, **detail)


def record_deployment(work: UnitOfWork, deployment: DeploymentRow, **detail: Any) -> None:
    """Note that a deployment changed."""
    record(work, EventKind.DEPLOYMENT_CHANGED, deployment.organization_id, deployment.id, **detail)


def record(work: UnitOfWork, kind: EventKind, organization_id: UUID, subject_id: UUID, **detail: Any) -> None:
    """Note that a job or deployment, known by its id, changed; its counts are part of it."""
    work.record(kind, organization_id=organization_id, subject_id=subject_id, detail=detail)
