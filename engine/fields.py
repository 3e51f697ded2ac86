"""Constructors of fields, so that a type reads like a table of contents.

    @record(ThingRow, prefix="thing")
    class Thing(Node):
        id: strawberry.ID = identifier(ThingRow.id, "thing")
        name: str = column(ThingRow.name, "The name.")
        home_group: Group | None = to_one(ThingRow.home_group_id, GroupRow.id, "Its place.")
        executions: Connection[OtaExecution] = to_many(ThingRow.id, OtaExecutionRow.thing_id, "Its updates.")

The class annotation gives the GraphQL type, the call gives the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypedDict, Unpack

import strawberry
from sqlalchemy import Column as SqlColumn
from sqlalchemy import ColumnElement
from strawberry.annotation import StrawberryAnnotation
from strawberry.types import Info
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryContainer, get_object_definition
from strawberry.types.field import StrawberryField

from engine.connection import Connection
from engine.declarations import (
    DECLARATION,
    AnyById,
    ById,
    Column,
    Computed,
    Contextual,
    Declaration,
    Identifier,
    Part,
    ToAll,
    ToListed,
    ToMany,
    ToOne,
    Views,
)
from engine.keyset import Order, Term
from engine.records import Record
from engine.resolve import MAX_NODES, resolve
from engine.statements import Link, Through


class ListOptions(TypedDict, total=False):
    """What a connection may offer.

    `filter` and `order_by` are input types; `orderings` maps the words of the latter to columns. `views` are an
    argument that says which rows there are.
    """

    filter: type
    order_by: type
    orderings: Mapping[Any, Any]
    views: Views


class DeclaredField(StrawberryField):
    """A field that its declaration resolves."""

    @property
    def is_basic_field(self) -> bool:
        """Never basic: resolving needs the context."""
        return False

    @property
    def target(self) -> type[Record]:
        """The object type that an edge leads to: `Thing` for `Thing`, `[Thing!]!` and `ThingConnection!` alike."""
        return self._target

    @cached_property
    def _target(self) -> type[Record]:
        kind: Any = self.type
        while isinstance(kind, StrawberryContainer):
            kind = kind.of_type
        definition = get_object_definition(kind, strict=True)
        if definition.concrete_of is not None and definition.concrete_of.origin is Connection:
            kind = next(iter(definition.type_var_map.values()))
        found: type[Record] = getattr(kind, "resolve_type", lambda: kind)()
        return found

    def get_result(self, source: Any, info: Info | None, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Resolve by the declaration; an edge gives an awaitable."""
        declaration: Declaration = self.metadata[DECLARATION]
        return resolve(declaration, source, info, kwargs, self)


def declared(declaration: Declaration, description: str, arguments: Sequence[StrawberryArgument] = ()) -> Any:
    """A field with a declaration."""
    field = DeclaredField(description=description, metadata={DECLARATION: declaration})
    field.init = field.repr = field.compare = False
    field.arguments = list(arguments)
    return field


def identifier(column_: Any, prefix: str) -> Any:
    """The `id` of a node type."""
    return declared(Identifier(_core(column_).key, prefix), "The global id, unique over all types.")


def column(column_: Any, description: str, *, read: Callable[[Any], Any] | None = None) -> Any:
    """A column of the row."""
    return declared(Column(_core(column_).key, read), description)


def value(name: str, description: str) -> Any:
    """A value that a payload carries under `name`."""
    return declared(Column(name), description)


def computed(columns: Sequence[Any], function: Callable[..., Any], description: str) -> Any:
    """A function of the values of `columns`."""
    return declared(Computed(tuple(_core(each).key for each in columns), function), description)


def contextual(columns: Sequence[Any], function: Callable[..., Any], description: str) -> Any:
    """A function of the context of the operation and of the values of `columns`."""
    return declared(Contextual(tuple(_core(each).key for each in columns), function), description)


def part(description: str) -> Any:
    """An object of its own in the graph that is made of the same row."""
    return declared(Part(), description)


def descending(column_: Any) -> Term:
    """The term of an order that starts with the largest value."""
    return Term(_core(column_), descending=True)


def to_one(parent: Any, child: Any, description: str) -> Any:
    """The row that a column points to; `parent` is a column, or the key of a payload. Null when it is not visible."""
    return declared(ToOne(_key(parent), _core(child)), description)


def to_listed(parent: str, child: Any, description: str) -> Any:
    """The rows that a payload lists by id."""
    return declared(ToListed(parent, _core(child)), description)


