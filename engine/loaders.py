"""The loaders of one operation: `strawberry.dataloader` over the statements of edges, one loader for each kind of need.

Made fresh for every operation (and for every event of a subscription), so nothing is remembered longer than that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, RowMapping, Select, Table
from strawberry.dataloader import DataLoader

from engine.errors import LimitExceeded
from engine.keyset import Order
from engine.pages import Page, PageRequest, cut_page
from engine.statements import (
    PARENT,
    Link,
    count_children,
    count_rows,
    select_by_key,
    select_children,
    select_page,
    select_pages,
)

MAX_LEVEL_ROWS: Final = 50_000
"""Rows that one level of an operation may ask for: pages multiply, and memory does not."""

Fetch = Callable[[Select[Any]], Awaitable[Sequence[RowMapping]]]
Scope = Callable[[Table], ColumnElement[bool] | None]


class Loaders:
    """Loads rows for edges in batches: one statement for all parents of a level."""

    def __init__(self, dialect: str, scope: Scope, fetch: Fetch) -> None:
        """`scope` gives the access condition of a table, `fetch` runs a statement."""
        self._dialect = dialect
        self._scope = scope
        self._fetch = fetch
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    def forget(self) -> None:
        """Drop what was loaded: something has been written since."""
        self._loaders.clear()

    async def one(self, child: Column[Any], key: Any) -> RowMapping | None:
        """The visible row whose unique column `child` is `key`."""

        async def load(keys: list[Any]) -> list[RowMapping | None]:
            rows = await self._fetch(select_by_key(child, keys, self._conditions(child.table)))
            found = {row[child.key]: row for row in rows}
            return [found.get(key) for key in keys]

        row: RowMapping | None = await self._loader(("one", child), load).load(key)
        return row

    async def all(self, link: Link, order: Order, key: Any, conditions: Conditions) -> list[RowMapping]:
        """Every visible row of the parent `key`."""

        async def load(keys: list[Any]) -> list[list[RowMapping]]:
            rows = await self._fetch(select_children(link, keys, order, self._within(link, conditions)))
            return _by_parent(rows, keys)

        loaded: list[RowMapping] = await self._loader(("all", link, order, conditions.key), load).load(key)
        return loaded

    async def page(self, link: Link, request: PageRequest, key: Any, conditions: Conditions) -> Page:
        """One page of the visible rows of the parent `key`; of all rows for a root list."""
        where = self._within(link, conditions)

        async def load(keys: list[Any]) -> list[Page]:
            if link.root:
                return [cut_page(request, await self._fetch(select_page(request, link, where)))]
            if len(keys) * request.size > MAX_LEVEL_ROWS:
                raise LimitExceeded(
                    f"this selects up to {request.size} rows for each of {len(keys)} parents, "
                    f"and a level has at most {MAX_LEVEL_ROWS}; ask for smaller pages"
                )
            rows = await self._fetch(select_pages(self._dialect, request, link, keys, where))
            return [cut_page(request, of_parent) for of_parent in _by_parent(rows, range(len(keys)))]

        page: Page = await self._loader(("page", link, request, conditions.key), load).load(key)
        return page

    async def count(self, link: Link, limit: int | None, key: Any, conditions: Conditions) -> int:
        """How many visible rows the parent `key` has, or a root list; counted up to `limit`."""
        where = self._within(link, conditions)

        async def load(keys: list[Any]) -> list[int]:
            if link.root:
                return [row["total"] for row in await self._fetch(count_rows(link, where, limit))]
            counted = {row[PARENT]: row["total"] for row in await self._fetch(count_children(link, keys, where))}
            return [counted.get(key, 0) for key in keys]

        total: int = await self._loader(("count", link, limit, conditions.key), load).load(key)
        return total if limit is None else min(total, limit)

    def _within(self, link: Link, conditions: Conditions) -> list[ColumnElement[bool]]:
        return [*conditions.clauses, *self._conditions(link.table)]

    def _conditions(self, table: Table) -> list[ColumnElement[bool]]:
        scope = self._scope(table)
        return [] if scope is None else [scope]

    def _loader(self, name: Hashable, load: Callable[[list[Any]], Awaitable[list[Any]]]) -> DataLoader[Any, Any]:
        loader = self._loaders.get(name)
        if loader is None:
            loader = self._loaders[name] = DataLoader(load_fn=load)
        return loader


class Conditions:
    """Conditions of a list beyond its link: what they say in SQL, and a key by which equal ones are known."""

    __slots__ = ("clauses", "key")

    def __init__(self, clauses: Sequence[ColumnElement[bool]] = (), key: Hashable = ()) -> None:
        """`key` must differ whenever `clauses` do."""
        self.clauses = tuple(clauses)
        self.key = key


def _by_parent(rows: Sequence[RowMapping], keys: Sequence[Any]) -> list[list[RowMapping]]:
    grouped: defaultdict[Any, list[RowMapping]] = defaultdict(list)
    for row in rows:
        grouped[row[PARENT]].append(row)
    return [grouped[key] for key in keys]
