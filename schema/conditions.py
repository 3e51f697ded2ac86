"""Conditions that filters of several types are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, exists, or_

from engine.filters import StringFilter, bounded, compare, contains
from engine.resolve import key_in
from sql.arrays import items_of
from sql.sets import member_of

Condition = Callable[[Any], ColumnElement[bool]]


def one_of(column: Column[Any]) -> Condition:
    """The column has one of several values, 100 at most.

    One alone is compared as itself: an index that goes on in the order of a list can then be read in order.
    """

    def condition(values: Sequence[Any]) -> ColumnElement[bool]:
        if len(values) == 1:
            equal: ColumnElement[bool] = column == values[0]
            return equal
        return member_of(column, bounded(values))

    return condition


def keyed(column: Column[Any], prefix: str) -> Condition:
    """The column has one of the keys in several global ids of one type, 100 at most."""
    return lambda values: one_of(column)([key_in(prefix, value) for value in bounded(values)])


def searched(*columns: Column[Any]) -> Condition:
    """One of the columns holds a text, in any case."""
    return lambda text: or_(*(contains(column, text) for column in columns))


def present(column: Column[Any]) -> Condition:
    """Whether the column has a value."""
    return lambda wanted: column.is_not(None) if wanted else column.is_(None)


def any_item(column: Column[Any]) -> Condition:
    """A text of the list in the column meets the conditions; `ne` and `nin` mean that none of them is one of these."""

    def condition(wanted: StringFilter) -> ColumnElement[bool]:
        items = items_of(column)

        def some(*clauses: ColumnElement[bool]) -> ColumnElement[bool]:
            return exists().select_from(items).where(*clauses).correlate(column.table)

        refused = [*([] if wanted.ne is None else [wanted.ne]), *bounded(wanted.nin or [])]
        clauses: list[ColumnElement[bool]] = []
        if refused:
            clauses.append(~some(member_of(items.c.value, refused)))
        if wanted.exists is not None:
            clauses.append(some() if wanted.exists else ~some())
        positive = StringFilter(eq=wanted.eq, in_=wanted.in_, contains=wanted.contains, starts_with=wanted.starts_with)
        if positive != StringFilter():
            clauses.append(some(compare(items.c.value)(positive)))
        return and_(True, *clauses)

    return condition
