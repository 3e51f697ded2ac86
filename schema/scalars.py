"""Scalars whose wire form is ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NewType

from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition, scalar

from sql.moments import write_moment


def read_moment(value: Any) -> datetime:
    """An RFC 3339 text with its offset; raises GraphQLError for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise GraphQLError("a moment is written like 2026-01-31T12:00:00Z") from error
    if moment.tzinfo is None:
        raise GraphQLError("a moment needs its offset from UTC, such as Z or +02:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise GraphQLError("the moment is outside of the years 1 to 9999") from error


MOMENT: ScalarDefinition = scalar(
    name="DateTime",
    description="A moment in RFC 3339, in UTC: `2026-01-31T12:00:00.000000Z`. Input may have any offset.",
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
    serialize=write_moment,
    parse_value=read_moment,
)

LARGEST = 2**53

BigInt = NewType("BigInt", int)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError("a whole number up to 2^53 is expected")
    return value


BIG_INT: ScalarDefinition = scalar(
    name="BigInt",
    description="A whole number of up to 53 bits, which JSON and JavaScript hold exactly.",
    serialize=_whole,
    parse_value=_whole,
)