def to_all(parent: Any, child: Any, description: str, *, order: Sequence[Any], value: Any = None) -> Any:
    """A list that is short by rule, without pages."""
    name = None if value is None else _core(value).key
    return declared(ToAll(_key(parent), Link(_core(child)), _order(order), name), description)


def to_many(
    parent: Any,
    child: Any,
    description: str,
    *,
    order: Sequence[Any] | None = None,
    through: tuple[Any, Any] | None = None,
    **options: Unpack[ListOptions],
) -> Any:
    """A connection to the rows of the parent: directly by their column `child`, or `through` an association.

    With `through` (its parent column, its child column), `child` is the key of the rows. `order` defaults to their key,
    which is the order of creation.
    """
    target = _core(child)
    link = Link(target, Through(*map(_core, through)) if through else None)
    return _connection(_key(parent), link, description, order, options)


def all_of(row: Any, description: str, *, order: Sequence[Any] | None = None, **options: Unpack[ListOptions]) -> Any:
    """A root connection to all visible rows of a table, named by its key column."""
    return _connection(None, Link(_core(row), root=True), description, order, options)


def by_id(child: Any, prefix: str, description: str) -> Any:
    """A root field that finds one row by its global id: null when it does not exist for the caller."""
    return declared(ById(_core(child), prefix), description, [_ID])


def by_key(
    child: Any,
    prefix: str,
    description: str,
    *,
    natural: Callable[[Mapping[str, Any]], ColumnElement[bool]],
    arguments: Mapping[str, tuple[Any, str]],
) -> Any:
    """A root field that finds one row by its global id, or by a natural key of its own.

    `arguments` are those of the natural key by their Python names: type and description. See `ById` for `natural`.
    """
    others = [_argument(name, annotation, text) for name, (annotation, text) in arguments.items()]
    return declared(
        ById(_core(child), prefix, natural),
        description,
        [_argument("id", strawberry.ID | None, "The global id."), *others],
    )


def any_by_id(description: str) -> Any:
    """A root field that finds an object of any type by its global id."""
    return declared(AnyById(), description, [_ID])


def any_by_ids(description: str) -> Any:
    """A root field that finds objects of any type by their global ids, in the order asked for."""
    ids = StrawberryArgument("ids", None, StrawberryAnnotation(list[strawberry.ID]), description=_IDS)
    return declared(AnyById(listed=True), description, [ids])


def _connection(
    parent: str | None,
    link: Link,
    description: str,
    order: Sequence[Any] | None,
    options: ListOptions,
) -> Any:
    key = next(iter(link.table.primary_key))
    filter_type, order_by, views = options.get("filter"), options.get("order_by"), options.get("views")
    columns = {word: _core(each) for word, each in options.get("orderings", {}).items()} or None
    declaration = ToMany(parent, link, _order(order or [key]), filter_type is not None, columns, views)
    arguments = [*_PAGE_ARGUMENTS]
    if filter_type is not None:
        arguments.append(_argument("filter", filter_type | None, "Only items that meet this."))
    if views is not None:
        arguments.append(_argument(views.argument, views.words | None, views.description, views.default))
    if order_by is not None:
        arguments.append(_argument("order_by", list[order_by] | None, "The order, most significant first."))  # type: ignore[valid-type]
    return declared(declaration, description, arguments)


def _argument(name: str, annotation: Any, description: str, default: Any = strawberry.UNSET) -> StrawberryArgument:
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(annotation),
        default=default,
        description=description,
    )


_ID: Final = StrawberryArgument("id", None, StrawberryAnnotation(strawberry.ID), description="The global id.")
_IDS: Final = f"The global ids, {MAX_NODES} at most."
_PAGE_ARGUMENTS: Final = (
    _argument("first", int | None, "How many items from the start, or behind `after`: 25 unless given, 100 at most."),
    _argument("after", str | None, "Go on behind the item with this cursor."),
    _argument("last", int | None, "How many items from the end, or before `before`: 100 at most."),
    _argument("before", str | None, "Go back from the item with this cursor."),
)


def _order(terms: Sequence[Any]) -> Order:
    return Order(tuple(term if isinstance(term, Term) else Term(_core(term)) for term in terms))


def _core(attribute: Any) -> SqlColumn[Any]:
    """The table's column behind a mapped attribute."""
    if isinstance(attribute, SqlColumn):
        return attribute
    found: SqlColumn[Any] = attribute.property.columns[0] if hasattr(attribute, "property") else attribute
    return found


def _key(parent: Any) -> str:
    return parent if isinstance(parent, str) else _core(parent).key
