"""Object types over rows: what a source value of the reference executor is, and the `Node` interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar

import strawberry
from sqlalchemy import Column, RowMapping, Table
from sqlmodel import SQLModel

T = TypeVar("T", bound="Record")
Row = Mapping[str, Any] | RowMapping


class Record:
    """A value of an object type: the row behind it. Fields read it through their declarations."""

    record_table: ClassVar[Table | None] = None

    row: strawberry.Private[Row]

    @classmethod
    def over(cls, row: Row) -> Self:
        """The object over a row, which maps the table's column names (or a payload's keys) to values."""
        made = cls.__new__(cls)
        made.row = row
        return made


@strawberry.interface(description="Anything that has a global id.")
class Node(Record):
    """The interface of every type that `node` can find."""

    node_prefix: ClassVar[str] = ""

    id: strawberry.ID = strawberry.field(description="The global id, unique over all types.")

    @classmethod
    def key_column(cls) -> Column[Any]:
        """The key of the type's table."""
        if cls.record_table is None:
            raise TypeError(f"{cls.__name__} has no table")
        return next(iter(cls.record_table.primary_key))


NODES: dict[str, type[Node]] = {}
"""Every node type by the prefix of its ids."""


def record(
    table: type[SQLModel] | None = None, *, prefix: str | None = None, description: str | None = None
) -> Callable[[type[T]], type[T]]:
    """Make an object type over the rows of `table`; with a `prefix`, one whose ids `node` understands.

    The GraphQL description is the first paragraph of the class docstring unless given.
    """

    def decorate(cls: type[T]) -> type[T]:
        text = description or " ".join((cls.__doc__ or "").split("\n\n")[0].split())
        made: type[T] = strawberry.type(cls, description=text)
        if table is not None:
            made.record_table = table.__table__  # type: ignore[attr-defined]
        if prefix is not None and issubclass(made, Node):
            made.node_prefix = prefix
            NODES[prefix] = made
        return made

    return decorate
