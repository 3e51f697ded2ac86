"""Reading a row before a change without locking it: for changes that must lock other rows first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, select, true
from sqlmodel import SQLModel

from models import OrganizationRow
from models.enums import Permission
from models.tables import ORGANIZATION, table_of
from services.errors import NotFound
from services.scope import visible
from services.unit_of_work import UnitOfWork, noun
from services.validation import Path


async def look_up(
    work: UnitOfWork, row: type[SQLModel], key: UUID, permission: Permission, path: Path, *conditions: Any
) -> RowMapping:
    """The columns of one row that the caller sees, unlocked.

    Raises NotFound when there is none that also meets the conditions, then Forbidden when `permission` is not held in
    its organization.
    """
    table = table_of(row)
    scope = visible(work.access, table)
    statement = select(table).where(table.c.id == key, true() if scope is None else scope, and_(true(), *conditions))
    found = (await work.session.execute(statement)).mappings().one_or_none()
    if found is None:
        raise NotFound(f"there is no {noun(row)} with this id", path)
    work.access.require(permission, found["id"] if table is ORGANIZATION else found["organization_id"])
    return found


async def enter(work: UnitOfWork, organization_id: UUID, permission: Permission) -> UUID:
    """The organization in which something is about to be made; raises NotFound or Forbidden as `look_up` does.

    It is not locked: many people create things in one organization at the same time.
    """
    await look_up(work, OrganizationRow, organization_id, permission, ("organizationId",))
    return organization_id
