"""A thing that asks for its next update, and what is looked at around that."""

from __future__ import annotations

from uuid import UUID

from models import OtaExecutionRow
from models.enums import OtaExecutionStatus as Status
from services import executions
from services.executions import Report
from services.offers import Installed, Offer, Offers
from tests.services.ota.fleet import Fleet, Working
from tests.services.ota.jobs import OLD


async def ask(fleet: Fleet, offers: Offers, said: Installed | None = OLD) -> Offer | None:
    return await offers.next(fleet.thing(), said)


async def asked_for(fleet: Fleet, offers: Offers, said: Installed | None = OLD) -> UUID | None:
    offer = await ask(fleet, offers, said)
    return None if offer is None else offer.execution_id


async def row_of(fleet: Fleet, execution: UUID) -> OtaExecutionRow:
    row: OtaExecutionRow = await fleet.one(OtaExecutionRow, execution)
    return row


async def report(fleet: Fleet, working: Working, execution: UUID, status: Status) -> None:
    async with working(fleet.thing()) as work:
        await executions.report(work, execution, Report(status))
