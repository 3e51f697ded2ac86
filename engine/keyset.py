"""Orders and cursors: pages go on behind the values of the last row seen, never behind a count of rows.

An absent value counts as the smallest, on both databases, so that "last seen, newest first" ends with the never seen.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Column, ColumnElement, RowMapping, and_, false, or_, tuple_
from sqlalchemy.types import TypeDecorator, TypeEngine

from engine.errors import BadUserInput
from sql.moments import write_moment

MAX_CURSOR_LENGTH: Final = 16_384
"""Room for the longest values that a list can be ordered by, in characters that JSON escapes."""


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an order."""

    column: Column[Any]
    descending: bool = False

    def expression(self, column: ColumnElement[Any] | None = None) -> ColumnElement[Any]:
        """The ORDER BY term, on `column` in place of the declared one when rows come through an alias."""
        target = self.column if column is None else column
        ordered = target.desc() if self.descending else target.asc()
        if not self.column.nullable:
            return ordered
        return ordered.nulls_last() if self.descending else ordered.nulls_first()


@dataclass(frozen=True, slots=True)
class Order:
    """The terms of an order; the last one is unique, so that every row has one place."""

    terms: tuple[Term, ...]

    def reversed(self) -> Order:
        """The same order from its end."""
        return Order(tuple(replace(term, descending=not term.descending) for term in self.terms))

    @property
    def signature(self) -> str:
        """What a cursor remembers of its order, so that it is not used with another."""
        return ",".join(f"{term.column.key}{'-' if term.descending else '+'}" for term in self.terms)

    def cursor(self, row: RowMapping) -> str:
        """The opaque cursor of a row."""
        return self.cursor_of(row[term.column.key] for term in self.terms)

    def cursor_of(self, values: Iterable[Any]) -> str:
        """The opaque cursor of a row with these values in the columns of the order."""
        body = [self.signature, *map(_plain, values)]
        return base64.urlsafe_b64encode(orjson.dumps(body)).rstrip(b"=").decode()

    def values(self, cursor: str, argument: str) -> tuple[Any, ...]:
        """The values behind a cursor of this order; raises BadUserInput for any other text."""
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise BadUserInput(f"{argument} is too long for a cursor")
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            body = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            signature, *values = body
            typed = tuple(_typed(value, term.column) for value, term in zip(values, self.terms, strict=True))
        except (ValueError, TypeError, OverflowError, binascii.Error) as error:
            raise BadUserInput(f"{argument} is not a cursor of this list in this order") from error
        if signature != self.signature:
            raise BadUserInput(f"{argument} is a cursor of another list or order")
        return typed

    def behind(self, values: Sequence[Any]) -> ColumnElement[bool]:
        """The condition for rows that come after the row with these values."""
        if self._is_uniform():
            columns, bound = [term.column for term in self.terms], list(values)
            if len(columns) == 1:
                return _beyond(self.terms[0], bound[0])
            left, right = tuple_(*columns), tuple_(*bound, types=[column.type for column in columns])
            further: ColumnElement[bool] = left < right if self.terms[0].descending else left > right
            return further
        steps: list[ColumnElement[bool]] = []
        for index, term in enumerate(self.terms):
            same = [_same(before.column, value) for before, value in zip(self.terms[:index], values, strict=False)]
            steps.append(and_(*same, _beyond(term, values[index])))
        return or_(*steps)

    def _is_uniform(self) -> bool:
        """Whether one row comparison says it, which an index serves in one range."""
        directions = {term.descending for term in self.terms}
        return len(directions) == 1 and not any(term.column.nullable for term in self.terms)


def _same(column: Column[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _beyond(term: Term, value: Any) -> ColumnElement[bool]:
    column: ColumnElement[Any] = term.column
    if value is None:
        return false() if term.descending else column.is_not(None)
    if not term.descending:
        larger: ColumnElement[bool] = column > value
        return larger
    smaller: ColumnElement[bool] = column < value
    return or_(smaller, column.is_(None)) if term.column.nullable else smaller


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    return write_moment(value) if isinstance(value, datetime) else value


def _typed(value: Any, column: Column[Any]) -> Any:
    """The value as the column's Python type; raises ValueError or TypeError for what is not one."""
    if value is None:
        if not column.nullable:
            raise ValueError(column.key)
        return None
    kind = _python_type(column)
    if issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, UUID | datetime):
        return _parsed(value, kind)
    if not isinstance(value, kind) or isinstance(value, bool) is not issubclass(kind, bool):
        raise TypeError(value)
    if isinstance(value, str) and "\x00" in value:
        raise ValueError(column.key)
    if isinstance(value, int) and abs(value) >= 2**31:
        raise ValueError(column.key)
    return value


def _python_type(column: Column[Any]) -> type[Any]:
    """What the column's values are in Python; a decorated type does not say so by itself."""
    kind: TypeEngine[Any] = column.type
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return kind.python_type


def _parsed(value: Any, kind: type[UUID | datetime]) -> UUID | datetime:
    """A UUID or a moment from its text; raises TypeError, ValueError or OverflowError for what is none."""
    if not isinstance(value, str):
        raise TypeError(value)
    if issubclass(kind, UUID):
        return UUID(hex=value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment.astimezone(UTC)
