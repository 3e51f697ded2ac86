"""Everything that one request reads through: a DataLoader for each edge, each batch in a session of its own.

A session is not to be used by several tasks at once, and the batches of one level run at the same time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import SQLModel
from strawberry.dataloader import DataLoader

from models import GroupRow, OrganizationRow, OtaExecutionRow, ThingRow, ThingStateRow
from models.tables import GROUP, GROUP_THING, ORGANIZATION, OTA_EXECUTION, THING, THING_STATE

Row = TypeVar("Row", bound=SQLModel)
Sessions = async_sessionmaker[AsyncSession]
PageKey = tuple[UUID, int]
"""A parent, and how many of its children are wanted."""

Pages = Callable[[Sequence[UUID], int], Select[Any, UUID]]
"""The rows of the first n children of some parents, each with its parent's key."""


@dataclass
class Loaders:
    """The loaders of one request."""

    organizations: DataLoader[UUID, OrganizationRow | None]
    groups: DataLoader[UUID, GroupRow | None]
    states: DataLoader[UUID, ThingStateRow | None]
    groups_of: DataLoader[PageKey, list[GroupRow]]
    things_of: DataLoader[PageKey, list[ThingRow]]
    executions_of: DataLoader[PageKey, list[OtaExecutionRow]]

    @classmethod
    def over(cls, sessions: Sessions) -> Loaders:
        """New loaders, with nothing in them yet."""
        return cls(
            organizations=_one(sessions, OrganizationRow, ORGANIZATION.c.id),
            groups=_one(sessions, GroupRow, GROUP.c.id),
            states=_one(sessions, ThingStateRow, THING_STATE.c.thing_id),
            groups_of=_many(sessions, _groups),
            things_of=_many(sessions, _things),
            executions_of=_many(sessions, _executions),
        )


def _one(sessions: Sessions, kind: type[Row], key: Any) -> DataLoader[UUID, Row | None]:
    async def load(keys: list[UUID]) -> list[Row | None]:
        async with sessions() as session:
            rows = (await session.execute(select(kind).where(key.in_(keys)))).scalars()
        found = {getattr(row, key.key): row for row in rows}
        return [found.get(each) for each in keys]

    return DataLoader(load_fn=load)


def _many(sessions: Sessions, pages: Pages) -> DataLoader[PageKey, list[Any]]:
    async def load(keys: list[PageKey]) -> list[list[Any]]:
        found: dict[PageKey, list[Any]] = defaultdict(list)
        for first in {first for _, first in keys}:
            parents = [parent for parent, wanted in keys if wanted == first]
            async with sessions() as session:
                for row, parent in await session.execute(pages(parents, first)):
                    found[parent, first].append(row)
        return [found[each] for each in keys]

    return DataLoader(load_fn=load)


def _groups(parents: Sequence[UUID], first: int) -> Select[Any, UUID]:
    columns = GROUP.c
    place = func.row_number().over(partition_by=columns.organization_id, order_by=columns.id).label("place")
    ranked = select(columns.id, place).where(columns.organization_id.in_(parents)).subquery()
    rows = select(GroupRow, columns.organization_id).join(ranked, ranked.c.id == columns.id)
    return rows.where(ranked.c.place <= first).order_by(columns.id)


def _things(parents: Sequence[UUID], first: int) -> Select[Any, UUID]:
    columns = GROUP_THING.c
    place = func.row_number().over(partition_by=columns.group_id, order_by=columns.thing_id).label("place")
    ranked = select(columns.group_id, columns.thing_id, place).where(columns.group_id.in_(parents)).subquery()
    rows = select(ThingRow, ranked.c.group_id).join(ranked, ranked.c.thing_id == THING.c.id)
    return rows.where(ranked.c.place <= first).order_by(THING.c.id)


def _executions(parents: Sequence[UUID], first: int) -> Select[Any, UUID]:
    columns = OTA_EXECUTION.c
    place = func.row_number().over(partition_by=columns.thing_id, order_by=columns.id.desc()).label("place")
    ranked = select(columns.id, place).where(columns.thing_id.in_(parents)).subquery()
    rows = select(OtaExecutionRow, columns.thing_id).join(ranked, ranked.c.id == columns.id)
    return rows.where(ranked.c.place <= first).order_by(columns.id.desc())
