"""Consent: people who see a thing let an update of it go on, or refuse it (rainmaker.ota.user-push-update)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from models import OtaExecutionRow
from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus, Permission
from services.errors import Conflict, WrongState
from services.execution_moves import ACTIVE, Actor, may_move
from services.execution_steps import Step, take
from services.executions import read_around, standing_of
from services.unit_of_work import UnitOfWork

_OPEN: Final = (OtaJobStatus.IN_PROGRESS, OtaJobStatus.PAUSED)


async def approve(work: UnitOfWork, execution_id: UUID) -> UUID:
    """Consent to an update: it is TRIGGERED, and the thing is given it when it asks.

    Raises NotFound, Forbidden without ota:approve, Conflict when it has ended, and WrongState when it does not wait for
    consent or its job is not open: not started, finished, cancelled, or past its time.
    """
    return await _decide(work, execution_id, Status.TRIGGERED)


async def reject(work: UnitOfWork, execution_id: UUID) -> UUID:
    """Refuse an update: it ends REJECTED. Raises what `approve` raises."""
    return await _decide(work, execution_id, Status.REJECTED)


async def _decide(work: UnitOfWork, execution_id: UUID, landing: Status) -> UUID:
    row = await work.fetch(OtaExecutionRow, execution_id, Permission.OTA_APPROVE, ("id",))
    if row.status not in ACTIVE:
        raise Conflict(f"the execution has ended: it is {row.status}", ("id",))
    if not may_move(row.status, landing, Actor.APPROVER):
        raise WrongState(f"the update does not wait for consent: it is {row.status}", ("id",))
    around = await read_around(work, row)
    is_over = around.expires_at is not None and around.expires_at <= work.moment
    if around.job_status not in _OPEN or is_over:
        raise WrongState("the job is not open", ("id",))
    values: dict[str, Any] = {}
    if landing is Status.TRIGGERED:
        values = {"approved_at": work.moment, "approved_by_id": work.access.user_id}
    await take(work, [Step(standing_of(row, around.home_group_id), landing, values)])
    return row.id
