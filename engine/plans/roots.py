"""Steps at the root of a query: one row by its id or natural key, and objects of any type by their ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select

from engine.declarations import ById
from engine.errors import StepAside
from engine.ids import split_raw_id
from engine.plans.arguments import Arguments
from engine.plans.convert import Converter
from engine.plans.rendering import Rendered, key_parameter, keys_parameter, raw_keys, render
from engine.plans.rows import Level, Objects, Row, RowShape, Step
from engine.plans.run import Request, Run
from engine.resolve import MAX_NODES, natural_key
from engine.statements import select_by_key


class ByIdStep(Step):
    """The one row that the arguments of a root field name."""

    def __init__(
        self, key: str, declaration: ById, arguments: Arguments, converter: Converter, shape: RowShape
    ) -> None:
        """`converter` gives the arguments of a natural key as the declaration takes them."""
        super().__init__(key)
        self._declaration = declaration
        self._arguments = arguments
        self._converter = converter
        self._shape = shape

    @property
    def shapes(self) -> list[RowShape]:
        """The one shape."""
        return [self._shape]

    def describe(self) -> str:
        """One line."""
        return f"{self.key}: one {self._declaration.child.table.name} by its {self._declaration.child.name}"

    def requests(self, run: Run, rows: Sequence[Row]) -> list[Request]:
        """One statement."""
        values = self._arguments.values(run.variables)
        identity = values.get("id")
        if identity is None or (len(values) > 1 and any(values[name] is not None for name in values if name != "id")):
            return [run.request(self._natural(run, values), {})]
        parts = split_raw_id(identity)
        if parts is None or parts[0] != self._declaration.prefix:
            raise StepAside("error")
        rendered = self.texts.get(run.shape)
        if rendered is None:
            child = self._declaration.child
            rendered = self.texts.put(run.shape, self._render(run, child == key_parameter(child)))
        return [run.request(rendered, {"key": parts[1]})]

    def deliver(self, run: Run, answers: list[Sequence[Row]], rows: Sequence[Row], objects: Objects) -> list[Level]:
        """The row, or null."""
        fetched = answers[0]
        run.check(fetched)
        made = self._shape.build(fetched, run.context)
        objects[0][self.key] = made[0] if made else None
        return [Level(self._shape.steps, fetched, made)]

    def _natural(self, run: Run, values: Mapping[str, Any]) -> Rendered:
        """The statement for these very arguments."""
        key = (run.shape, self._converter.key(values))
        rendered = self.texts.get(key)
        if rendered is None:
            arguments = self._converter.convert(values)
            condition = natural_key(self._declaration, arguments)
            if condition is None:
                raise StepAside("error")
            rendered = self.texts.put(key, self._render(run, condition))
        return rendered

    def _render(self, run: Run, condition: Any) -> Rendered:
        table = self._declaration.child.table
        chosen: Select[Any] = select(*self._shape.layout.selected, *run.proof())
        return render(chosen.where(condition, *run.conditions(table)), run.dialect, run.changing)


class AnyByIdStep(Step):
    """The objects that global ids name, of whatever type: one statement for each type."""

    def __init__(self, key: str, arguments: Arguments, kinds: Mapping[str, RowShape], *, listed: bool) -> None:
        """`kinds` has the shape of each type by the prefix of its ids."""
        super().__init__(key)
        self._arguments = arguments
        self._kinds = kinds
        self._listed = listed

    @property
    def shapes(self) -> list[RowShape]:
        """One for each type."""
        return list(self._kinds.values())

    def describe(self) -> str:
        """One line."""
        return f"{self.key}: rows of any of {len(self._kinds)} types by their ids"

    def requests(self, run: Run, rows: Sequence[Row]) -> list[Request]:
        """One statement for each type that is named."""
        return [self._request(run, prefix, keys) for prefix, keys in _by_prefix(self._named(run)).items()]

    def deliver(self, run: Run, answers: list[Sequence[Row]], rows: Sequence[Row], objects: Objects) -> list[Level]:
        """The objects in the order asked for, null for those that are not there."""
        named = self._named(run)
        found: dict[tuple[str, str], Any] = {}
        levels = []
        for prefix, fetched in zip(_by_prefix(named), answers, strict=True):
            run.check(fetched)
            shape = self._kinds[prefix]
            made = shape.build(fetched, run.context)
            at = shape.layout.place(_key_name(shape))
            found.update(((prefix, row[at]), each) for row, each in zip(fetched, made, strict=True))
            levels.append(Level(shape.steps, fetched, made))
        listed = [found.get(each) for each in named]
        objects[0][self.key] = listed if self._listed else listed[0]
        return levels

    def _named(self, run: Run) -> list[tuple[str, str]]:
        """The prefixes and raw keys that are asked for."""
        values = self._arguments.values(run.variables)
        given = values["ids"] if self._listed else [values["id"]]
        named = [split_raw_id(each) for each in given]
        if len(named) > MAX_NODES or any(each is None or each[0] not in self._kinds for each in named):
            raise StepAside("error")
        return [each for each in named if each is not None]

    def _request(self, run: Run, prefix: str, keys: list[str]) -> Request:
        shape = self._kinds[prefix]
        rendered = self.texts.get((run.shape, prefix))
        if rendered is None:
            table = shape.layout.table
            child = next(iter(table.primary_key))
            columns = [*shape.layout.selected, *run.proof()]
            statement = select_by_key(child, keys_parameter(child), run.conditions(table), columns)
            rendered = self.texts.put((run.shape, prefix), render(statement, run.dialect, run.changing))
        return run.request(rendered, {"keys": raw_keys(keys, run.dialect)})


def _key_name(shape: RowShape) -> str:
    return str(next(iter(shape.layout.table.primary_key)).key)


def _by_prefix(named: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for prefix, key in dict.fromkeys(named):
        grouped[prefix].append(key)
    return grouped
