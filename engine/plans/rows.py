"""Rows and what is made of them: the columns that a level selects, and the function that turns its rows into objects.

The function is written once per plan, as one comprehension over tuples: nothing is called for a field.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table

from engine.errors import StepAside
from engine.plans.code import Names, literal
from engine.plans.rendering import VARIANTS, Recent, Rendered
from engine.plans.run import Request, Run

Row = Sequence[Any]
Objects = list[Any]
Build = Callable[[Iterable[Row], Any], Objects]


class Layout:
    """The columns that a statement selects of each row, in order; behind them the key of the parent, if it has one."""

    __slots__ = ("_places", "columns", "table")

    def __init__(self, table: Table) -> None:
        """No columns yet."""
        self.table = table
        self.columns: list[Column[Any]] = []
        self._places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """The place of a column in the row; it is selected from now on. Raises StepAside for one that is not there."""
        place = self._places.get(name)
        if place is None:
            column = self.table.c.get(name)
            if column is None:
                raise StepAside("no such column")
            place = self._places[name] = len(self.columns)
            self.columns.append(column)
        return place

    @property
    def selected(self) -> tuple[Column[Any], ...]:
        """The columns; the key of the table where nothing is needed of the rows but that they are there."""
        return tuple(self.columns) or tuple(self.table.primary_key)[:1]

    @property
    def behind(self) -> int:
        """The place behind the columns: that of the parent's key."""
        return len(self.columns) or 1


class RowShape:
    """What is made of the rows of a layout for one selection, and the steps that go on from them."""

    __slots__ = ("build", "layout", "names", "outputs", "steps")

    def __init__(self, layout: Layout) -> None:
        """Nothing is selected yet."""
        self.layout = layout
        self.steps: list[Step] = []
        self.names = Names()
        self.outputs: list[tuple[str, str]] = []
        self.build: Build = _unfinished

    def finish(self, code: str | None = None) -> None:
        """Write `build` when all is known; `code` makes something else of a row `r` than the object."""
        self.build = self.names.define(f"[{code or literal(self.outputs)} for r in rows]", "rows, c")


@dataclass(frozen=True, slots=True)
class Level:
    """Objects that have been made, with the rows behind them, and the steps that go on from them."""

    steps: Sequence[Step]
    rows: Sequence[Row]
    objects: Objects


class Step(ABC):
    """One edge of a plan: fetches what it leads to for all parents of a level at once, and hangs it in.

    It is asked twice: for its statements, when the rows of its parents are there, and to deliver, when its own are.
    Between the two, all steps of a level share one trip to the database.
    """

    def __init__(self, key: str) -> None:
        """`key` is the response key that the step fills in its parents."""
        self.key = key
        self.texts: Recent[Rendered] = Recent(VARIANTS)

    @abstractmethod
    def requests(self, run: Run, rows: Sequence[Row]) -> list[Request]:
        """The statements for these parents; none when there is nothing to fetch."""

    @abstractmethod
    def deliver(self, run: Run, answers: list[Sequence[Row]], rows: Sequence[Row], objects: Objects) -> list[Level]:
        """Hang what the statements gave into the parents' objects; what was made goes on as levels of its own."""

    @property
    @abstractmethod
    def shapes(self) -> list[RowShape]:
        """What is made of the rows that the step fetches."""

    @abstractmethod
    def describe(self) -> str:
        """One line for people who read a plan."""


def _unfinished(rows: Iterable[Row], context: Any) -> Objects:
    raise RuntimeError(f"a shape was used before it was finished: {rows} {context}")
