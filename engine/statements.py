"""The statements behind edges: one for all parents of a level, whatever their number.

A page for each parent is a lateral subquery on PostgreSQL. SQLite has none; there the same is said by a correlated
`IN (SELECT ... LIMIT n)`, which also stops after n rows for each parent, where a window function numbers all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    Table,
    func,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
)

from engine.keyset import Order
from engine.pages import PageRequest
from sql.joins import OrderedJoin
from sql.sets import bound_set, member_of

PARENT: Final = "parent_key"

Keys = Sequence[Any] | BindParameter[Any]
"""Keys of parents: their values, or the parameter that will hold them."""
Columns = Sequence[Column[Any]]
"""What is selected of each row: columns of its table; all of them unless given."""


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


def select_by_key(
    child: Column[Any],
    keys: Keys,
    conditions: Sequence[ColumnElement[bool]],
    columns: Columns | None = None,
) -> Select[Any]:
    """Rows whose `child` column is one of the keys."""
    return select(*(columns or child.table.c)).where(member_of(child, keys), *conditions)


def select_children(
    link: Link,
    keys: Keys,
    order: Order,
    conditions: Sequence[ColumnElement[bool]],
    columns: Columns | None = None,
) -> Select[Any]:
    """All rows of several parents, each with its parent's key, for lists that are short by rule."""
    chosen = [*(columns or link.table.c), link.key.label(PARENT)]
    ordered = [term.expression() for term in order.terms]
    return select(*chosen).select_from(_source(link)).where(member_of(link.key, keys), *conditions).order_by(*ordered)


def select_page(
    request: PageRequest,
    link: Link,
    conditions: Sequence[ColumnElement[bool]],
    columns: Columns | None = None,
) -> Select[Any]:
    """One page of a root list, with one row more than asked for."""
    ordered = [term.expression() for term in request.scan.terms]
    chosen = select(*(columns or link.table.c)).where(*conditions, *_start(request))
    return chosen.order_by(*ordered).limit(_limit(request))


def select_pages(
    dialect: str,
    request: PageRequest,
    link: Link,
    keys: Keys,
    conditions: Sequence[ColumnElement[bool]],
    columns: Columns | None = None,
) -> Select[Any]:
    """One page for each parent, with one row more than asked for.

    Rows come parent by parent. The last column, PARENT, is the place of the parent among the keys, from 0.
    """
    build = _pages_postgresql if dialect == "postgresql" else _pages_sqlite
    return build(request, link, keys, [*conditions, *_start(request)], columns or tuple(link.table.c))


def count_rows(link: Link, conditions: Sequence[ColumnElement[bool]], limit: int | None) -> Select[Any]:
    """How many rows a root list has, counted up to `limit`."""
    if limit is None:
        return select(func.count().label("total")).select_from(link.table).where(*conditions)
    some = select(literal(1)).select_from(link.table).where(*conditions).limit(limit).subquery()
    return select(func.count().label("total")).select_from(some)


def count_children(link: Link, keys: Keys, conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """How many rows each parent has; parents without any are absent."""
    counted = select(link.key.label(PARENT), func.count().label("total")).select_from(_source(link))
    return counted.where(member_of(link.key, keys), *conditions).group_by(link.key)


def _limit(request: PageRequest) -> ColumnElement[int]:
    """One row more than asked for tells that there is more.

    Written into the text, where the planner of PostgreSQL sees it: behind a parameter it takes a tenth of the table for
    granted. A page has 100 items at most, so texts stay few.
    """
    return literal_column(str(request.size + 1), Integer())


def _start(request: PageRequest) -> list[ColumnElement[bool]]:
    condition = request.condition()
    return [] if condition is None else [condition]


def _source(link: Link) -> Any:
    if link.through is None:
        return link.table
    association: Table = link.through.parent.table
    return association.join(link.table, link.through.child == link.child)


def _pages_postgresql(
    request: PageRequest, link: Link, keys: Keys, conditions: Sequence[ColumnElement[bool]], columns: Columns
) -> Select[Any]:
    bound = bound_set(keys, link.key.type)
    values = func.unnest(bound).table_valued(Column("key", link.key.type), with_ordinality="place")
    parents = values.render_derived(name="parents")
    ordered = [term.expression(_ordering(link, term.column)) for term in request.scan.terms]
    inner = list(dict.fromkeys([*columns, *(term.column for term in request.scan.terms)]))
    page = (
        select(*inner)
        .select_from(_source(link))
        .where(link.key == parents.c.key, *conditions)
        .order_by(*ordered)
        .limit(_limit(request))
        .correlate(parents)
        .lateral("page")
    )
    outer = [term.expression(page.c[term.column.key]) for term in request.scan.terms]
    chosen = [page.c[column.name] for column in columns]
    place = (parents.c.place - literal_column("1", Integer())).label(PARENT)
    return select(*chosen, place).select_from(parents.join(page, true())).order_by(parents.c.place, *outer)


def _pages_sqlite(
    request: PageRequest, link: Link, keys: Keys, conditions: Sequence[ColumnElement[bool]], columns: Columns
) -> Select[Any]:
    parents = func.json_each(bound_set(keys, link.key.type)).table_valued("key", "value", name="parents")
    identity = next(iter(link.table.primary_key))
    ordered = [term.expression(_ordering(link, term.column)) for term in request.scan.terms]
    page = (
        select(link.through.child if link.through else identity)
        .select_from(_source(link))
        .where(link.key == type_coerce(parents.c.value, link.key.type), *conditions)
        .order_by(*ordered)
        .limit(_limit(request))
        .correlate(parents)
    )
    rows = link.table.alias("page")
    outer = [term.expression(rows.c[term.column.key]) for term in request.scan.terms]
    joined = OrderedJoin(parents, rows, rows.c[identity.key].in_(page))
    chosen = [rows.c[column.name] for column in columns]
    return select(*chosen, parents.c.key.label(PARENT)).select_from(joined).order_by(parents.c.key, *outer)


def _ordering(link: Link, column: Column[Any]) -> Column[Any]:
    """Order by the association's own column where it equals the row's, so that its index gives the order."""
    return link.through.child if link.through and column is link.child else column
