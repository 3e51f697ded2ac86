"""The statements behind edges: one for all parents of a level, whatever their number.

A page for each parent is a lateral subquery on PostgreSQL. SQLite has none; there the same is said by a correlated
`IN (SELECT ... LIMIT n)`, which also stops after n rows for each parent, where a window function numbers all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    bindparam,
    func,
    literal,
    select,
    true,
    type_coerce,
)

from engine.keyset import Order
from engine.pages import PageRequest
from sql.joins import OrderedJoin
from sql.sets import ValueSet, member_of

PARENT: Final = "parent_key"


@dataclass(frozen=True, slots=True)
class Through:
    """An association between parent and child: its column for the parent, and its column for the child."""

    parent: Column[Any]
    child: Column[Any]


@dataclass(frozen=True, slots=True)
class Link:
    """How rows hang on their parents: by a column of their own, or through an association; None for a root list."""

    child: Column[Any]
    through: Through | None = None
    root: bool = False

    @property
    def table(self) -> Table:
        """The table of the rows."""
        table: Table = self.child.table
        return table

    @property
    def key(self) -> Column[Any]:
        """The column that holds the parent's key."""
        return self.through.parent if self.through else self.child


def select_by_key(child: Column[Any], keys: Sequence[Any], scope: ColumnElement[bool] | None) -> Select[Any]:
    """Rows whose `child` column is one of the keys."""
    statement = select(child.table).where(member_of(child, keys))
    return statement if scope is None else statement.where(scope)


def select_children(
    link: Link, keys: Sequence[Any], order: Order, conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    """All rows of several parents, each with its parent's key, for lists that are short by rule."""
    columns = [link.key.label(PARENT), *link.table.c]
    ordered = [term.expression() for term in order.terms]
    return select(*columns).select_from(_source(link)).where(member_of(link.key, keys), *conditions).order_by(*ordered)


def select_page(request: PageRequest, link: Link, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """One page of a root list, with one row more than asked for."""
    ordered = [term.expression() for term in request.scan.terms]
    return select(link.table).where(*conditions, *_start(request)).order_by(*ordered).limit(request.size + 1)


def select_pages(
    dialect: str, request: PageRequest, link: Link, keys: Sequence[Any], conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    """One page for each parent, with one row more than asked for, and the parent's key on each row."""
    build = _pages_postgresql if dialect == "postgresql" else _pages_sqlite
    return build(request, link, keys, [*conditions, *_start(request)])


def count_rows(link: Link, conditions: Sequence[ColumnElement[bool]], limit: int | None) -> Select[Any]:
    """How many rows a root list has, counted up to `limit`."""
    if limit is None:
        return select(func.count().label("total")).select_from(link.table).where(*conditions)
    some = select(literal(1)).select_from(link.table).where(*conditions).limit(limit).subquery()
    return select(func.count().label("total")).select_from(some)


def count_children(link: Link, keys: Sequence[Any], conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """How many rows each parent has; parents without any are absent."""
    counted = select(link.key.label(PARENT), func.count().label("total")).select_from(_source(link))
    return counted.where(member_of(link.key, keys), *conditions).group_by(link.key)


def _start(request: PageRequest) -> list[ColumnElement[bool]]:
    condition = request.condition()
    return [] if condition is None else [condition]


def _source(link: Link) -> Any:
    if link.through is None:
        return link.table
    association: Table = link.through.parent.table
    return association.join(link.table, link.through.child == link.child)


def _pages_postgresql(
    request: PageRequest, link: Link, keys: Sequence[Any], conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    bound = bindparam(None, list(keys), type_=ValueSet(link.key.type), unique=True)
    parents = func.unnest(bound).table_valued(Column("key", link.key.type)).render_derived(name="parents")
    ordered = [term.expression(_ordering(link, term.column)) for term in request.scan.terms]
    page = (
        select(link.table)
        .select_from(_source(link))
        .where(link.key == parents.c.key, *conditions)
        .order_by(*ordered)
        .limit(request.size + 1)
        .correlate(parents)
        .lateral("page")
    )
    outer = [term.expression(page.c[term.column.key]) for term in request.scan.terms]
    joined = parents.join(page, true())
    return select(parents.c.key.label(PARENT), *page.c).select_from(joined).order_by(*outer)


def _pages_sqlite(
    request: PageRequest, link: Link, keys: Sequence[Any], conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    bound = bindparam(None, list(keys), type_=ValueSet(link.key.type), unique=True)
    parents = func.json_each(bound).table_valued("value", name="parents")
    identity = next(iter(link.table.primary_key))
    ordered = [term.expression(_ordering(link, term.column)) for term in request.scan.terms]
    page = (
        select(link.through.child if link.through else identity)
        .select_from(_source(link))
        .where(link.key == type_coerce(parents.c.value, link.key.type), *conditions)
        .order_by(*ordered)
        .limit(request.size + 1)
        .correlate(parents)
    )
    rows = link.table.alias("page")
    outer = [term.expression(rows.c[term.column.key]) for term in request.scan.terms]
    joined = OrderedJoin(parents, rows, rows.c[identity.key].in_(page))
    key = type_coerce(parents.c.value, link.key.type).label(PARENT)
    return select(key, *rows.c).select_from(joined).order_by(*outer)


def _ordering(link: Link, column: Column[Any]) -> Column[Any]:
    """Order by the association's own column where it equals the row's, so that its index gives the order."""
    return link.through.child if link.through and column is link.child else column
