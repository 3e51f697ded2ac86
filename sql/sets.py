"""Several values in one parameter, so that one statement text, prepared once, serves any number of them.

PostgreSQL takes an array, SQLite the same values as JSON text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, BindParameter, Boolean, Dialect, Enum, String, Text, Uuid, bindparam
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
    """Several values of one type in one parameter.

    With `as_text`, uuids go to PostgreSQL as the text of an array: drivers write one text faster than many values, and
    the database reads it more slowly. That is right for few values which many statements share.
    """

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any], *, as_text: bool = True) -> None:
        """`item` is the type of one value."""
        super().__init__()
        self.item = item
        self.as_text = as_text and isinstance(item, Uuid)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where the database has arrays."""
        if dialect.name != "postgresql" or self.as_text:
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(ARRAY(_plain(self.item)))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        """Write the values as the database holds them."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return f"{{{','.join(one.hex for one in value)}}}" if self.as_text else value
        process = self.item.dialect_impl(dialect).bind_processor(dialect)
        return orjson.dumps([process(one) if process else one for one in value]).decode()

    def bind_expression(self, bindparam: BindParameter[Any]) -> ColumnElement[Any]:
        """The parameter as an array, where it is the text of one."""
        return _array_in(bindparam)


class _array_in(ColumnElement[Any]):  # noqa: N801 - reads as the SQL that it is
    """The array in a parameter of type `ValueSet`."""

    inherit_cache = True
    _traverse_internals = [("values", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - see above

    def __init__(self, values: BindParameter[Any]) -> None:
        self.values = values


@compiles(_array_in)
def _array_in_parameter(element: _array_in, compiler: Any, **options: Any) -> str:
    values: str = compiler.process(element.values, **options)
    is_text = compiler.dialect.name == "postgresql" and _is_text(element.values)
    return f"CAST({values} AS UUID[])" if is_text else values


def _is_text(values: BindParameter[Any]) -> bool:
    return isinstance(values.type, ValueSet) and values.type.as_text


def _plain(item: TypeEngine[Any]) -> TypeEngine[Any]:
    """Enums are held as text, so an array of them is an array of text."""
    return Text() if isinstance(item, Enum | String) else item


@compiles(member_of, "postgresql")
def _member_of_postgresql(element: member_of, compiler: Any, **options: Any) -> str:
    values = compiler.process(element.values, **options)
    if _is_text(element.values):
        # In a subquery of its own the text is read once, not for each row.
        values = f"CAST((SELECT {values}) AS UUID[])"
    return f"({compiler.process(element.column, **options)} = ANY ({values}))"


@compiles(member_of, "sqlite")
def _member_of_sqlite(element: member_of, compiler: Any, **options: Any) -> str:
    values = compiler.process(element.values, **options)
    column = compiler.process(element.column, **options)
    return f"({column} IN (SELECT value FROM json_each({values})))"  # noqa: S608 - bound, not spliced
