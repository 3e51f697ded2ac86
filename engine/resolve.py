"""The reference executor's half of a declaration: how graphql-core gets the value of a field."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, select
from strawberry.types import Info

from engine.connection import Connection
from engine.declarations import (
    AnyById,
    ById,
    Column,
    Computed,
    Contextual,
    Declaration,
    Edge,
    Identifier,
    Part,
    ToAll,
    ToListed,
    ToMany,
    ToOne,
)
from engine.errors import BadUserInput
from engine.filters import compile_filter
from engine.ids import global_id, key_of, split_id
from engine.keyset import Order, Term
from engine.loaders import Conditions
from engine.pages import request_page
from engine.reading import ReadContext
from engine.records import NODES, Node, Record, Row

MAX_ORDER_TERMS: Final = 4
MAX_NODES: Final = 100


class Targeted(Protocol):
    """A field that knows the object type it leads to."""

    @property
    def target(self) -> type[Record]:
        """The object type."""


def resolve(declaration: Declaration, source: Any, info: Info | None, kwargs: dict[str, Any], field: Targeted) -> Any:
    """The value of a field on `source`; an awaitable for edges."""
    row: Row = source.row if isinstance(source, Record) else {}
    match declaration:
        case Column(name, read):
            value = row[name]
            return value if read is None or value is None else read(value)
        case Identifier(name, prefix):
            return global_id(prefix, row[name])
        case Computed(names, function):
            return function(*(row[name] for name in names))
        case Part():
            return field.target.over(row)
    if info is None:
        raise RuntimeError("an edge cannot be resolved without a context")
    if isinstance(declaration, Contextual):
        return declaration.function(info.context, *(row[name] for name in declaration.names))
    return _resolve_edge(declaration, row, info.context, kwargs, field)


def _resolve_edge(
    declaration: Edge, row: Row, context: ReadContext, kwargs: dict[str, Any], field: Targeted
) -> Awaitable[Any] | Connection[Any] | None:
    match declaration:
        case ById():
            return _by_id(context, declaration, kwargs, field)
        case AnyById(listed):
            return _named(context, kwargs["ids"]) if listed else _any(context, *node_in(kwargs["id"]))
        case ToOne(parent, _):
            return None if row[parent] is None else _one(context, declaration, row[parent], field)
        case ToListed(parent, _):
            return _listed(context, declaration, row[parent] or [], field)
        case ToAll(parent, _, _, _):
            return _all(context, declaration, row[parent], field)
        case ToMany():
            return _connection(context, declaration, row, kwargs, field)


def key_in(prefix: str, value: str) -> UUID:
    """The key in a global id; raises BadUserInput for an id of another type and for what is none."""
    key = key_of(prefix, value)
    if key is None:
        raise BadUserInput(f"{value[:80]!r} is not an id that starts with {prefix}_")
    return key


def node_in(value: str) -> tuple[type[Node], UUID]:
    """The type and the key that a global id names; raises BadUserInput for what is no id of any type."""
    parts = split_id(value)
    if parts is None or parts[0] not in NODES:
        raise BadUserInput(f"{value[:80]!r} is not a global id")
    return NODES[parts[0]], parts[1]


def nodes_in(values: Sequence[str]) -> list[tuple[type[Node], UUID]]:
    """The types and keys that global ids name; raises BadUserInput for more than 100, and for what is no id."""
    if len(values) > MAX_NODES:
        raise BadUserInput(f"nodes takes at most {MAX_NODES} ids")
    return [node_in(each) for each in values]


def natural_key(declaration: ById, arguments: Mapping[str, Any]) -> ColumnElement[bool] | None:
    """The condition of the row that the arguments name by its natural key; None when they are its id alone."""
    given = {name: value for name, value in arguments.items() if value is not strawberry.UNSET and value is not None}
    if declaration.natural is None or given.keys() == {"id"}:
        return None
    return declaration.natural(given)


async def _by_id(context: ReadContext, declaration: ById, kwargs: dict[str, Any], field: Targeted) -> Record | None:
    child, condition = declaration.child, natural_key(declaration, kwargs)
    if condition is None:
        row = await context.loaders.one(child, key_in(declaration.prefix, kwargs["id"]))
    else:
        scope = context.scope(child.table)
        rows = await context.fetch(select(child.table).where(condition, *([] if scope is None else [scope])))
        row = rows[0] if rows else None
    return None if row is None else field.target.over(row)


async def _any(context: ReadContext, kind: type[Node], key: UUID) -> Node | None:
    row = await context.loaders.one(kind.key_column(), key)
    return None if row is None else kind.over(row)


async def _named(context: ReadContext, values: Sequence[str]) -> list[Node | None]:
    # All are read before any is loaded: what is loaded when another is refused would be left to itself.
    named = nodes_in(values)
    return await asyncio.gather(*(_any(context, kind, key) for kind, key in named))


async def _one(context: ReadContext, declaration: ToOne, key: Any, field: Targeted) -> Record | None:
    row = await context.loaders.one(declaration.child, key)
    return None if row is None else field.target.over(row)


async def _listed(context: ReadContext, declaration: ToListed, keys: list[Any], field: Targeted) -> list[Record]:
    rows = await asyncio.gather(*(context.loaders.one(declaration.child, key) for key in keys))
    return [field.target.over(row) for row in rows if row is not None]


async def _all(context: ReadContext, declaration: ToAll, key: Any, field: Targeted) -> list[Any]:
    rows = await context.loaders.all(declaration.link, declaration.order, key, Conditions())
    if declaration.value is not None:
        return [row[declaration.value] for row in rows]
    return [field.target.over(row) for row in rows]


def _connection(
    context: ReadContext, declaration: ToMany, row: Row, kwargs: dict[str, Any], field: Targeted
) -> Connection[Any]:
    order = order_of(declaration, kwargs.get("order_by"))
    page_arguments = (kwargs.get(name) for name in ("first", "after", "last", "before"))
    request = request_page(order, *page_arguments)
    key = None if declaration.parent is None else row[declaration.parent]
    conditions = _conditions(declaration, kwargs)
    return Connection(
        load=partial(context.loaders.page, declaration.link, request, key, conditions),
        count=lambda limit: context.loaders.count(declaration.link, limit, key, conditions),
        make=field.target.over,
        order=order,
    )


def _conditions(declaration: ToMany, kwargs: Mapping[str, Any]) -> Conditions:
    """What the filter and the view of a list ask of its rows."""
    wanted, views = kwargs.get("filter"), declaration.views
    clauses = [] if wanted is None else compile_filter(wanted)
    word = None if views is None else views.word(kwargs)
    if views is not None and word is not None:
        clauses += views.condition(word)
    return Conditions(clauses, (repr(wanted), word))


def order_of(declaration: ToMany, wanted: list[Any] | None) -> Order:
    """The declared order, or the wanted columns with the declared one behind them, so that every row has one place.

    Raises BadUserInput for more terms than 4, and for two with one field.
    """
    if not wanted or declaration.orderings is None:
        return declaration.order
    if len(wanted) > MAX_ORDER_TERMS or len({item.field for item in wanted}) < len(wanted):
        raise BadUserInput(f"orderBy takes up to {MAX_ORDER_TERMS} different fields")
    terms = [Term(declaration.orderings[item.field], descending=item.direction == "DESC") for item in wanted]
    chosen = {term.column.key for term in terms}
    return Order((*terms, *(term for term in declaration.order.terms if term.column.key not in chosen)))
