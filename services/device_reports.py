"""What devices report of an update by a protocol in which a conflict means: stop, this update was taken back.

So a conflict is told only when the execution has ended. A write that met another one is tried again instead.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy import select

from models.store import Store
from models.tables import OTA_EXECUTION
from services import executions
from services.access import Access
from services.errors import Conflict
from services.execution_moves import ACTIVE
from services.executions import Report
from services.unit_of_work import unit_of_work

ATTEMPTS: Final = 6


class Crowded(Exception):
    """Others were in the way each time; the same report is welcome later."""


async def report(
    store: Store, access: Access, committed: Callable[[], None], execution_id: UUID, given: Report
) -> None:
    """Move an execution as its thing says: see `executions.report`, whose errors this raises.

    Raises Conflict only for an execution that has ended (mender.ota.report-execution-status), and Crowded.
    """
    for attempt in range(ATTEMPTS):
        try:
            async with unit_of_work(store, access, committed) as work:
                await executions.report(work, execution_id, given)
        except Conflict:
            if not await _is_open(store, execution_id):
                raise
            await asyncio.sleep(random.uniform(0, 0.01) * 2**attempt)  # noqa: S311 - not for secrets
        else:
            return
    raise Crowded


async def _is_open(store: Store, execution_id: UUID) -> bool:
    statement = select(OTA_EXECUTION.c.status).where(OTA_EXECUTION.c.id == execution_id)
    async with store.read() as connection:
        return (await connection.execute(statement)).scalar_one_or_none() in ACTIVE
