"""SQL that SQLite and PostgreSQL spell differently, each under one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Dialect,
    Enum,
    String,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine


def upsert(dialect: str) -> Any:
    """The INSERT of the dialect that has ON CONFLICT (both spell it alike, each in a class of its own)."""
    return postgresql_insert if dialect == "postgresql" else sqlite_insert


def transaction_id(dialect: str) -> ColumnElement[int]:
    """The id of the current transaction; 0 on SQLite, whose single writer makes sequence numbers enough."""
    if dialect == "postgresql":
        return cast(cast(func.pg_current_xact_id(), Text), BigInteger)
    return literal(0, BigInteger)


def settled_below(dialect: str) -> ColumnElement[int] | None:
    """The first transaction that may still be running; events below it are complete. None: all are (SQLite)."""
    if dialect == "postgresql":
        return cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)
    return None


class new_id_in_sql(FunctionElement[Any]):  # noqa: N801 - reads as the SQL function that it is
    """A UUIDv7 made by the database, one for each row, for set-based inserts."""

    type = Uuid()
    inherit_cache = True
    name = "new_id_in_sql"


@compiles(new_id_in_sql, "postgresql")
def _new_id_postgresql(*_: Any, **__: Any) -> str:
    millis = "substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)"
    mixed = f"overlay(uuid_send(gen_random_uuid()) placing {millis} from 1 for 6)"
    return f"encode(set_bit(set_bit({mixed}, 52, 1), 53, 1), 'hex')::uuid"


@compiles(new_id_in_sql, "sqlite")
def _new_id_sqlite(*_: Any, **__: Any) -> str:
    millis = "printf('%012x', cast((julianday('now') - 2440587.5) * 86400000.0 as integer))"
    return f"({millis} || '7' || substr(lower(hex(randomblob(2))), 2) || 'b' || substr(lower(hex(randomblob(8))), 2))"


class member_of(ColumnElement[bool]):  # noqa: N801 - reads as the SQL operator that it is
    """`column` is one of `values`, bound as one parameter, so that one prepared statement serves every number of them.

    PostgreSQL takes an array, SQLite the same values as JSON text.
    """

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's own protocol wants a list
        ("column", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], values: Sequence[Any]) -> None:
        """`values` are of the column's own Python type."""
        self.column = column
        self.values = bindparam(None, values, type_=ValueSet(column.type), unique=True)

    def self_group(self, against: Any = None) -> Any:
        """Stand as it is: without this, SQLAlchemy appends `= 1` on SQLite and the index is lost."""
        return self


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
