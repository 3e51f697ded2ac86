"""Trees whose closure is kept in a table, for organizations and for groups: planted, moved and read by set-based SQL.

The closure holds one row for each node and each of its ancestors, itself included at depth 0. Rows of deleted nodes go
with them, by foreign key. Whoever changes a tree holds its lock, since two moves at once could close a circle that
neither of them sees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Select, Table, and_, delete, func, insert, literal, select

from models.tables import GROUP_ANCESTOR, ORGANIZATION_ANCESTOR
from services.errors import InvalidInput, LimitReached
from services.unit_of_work import UnitOfWork
from services.validation import Path


@dataclass(frozen=True, slots=True)
class Tree:
    """A closure table, the name of the column that holds the node, and how many levels are allowed."""

    closure: Table
    column: str
    levels: int
    what: str

    @property
    def node(self) -> Column[Any]:
        """The node that a row of the closure is about."""
        return self.closure.c[self.column]

    @property
    def ancestor(self) -> Column[Any]:
        """The node above it, or the node itself."""
        return self.closure.c.ancestor_id

    def below(self, key: UUID) -> Select[tuple[UUID]]:
        """The keys of a node and of everything below it."""
        return select(self.node).where(self.ancestor == key)


ORGANIZATIONS: Final = Tree(ORGANIZATION_ANCESTOR, "organization_id", levels=32, what="organizations")
GROUPS: Final = Tree(GROUP_ANCESTOR, "group_id", levels=3, what="groups")
"""Three levels: home, floor, room (rainmaker.user-groups.hierarchy-limit)."""


async def lock(work: UnitOfWork, tree: Tree, root: UUID | None = None) -> None:
    """Let nobody else change the tree until the commit; `root` names one tree of many.

    Take it before any row. SQLite has one writer, so there is nothing to take.
    """
    if work.dialect == "postgresql":
        name = f"{tree.closure.name}:{root.hex if root else ''}"
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        await work.session.execute(select(func.pg_advisory_xact_lock(key)))


async def plant(work: UnitOfWork, tree: Tree, key: UUID, parent: UUID | None, path: Path) -> None:
    """Note where a new node without children stands; its row is written, the tree is locked.

    Raises LimitReached when it would be deeper than the tree allows.
    """
    await work.session.execute(insert(tree.closure).values({tree.column: key, "ancestor_id": key, "depth": 0}))
    if parent is not None:
        await _require_levels(work, tree, key, parent, path)
        await _hang(work, tree, key, parent)


async def move(work: UnitOfWork, tree: Tree, key: UUID, parent: UUID | None, path: Path) -> None:
    """Move a node with all below it under another parent, or to the top; the tree is locked.

    Raises InvalidInput for a parent inside the node itself (lynx.org.update-organization) and LimitReached when
    something would be deeper than the tree allows.
    """
    if parent is not None:
        if await work.exists(tree.node == parent, tree.ancestor == key):
            raise InvalidInput("something cannot be moved into itself", path)
        await _require_levels(work, tree, key, parent, path)
    above = select(tree.ancestor).where(tree.node == key, tree.ancestor != key)
    await work.session.execute(delete(tree.closure).where(tree.node.in_(tree.below(key)), tree.ancestor.in_(above)))
    if parent is not None:
        await _hang(work, tree, key, parent)


async def _hang(work: UnitOfWork, tree: Tree, key: UUID, parent: UUID) -> None:
    """Give every node of a loose branch every ancestor of its new parent."""
    upper, lower = tree.closure.alias("upper"), tree.closure.alias("lower")
    every_pair = upper.join(lower, and_(upper.c[tree.column] == parent, lower.c.ancestor_id == key))
    depth = upper.c.depth + lower.c.depth + literal(1)
    rows = select(lower.c[tree.column], upper.c.ancestor_id, depth).select_from(every_pair)
    await work.session.execute(insert(tree.closure).from_select([tree.column, "ancestor_id", "depth"], rows))


async def _require_levels(work: UnitOfWork, tree: Tree, key: UUID, parent: UUID, path: Path) -> None:
    depth = tree.closure.c.depth
    statement = select(
        select(func.max(depth)).where(tree.node == parent).scalar_subquery(),
        select(func.max(depth)).where(tree.ancestor == key).scalar_subquery(),
    )
    parent_depth, height = (await work.session.execute(statement)).one()
    if parent_depth + 1 + height + 1 > tree.levels:
        raise LimitReached(f"{tree.what} nest up to {tree.levels} levels", path)
