"""Several values in one parameter, so that one statement text, prepared once, serves any number of them.

PostgreSQL takes an array, SQLite the same values as JSON text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, BindParameter, Boolean, Dialect, Enum, String, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine


class member_of(ColumnElement[bool]):  # noqa: N801 - reads as the SQL operator that it is
    """`column` is one of `values`."""

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's own protocol wants a list
        ("column", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], values: Sequence[Any] | BindParameter[Any]) -> None:
        """`values` are of the column's own Python type, or a parameter of type `ValueSet` that holds them."""
        self.column = column
        self.values = bound_set(values, column.type)

    def self_group(self, against: Any = None) -> Any:
        """Stand as it is: without this, SQLAlchemy appends `= 1` on SQLite and the index is lost."""
        return self


def bound_set(values: Sequence[Any] | BindParameter[Any], item: TypeEngine[Any]) -> BindParameter[Any]:
    """A parameter for several values of the type `item`; one that is a parameter already stays as it is."""
    if isinstance(values, BindParameter):
        return values
    return bindparam(None, list(values), type_=ValueSet(item), unique=True)


class ValueSet(TypeDecorator[Sequence[Any]]):
    """Several values of one type in one parameter."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        """`item` is the type of one value."""
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where the database has arrays."""
        return dialect.type_descriptor(ARRAY(_plain(self.item)) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        """Write the values as the database holds them."""
        if value is None or dialect.name == "postgresql":
            return value
        process = self.item.dialect_impl(dialect).bind_processor(dialect)
        return orjson.dumps([process(one) if process else one for one in value]).decode()


def _plain(item: TypeEngine[Any]) -> TypeEngine[Any]:
    """Enums are held as text, so an array of them is an array of text."""
    return Text() if isinstance(item, Enum | String) else item


@compiles(member_of, "postgresql")
def _member_of_postgresql(element: member_of, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.column, **options)} = ANY ({compiler.process(element.values, **options)}))"


@compiles(member_of, "sqlite")
def _member_of_sqlite(element: member_of, compiler: Any, **options: Any) -> str:
    values = compiler.process(element.values, **options)
    column = compiler.process(element.column, **options)
    return f"({column} IN (SELECT value FROM json_each({values})))"  # noqa: S608 - bound, not spliced
