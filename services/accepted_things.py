"""How many things of an organization are accepted to sign in: counted where that changes, within its limit.

The row of the organization is the last that a transaction locks, so that who accepts there waits for others only while
they commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import bindparam, or_, update

from models.tables import ORGANIZATION
from services.errors import LimitReached
from services.unit_of_work import UnitOfWork
from services.validation import Path


async def claim(work: UnitOfWork, organization_id: UUID, path: Path = ()) -> None:
    """Count one more; raises LimitReached when the organization has no place left (mender.limits.get-device-limit)."""
    count, limit = ORGANIZATION.c.accepted_thing_count, ORGANIZATION.c.accepted_thing_limit
    statement = (
        update(ORGANIZATION)
        .where(ORGANIZATION.c.id == organization_id, or_(limit.is_(None), count < limit))
        .values(accepted_thing_count=count + 1)
        .returning(ORGANIZATION.c.id)
    )
    if (await work.session.execute(statement)).first() is None:
        raise LimitReached("the organization may not have more things that are accepted", path)


async def release(work: UnitOfWork, organization_ids: Iterable[UUID]) -> None:
    """Count one less for each time that an organization is named."""
    fewer = Counter(organization_ids)
    if not fewer:
        return
    statement = (
        update(ORGANIZATION)
        .where(ORGANIZATION.c.id == bindparam("row_id", type_=ORGANIZATION.c.id.type))
        .values(accepted_thing_count=ORGANIZATION.c.accepted_thing_count - bindparam("fewer"))
    )
    connection = await work.session.connection()
    await connection.execute(statement, [{"row_id": key, "fewer": fewer[key]} for key in sorted(fewer)])
