"""Write many rows fast: executemany on SQLite, COPY on PostgreSQL, always inside the caller's transaction.

Values pass through the column types of the tables, so both databases get what the services would have written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]
_Convert = Callable[[Any], Any]
_CACHE_KIBIBYTES = 262_144


class BulkWriter:
    """Inserts rows; what the first row of a table does not name, all of them have by the column's default."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Write on a connection whose transaction has begun."""
        self._connection = connection
        self._plans: dict[Table, _Plan] = {}

    async def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert `rows`, all with values for the same columns by their names in the database."""
        if not rows:
            return
        plan = self._plans.get(table)
        if plan is None:
            plan = self._plans[table] = _Plan(self._connection, table, rows[0])
        if self._connection.dialect.name == "postgresql":
            raw = await self._connection.get_raw_connection()
            driver: Any = raw.driver_connection
            await driver.copy_records_to_table(table.name, records=plan.records(rows), columns=plan.names)
        else:
            await self._connection.exec_driver_sql(plan.statement, plan.records(rows))


class _Plan:
    """How the rows of one table become what the driver takes."""

    def __init__(self, connection: AsyncConnection, table: Table, first: Row) -> None:
        named = [column for column in table.columns if column.name in first]
        defaulted = [column for column in table.columns if column.name not in first]
        self.names = [column.name for column in (*named, *defaulted)]
        self._defaults = [_default(column) for column in defaulted]
        self._pick = itemgetter(*(column.name for column in named))
        self._converters: list[tuple[int, _Convert]] = []
        for position, column in enumerate((*named, *defaulted)):
            convert = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
            if convert is not None:
                self._converters.append((position, convert))
        quoted = ", ".join(f'"{name}"' for name in self.names)
        places = ", ".join("?" * len(self.names))
        self.statement = f'INSERT INTO "{table.name}" ({quoted}) VALUES ({places})'  # noqa: S608 - our own names

    def records(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """The rows as tuples in the order of `names`, converted by column: several times faster than by row."""
        columns: list[Sequence[Any]] = list(zip(*map(self._pick, rows), strict=True))
        columns += [[value] * len(rows) for value in self._defaults]
        for position, convert in self._converters:
            columns[position] = [convert(value) for value in columns[position]]
        return list(zip(*columns, strict=True))


def _default(column: Column[Any]) -> Any:
    """The value that the column has when nobody gives it one: None, or what its default says."""
    if column.default is None:
        return None
    value: Any = column.default.arg  # type: ignore[attr-defined]
    return value(None) if callable(value) else value


@asynccontextmanager
async def made_for_bulk(connection: AsyncConnection) -> AsyncIterator[BulkWriter]:
    """A writer on the connection; on SQLite with a page cache that holds the indexes' hot pages meanwhile."""
    if connection.dialect.name != "sqlite":
        yield BulkWriter(connection)
        return
    usual = (await connection.execute(text("PRAGMA cache_size"))).scalar_one()
    await connection.execute(text(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}"))
    try:
        yield BulkWriter(connection)
    finally:
        await connection.execute(text(f"PRAGMA cache_size = {usual}"))
