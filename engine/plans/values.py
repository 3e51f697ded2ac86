"""Values on their way out: from what the driver gives, or from Python objects, to what the answer holds.

A raw value is what the driver gives. Both databases give uuids as 32 hex digits and JSON as text; moments come as
`datetime` from PostgreSQL and as RFC 3339 text from SQLite; truth values are numbers on SQLite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLString,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from sqlalchemy.types import TypeDecorator

from engine.errors import StepAside
from engine.plans.rendering import DIALECTS
from sql.moments import UtcDateTime, write_moment

Convert = Callable[[Any], Any]
MOMENT: Final = "DateTime"
JSON: Final = "JSON"


def present(value: Any) -> Any:
    """The value; a null where none may be is left to the reference executor, which has an error to tell."""
    if value is None:
        raise StepAside("error")
    return value


def raw_key(value: Any) -> Any:
    """A key of a Python object as the driver takes it."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, list | tuple):
        return [raw_key(each) for each in value]
    return value


def read_json(value: Any) -> Any:
    """JSON from a raw value; SQLite gives the text of a number as a number."""
    return orjson.loads(value) if isinstance(value, str) else value


def typed(column: sa.Column[Any], dialect: str) -> Convert | None:
    """How a raw value becomes what services and functions over columns know; None when it is that already."""
    kind = column.type
    if isinstance(kind, sa.Uuid):
        return _or_none(lambda value: UUID(hex=value))
    if isinstance(kind, sa.JSON):
        return _or_none(read_json)
    if isinstance(kind, UtcDateTime):
        return _or_none(datetime.fromisoformat) if dialect == "sqlite" else None
    process: Convert | None = kind.dialect_impl(DIALECTS[dialect]).result_processor(DIALECTS[dialect], None)
    return process


def serializer(kind: Any) -> Convert:
    """How a Python value of a leaf type (or lists of it) is written, exactly as graphql-core writes it."""
    if is_non_null_type(kind):
        inner = serializer(kind.of_type)
        return lambda value: present(inner(value))
    if is_list_type(kind):
        each = serializer(kind.of_type)
        return lambda value: None if value is None else [each(item) for item in _listed(value)]
    if not is_leaf_type(kind):
        raise StepAside("no leaf")
    return _or_none(kind.serialize)


@dataclass(frozen=True, slots=True)
class Expression:
    """Python code for a value, and the names that it uses.

    In `code`, `@` stands for the raw value where it is evaluated first, and `$` for where it is used again.
    """

    code: str
    names: Mapping[str, Any] = field(default_factory=dict)

    def over(self, source: str) -> str:
        """The code for the raw value that `source` is code for."""
        if "$" not in self.code:
            return self.code.replace("@", source)
        return self.code.replace("@", f"(v := {source})", 1).replace("$", "v").replace("@", "v")


def leaf(kind: Any, column: sa.Column[Any], dialect: str) -> Expression:
    """How a raw value of a column is written.

    The common pairs of column and GraphQL type are written out; any other goes by way of Python's type.
    """
    nullable = not is_non_null_type(kind)
    wanted = kind if nullable else kind.of_type
    plain = _plain(wanted, column.type, dialect)
    if plain is None:
        return Expression("convert(@)", {"convert": _slow(kind, column, dialect)})
    if not column.nullable:
        return plain
    if not nullable:
        plain = Expression(plain.code.replace("@", "present(@)", 1), {**plain.names, "present": present})
    elif plain.code != "@":
        plain = Expression(f"(None if @ is None else {plain.code.replace('@', '$')})", plain.names)
    return plain


def _plain(wanted: Any, kind: Any, dialect: str) -> Expression | None:
    """The expression for a pair that needs no Python object, for values that are not None."""
    sqlite, name = dialect == "sqlite", getattr(wanted, "name", None)
    same = Expression("@")
    if isinstance(kind, sa.Enum):
        return _enum(wanted, kind)
    if wanted in (GraphQLString, GraphQLID) and _is_text(kind):
        return same
    if wanted is GraphQLInt and isinstance(kind, sa.Integer) and not isinstance(kind, sa.BigInteger):
        return same
    if wanted is GraphQLBoolean and isinstance(kind, sa.Boolean):
        return Expression("bool(@)") if sqlite else same
    if name == MOMENT and isinstance(kind, UtcDateTime):
        # orjson writes a datetime as we do, but for one without a fraction of a second, or without a zone.
        plain = "($ if @.microsecond and $.tzinfo else moment($))"
        return same if sqlite else Expression(plain, {"moment": write_moment})
    if name == JSON and isinstance(kind, sa.JSON):
        return Expression("read_json(@)", {"read_json": read_json}) if sqlite else Expression("loads(@)", _LOADS)
    return None


_LOADS: Final = {"loads": orjson.loads}


def _is_text(kind: Any) -> bool:
    """Whether a type holds text and gives it as it is; SQLModel's own type for `str` does, around SQLAlchemy's."""
    if isinstance(kind, TypeDecorator) and type(kind).process_result_value is TypeDecorator.process_result_value:
        kind = kind.impl_instance
    return isinstance(kind, sa.String)


def _enum(wanted: Any, kind: sa.Enum) -> Expression | None:
    if not isinstance(wanted, GraphQLEnumType) or kind.enum_class is None:
        return None
    members: type[Enum] = kind.enum_class
    names = {member.value: wanted.serialize(member) for member in members}
    if set(names) != set(kind.enums):
        return None
    if all(text == shown for text, shown in names.items()):
        return Expression("@")
    return Expression("shown[@]", {"shown": names})


def _slow(kind: Any, column: sa.Column[Any], dialect: str) -> Convert:
    convert, write = typed(column, dialect), serializer(kind)
    return write if convert is None else lambda value: write(convert(value))


def _or_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _listed(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise StepAside("error")
    return value
