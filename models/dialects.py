"""SQL that SQLite and PostgreSQL spell differently, each under one name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Text,
    Uuid,
    cast,
    func,
    literal,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import FunctionElement

from models.columns import now
from sql.moments import UtcDateTime


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


def clock(dialect: str) -> ColumnElement[datetime]:
    """What time it is by the clock that all processes share: the server's, or this machine's (SQLite)."""
    if dialect == "postgresql":
        return func.clock_timestamp(type_=UtcDateTime())
    return literal(now(), UtcDateTime())


class new_id_in_sql(FunctionElement[Any]):  # noqa: N801 - reads as the SQL function that it is
    """A UUIDv7 made by the database, one for each row, for set-based inserts."""

    type = Uuid()
    inherit_cache = True
    name = "new_id_in_sql"


@compiles(new_id_in_sql, "postgresql")
def _new_id_postgresql(*_: Any, **__: Any) -> str:
    # Digits of random() for many ids at once: gen_random_uuid asks the system for each. An id need not be secret.
    millis = "lpad(to_hex((date_part('epoch', clock_timestamp()) * 1000)::bigint), 12, '0')"
    mixed = f"overlay(md5(random()::text || random()::text) placing {millis} || '7' from 1 for 13)"
    return f"overlay({mixed} placing 'b' from 17 for 1)::uuid"


@compiles(new_id_in_sql, "sqlite")
def _new_id_sqlite(*_: Any, **__: Any) -> str:
    millis = "printf('%012x', cast((julianday('now') - 2440587.5) * 86400000.0 as integer))"
    return f"({millis} || '7' || substr(lower(hex(randomblob(2))), 2) || 'b' || substr(lower(hex(randomblob(8))), 2))"
