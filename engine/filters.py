"""The filter language: typed inputs that say their own SQL.

A filter input is a Strawberry input whose fields are declared with `where(...)`; operators of one input are joined by
AND, and `and`, `or`, `not` join whole filters. Everything is compiled to SQL and bound as parameters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import strawberry
from sqlalchemy import ColumnElement, and_, func, not_, or_

from engine.enums import described
from engine.errors import BadUserInput
from sql.sets import member_of

CONDITION: Final = "condition"
MAX_CONDITIONS: Final = 100
MAX_LIST: Final = 100
MAX_PATTERN: Final = 1_024
"""Characters of a text that is looked for inside others: SQLite takes no pattern beyond 50,000 bytes."""
MAX_DEPTH: Final = 16
"""Filters inside filters; what compiles them to SQL calls itself a dozen times for each."""

Condition = Callable[[Any], ColumnElement[bool]]


class OrderDirection(StrEnum):
    """Ascending or descending; an absent value counts as the smallest."""

    ASC = "ASC"
    DESC = "DESC"


described(
    OrderDirection,
    "The direction of an order; an absent value counts as the smallest.",
    {
        "ASC": "Smallest, earliest or first in the alphabet first.",
        "DESC": "Largest, latest or last in the alphabet first.",
    },
)


class FilterInput:
    """What filter inputs have in common: a field that was left out is None, as one that is null."""

    def __post_init__(self) -> None:
        """Forget the difference between absent and null, which means nothing in a filter."""
        for name, value in vars(self).items():
            if value is strawberry.UNSET:
                setattr(self, name, None)


@strawberry.input(description="Conditions on a text; all that are given must hold.")
class StringFilter(FilterInput):
    """Comparison of a text, exact unless it says otherwise."""

    eq: str | None = strawberry.field(default=strawberry.UNSET, description="Equal to this.")
    ne: str | None = strawberry.field(default=strawberry.UNSET, description="Different from this, or absent.")
    in_: list[str] | None = strawberry.field(
        default=strawberry.UNSET, name="in", description="One of these, 100 at most."
    )
    nin: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="None of these, or absent; 100 at most."
    )
    contains: str | None = strawberry.field(default=strawberry.UNSET, description="Holds this somewhere, in any case.")
    starts_with: str | None = strawberry.field(default=strawberry.UNSET, description="Begins with this, in any case.")
    exists: bool | None = strawberry.field(default=strawberry.UNSET, description="Present, or (false) absent.")


@strawberry.input(description="Conditions on a moment; all that are given must hold.")
class DateTimeFilter(FilterInput):
    """Comparison of a moment."""

    eq: datetime | None = strawberry.field(default=strawberry.UNSET, description="At this moment.")
    gt: datetime | None = strawberry.field(default=strawberry.UNSET, description="After this moment.")
    gte: datetime | None = strawberry.field(default=strawberry.UNSET, description="At or after this moment.")
    lt: datetime | None = strawberry.field(default=strawberry.UNSET, description="Before this moment.")
    lte: datetime | None = strawberry.field(default=strawberry.UNSET, description="At or before this moment.")
    exists: bool | None = strawberry.field(default=strawberry.UNSET, description="Present, or (false) absent.")


@strawberry.input(description="Conditions on a number; all that are given must hold.")
class NumberFilter(FilterInput):
    """Comparison of a number."""

    eq: float | None = strawberry.field(default=strawberry.UNSET, description="Equal to this.")
    ne: float | None = strawberry.field(default=strawberry.UNSET, description="Different from this, or absent.")
    gt: float | None = strawberry.field(default=strawberry.UNSET, description="Greater than this.")
    gte: float | None = strawberry.field(default=strawberry.UNSET, description="This or greater.")
    lt: float | None = strawberry.field(default=strawberry.UNSET, description="Less than this.")
    lte: float | None = strawberry.field(default=strawberry.UNSET, description="This or less.")
    in_: list[float] | None = strawberry.field(
        default=strawberry.UNSET, name="in", description="One of these, 100 at most."
    )


def where(condition: Condition, description: str, *, name: str | None = None) -> Any:
    """A field of a filter input: `condition` turns its value into SQL."""
    return strawberry.field(
        default=strawberry.UNSET, name=name, description=description, metadata={CONDITION: condition}
    )


def compare(column: ColumnElement[Any]) -> Condition:
    """The condition of an operator input (`StringFilter` and its like) on a column."""

    def condition(operators: Any) -> ColumnElement[bool]:
        given = [(each.name, getattr(operators, each.name)) for each in dataclasses.fields(operators)]
        clauses = [_OPERATORS[name](column, value) for name, value in given if value is not None]
        return and_(True, *clauses)

    return condition


def equals(column: ColumnElement[Any]) -> Condition:
    """The condition of a plain value on a column."""
    return lambda value: column == value


def compile_filter(wanted: Any) -> list[ColumnElement[bool]]:
    """The SQL of a filter input.

    Raises BadUserInput when it has more than 100 conditions, lists of more than 100 values, or is more than 16 deep.
    """
    return [_Compiler().compile(wanted)]


class _Compiler:
    """One walk over a filter that counts its conditions."""

    def __init__(self) -> None:
        self.conditions = 0

    def compile(self, wanted: Any, depth: int = 1) -> ColumnElement[bool]:
        if depth > MAX_DEPTH:
            raise BadUserInput(f"a filter is at most {MAX_DEPTH} deep")
        clauses: list[ColumnElement[bool]] = []
        for each in dataclasses.fields(wanted):
            value = getattr(wanted, each.name)
            if value is None:
                continue
            self._count()
            match each.name:
                case "and_":
                    clauses.extend(self.compile(part, depth + 1) for part in value)
                case "or_":
                    clauses.append(or_(False, *(self.compile(part, depth + 1) for part in value)))
                case "not_":
                    clauses.append(not_(func.coalesce(self.compile(value, depth + 1), False)))
                case _:
                    clauses.append(each.metadata[CONDITION](value))
        if not clauses:
            # A filter that says nothing stands in the SQL all the same.
            self._count()
        return and_(True, *clauses)

    def _count(self) -> None:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise BadUserInput(f"a filter has at most {MAX_CONDITIONS} conditions")


def bounded(values: Sequence[Any]) -> Sequence[Any]:
    """The values of a list operator; raises BadUserInput when there are more than 100."""
    if len(values) > MAX_LIST:
        raise BadUserInput(f"a list in a filter has at most {MAX_LIST} values")
    return values


def contains(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """`column` holds `value` somewhere, in any case; raises BadUserInput when that is longer than 1,024 characters."""
    return column.icontains(_pattern(value), autoescape=True)


def _starts_with(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    return column.istartswith(_pattern(value), autoescape=True)


def _pattern(value: str) -> str:
    if len(value) > MAX_PATTERN:
        raise BadUserInput(f"a text to look for has at most {MAX_PATTERN:,} characters")
    return value


_OPERATORS: Final[dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column.is_distinct_from(value),
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "in_": lambda column, value: member_of(column, bounded(value)),
    "nin": lambda column, value: or_(column.is_(None), not_(member_of(column, bounded(value)))),
    "contains": contains,
    "starts_with": _starts_with,
    "exists": lambda column, value: column.is_not(None) if value else column.is_(None),
}
