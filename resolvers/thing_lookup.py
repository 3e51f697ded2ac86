"""Finding things by their natural keys."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import RowMapping, select

from models.tables import THING
from resolvers.context import Context


async def find_by_external_id(context: Context, organization_id: UUID, external_id: str) -> RowMapping | None:
    """The visible thing with this external id in the organization."""
    statement = select(THING).where(THING.c.organization_id == organization_id, THING.c.external_id == external_id)
    scope = context.scope(THING)
    rows = await context.fetch(statement if scope is None else statement.where(scope))
    return rows[0] if rows else None
