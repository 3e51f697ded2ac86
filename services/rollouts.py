"""Making the executions of a job: one statement for any number of things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, String, Uuid, case, func, insert, literal, null, select, type_coerce

from models import DeploymentRow, OtaJobRow
from models.dialects import new_id_in_sql
from models.enums import ArtifactStatus, AttributeScope, DeploymentStatus, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import ARTIFACT, OTA_EXECUTION, THING, THING_ATTRIBUTE
from services.bulk import allow_time
from services.errors import InvalidInput
from services.execution_counts import active_in, add, count
from services.execution_events import record_changes, record_deployment, record_job
from services.patches import Patched
from services.unit_of_work import UnitOfWork
from services.validation import Path, check_range
from sql.moments import UtcDateTime
from sql.sets import member_of

DEVICE_TYPE: Final = "device_type"
"""The inventory attribute that says what a thing is; without it, the thing's type in the fleet stands for it."""

_INVENTORY: Final = AttributeScope.INVENTORY.value
FIRST_PRIORITY: Final = 1
LAST_PRIORITY: Final = 10
MAX_RETRIES: Final = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """How updates are given out: `priority` from 1 (first) to 10, `retries` after failures, `starts_at` (None: now)."""

    priority: int = 5
    retries: int = 0
    starts_at: datetime | None = None

    def check(self) -> None:
        """Raise InvalidInput for numbers out of range.

        See rainmaker.ota.job-priority and mender.ota.set-deployment-retries.
        """
        check_priority(self.priority, ("priority",))
        check_range(self.retries, ("retries",), least=0, most=MAX_RETRIES)


def check_priority(value: int, path: Path) -> int:
    """A priority from 1, given out first, to 10."""
    return check_range(value, path, least=FIRST_PRIORITY, most=LAST_PRIORITY)


PRIORITY: Final = Patched("priority", check_priority)


@dataclass(frozen=True, slots=True)
class Fit:
    """An uploaded artifact and the device types that it fits; none means all."""

    artifact_id: UUID
    types: Sequence[str]


async def ready_artifacts(work: UnitOfWork, condition: ColumnElement[bool]) -> list[Fit]:
    """The uploaded artifacts that meet the condition, newest first."""
    statement = (
        select(ARTIFACT.c.id, ARTIFACT.c.compatible_types)
        .where(condition, ARTIFACT.c.status == ArtifactStatus.READY)
        .order_by(ARTIFACT.c.id.desc())
    )
    return [Fit(key, types) for key, types in (await work.session.execute(statement)).all()]


async def roll_out(
    work: UnitOfWork,
    job: OtaJobRow,
    deployment: DeploymentRow | None,
    fits: Sequence[Fit],
    things: ColumnElement[bool],
) -> None:
    """Make one execution of the job for each thing, and set the counts of the job and of its deployment.

    Each thing gets the newest artifact that names its device type, else the newest that fits all types; without either
    its execution ends at once as NO_ARTIFACT (mender.ota.assign-artifact-by-device-type). Raises InvalidInput when
    there is no thing. A handful of statements, whatever the number of things.
    """
    await work.session.flush()
    of_job = OTA_EXECUTION.c.job_id == job.id
    typed = _typed(things)
    row = _execution(work, job, typed.c.id, _choose(fits, typed.c.device_type))
    await allow_time(work)
    rows = select(*row.values()).select_from(typed)
    await work.session.execute(insert(OTA_EXECUTION).from_select(list(row), rows))
    counts = await count(work, job.id)
    if not counts:
        raise InvalidInput("the target holds no thing", ("target",))
    await record_changes(work, of_job, (Status.PENDING, Status.NO_ARTIFACT))
    add(job, counts)
    if deployment is not None:
        add(deployment, counts)
    _begin(work, job, deployment)
    record_job(work, job)
    if deployment is not None:
        record_deployment(work, deployment)


def _typed(things: ColumnElement[bool]) -> FromClause:
    """The things with their device types, each looked up by its thing.

    Scope and name are wrapped so that only the key of the thing can be looked up by an index, and it is a subquery, not
    a join: a database that has not analyzed a new fleet yet takes its attributes for a short list, and would read all
    of it for each thing. The offset keeps the lookup from being repeated for each use of its result.
    """
    columns = THING_ATTRIBUTE.c
    scope, name = (type_coerce(column, String).concat("") for column in (columns.scope, columns.name))
    own = select(columns.text_value).where(columns.thing_id == THING.c.id, scope == _INVENTORY, name == DEVICE_TYPE)
    device_type = func.coalesce(own.scalar_subquery(), THING.c.type, type_=columns.text_value.type)
    return select(THING.c.id, device_type.label("device_type")).where(things).offset(0).subquery("typed")


def _choose(fits: Sequence[Fit], device_type: ColumnElement[Any]) -> ColumnElement[Any]:
    """The id of the artifact for a device type, or NULL."""
    for_all = next((fit.artifact_id for fit in fits if not fit.types), None)
    otherwise: ColumnElement[Any] = null() if for_all is None else literal(for_all, Uuid())
    branches = [(member_of(device_type, fit.types), literal(fit.artifact_id, Uuid())) for fit in fits if fit.types]
    return case(*branches, else_=otherwise) if branches else otherwise


def _execution(
    work: UnitOfWork, job: OtaJobRow, thing: ColumnElement[Any], artifact: ColumnElement[Any]
) -> dict[str, ColumnElement[Any]]:
    """What the row of each thing holds, by column."""
    columns = OTA_EXECUTION.c
    at = literal(work.moment, UtcDateTime())
    deployment = null() if job.deployment_id is None else literal(job.deployment_id, Uuid())
    pending, nothing = (literal(status, columns.status.type) for status in (Status.PENDING, Status.NO_ARTIFACT))
    return {
        "id": new_id_in_sql(),
        "organization_id": literal(job.organization_id, Uuid()),
        "job_id": literal(job.id, Uuid()),
        "deployment_id": deployment,
        "thing_id": thing,
        "artifact_id": artifact,
        "status": case((artifact.is_(None), nothing), else_=pending),
        "substate": literal(""),
        "progress": literal(0),
        "attempts": literal(0),
        "finished_at": case((artifact.is_(None), at), else_=null()),
        "version": literal(1),
        "created_at": at,
        "updated_at": at,
    }


def _begin(work: UnitOfWork, job: OtaJobRow, deployment: DeploymentRow | None) -> None:
    """The statuses at the start: scheduled when it starts later, finished when nothing fits anybody."""
    waits = job.starts_at > work.moment
    if not active_in(job):
        job.status, job.finished_at = OtaJobStatus.FINISHED, work.moment
    else:
        job.status = OtaJobStatus.SCHEDULED if waits else OtaJobStatus.IN_PROGRESS
    if deployment is None:
        return
    if not active_in(deployment):
        deployment.status, deployment.finished_at = DeploymentStatus.FINISHED, work.moment
    else:
        deployment.status = DeploymentStatus.SCHEDULED if waits else DeploymentStatus.PENDING
