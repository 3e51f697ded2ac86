"""Steps along edges without pages: to one, to those that are listed, to all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column

from engine.errors import StepAside
from engine.keyset import Order
from engine.plans.rendering import keys_parameter, raw_keys, render
from engine.plans.rows import Level, Objects, Row, RowShape, Step
from engine.plans.run import Request, Run
from engine.statements import Link, select_by_key, select_children


class ToOneStep(Step):
    """The one row whose column `child` equals a value of the parent."""

    def __init__(self, key: str, place: int, child: Column[Any], shape: RowShape, *, required: bool = False) -> None:
        """`place` is that of the value in the parent's row; `required` when GraphQL takes no null here."""
        super().__init__(key)
        self._place = place
        self._child = child
        self._shape = shape
        self._at = shape.layout.place(child.key)
        self._required = required

    @property
    def shapes(self) -> list[RowShape]:
        """The one shape."""
        return [self._shape]

    def describe(self) -> str:
        """One line."""
        return f"{self.key}: one {self._child.table.name} by its {self._child.name}"

    def requests(self, run: Run, rows: Sequence[Row]) -> list[Request]:
        """One statement for all parents."""
        place = self._place
        keys = {row[place] for row in rows}
        keys.discard(None)
        return self._request(run, list(keys))

    def deliver(self, run: Run, answers: list[Sequence[Row]], rows: Sequence[Row], objects: Objects) -> list[Level]:
        """Each parent gets its one."""
        fetched = answers[0] if answers else ()
        made = self._shape.build(fetched, run.context)
        at, key, place = self._at, self.key, self._place
        find = {row[at]: each for row, each in zip(fetched, made, strict=True)}.get
        for row, parent in zip(rows, objects, strict=True):
            parent[key] = find(row[place])
        if self._required and any(parent[key] is None for parent in objects):
            raise StepAside("error")
        return [Level(self._shape.steps, fetched, made)]

    def _request(self, run: Run, keys: list[Any]) -> list[Request]:
        if not keys:
            return []
        rendered = self.texts.get(run.shape)
        if rendered is None:
            wanted, conditions = keys_parameter(self._child), run.conditions(self._child.table)
            statement = select_by_key(self._child, wanted, conditions, self._shape.layout.selected)
            rendered = self.texts.put(run.shape, render(statement, run.dialect, run.changing))
        return [run.request(rendered, {"keys": raw_keys(keys, run.dialect)})]


class ToListedStep(ToOneStep):
    """The rows that a payload lists by their ids, in that order; those that are not visible are left out."""

    def describe(self) -> str:
        """One line."""
        return f"{self.key}: the {self._child.table.name} rows that are listed"

    def requests(self, run: Run, rows: Sequence[Row]) -> list[Request]:
        """One statement for all lists."""
        return self._request(run, list({key for row in rows for key in row[self._place] or ()}))

    def deliver(self, run: Run, answers: list[Sequence[Row]], rows: Sequence[Row], objects: Objects) -> list[Level]:
        """Each parent gets its list."""
        fetched = answers[0] if answers else ()
        made = self._shape.build(fetched, run.context)
        found = {row[self._at]: each for row, each in zip(fetched, made, strict=True)}
        for row, parent in zip(rows, objects, strict=True):
            parent[self.key] = [found[key] for key in row[self._place] or () if key in found]
        return [Level(self._shape.steps, fetched, made)]


class ToAllStep(Step):
    """Every row of the parent, for lists that are short by rule."""

    def __init__(self, key: str, place: int, link: Link, order: Order, shape: RowShape) -> None:
        """`place` is that of the parent's key in its row."""
        super().__init__(key)
        self._place = place
        self._link = link
        self._order = order
        self._shape = shape

    @property
    def shapes(self) -> list[RowShape]:
        """The one shape."""
        return [self._shape]

    def describe(self) -> str:
        """One line."""
        return f"{self.key}: all {self._link.table.name} rows of each, by {self._link.key.name}"

    def requests(self, run: Run, rows: Sequence[Row]) -> list[Request]:
        """One statement for all parents."""
        keys = list({row[self._place] for row in rows})
        if not keys:
            return []
        rendered = self.texts.get(run.shape)
        if rendered is None:
            link, conditions = self._link, run.conditions(self._link.table)
            selected = self._shape.layout.selected
            statement = select_children(link, keys_parameter(link.key), self._order, conditions, selected)
            rendered = self.texts.put(run.shape, render(statement, run.dialect, run.changing))
        return [run.request(rendered, {"keys": raw_keys(keys, run.dialect)})]

    def deliver(self, run: Run, answers: list[Sequence[Row]], rows: Sequence[Row], objects: Objects) -> list[Level]:
        """Each parent gets its list."""
        fetched = answers[0] if answers else ()
        made = self._shape.build(fetched, run.context)
        at, place = self._shape.layout.behind, self._place
        grouped: dict[Any, list[Any]] = {row[place]: [] for row in rows}
        for row, each in zip(fetched, made, strict=True):
            grouped[row[at]].append(each)
        for row, parent in zip(rows, objects, strict=True):
            parent[self.key] = grouped[row[place]]
        return [Level(self._shape.steps, fetched, made)]
