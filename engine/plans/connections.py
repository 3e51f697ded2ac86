"""Steps along connections: a page for every parent in one statement, and totals where they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Any

from sqlalchemy import Column, bindparam

from engine.declarations import ToMany
from engine.errors import StepAside
from engine.filters import compile_filter
from engine.loaders import MAX_LEVEL_ROWS
from engine.pages import PageRequest, request_page
from engine.plans.arguments import Arguments
from engine.plans.convert import Converter
from engine.plans.rendering import START, Recent, keys_parameter, raw_keys, render
from engine.plans.rows import Layout, Level, Objects, Row, RowShape, Step
from engine.plans.run import Request, Run
from engine.resolve import order_of
from engine.statements import count_children, count_rows, select_page, select_pages

CALLS = 256
"""Different arguments that one step remembers the meaning of."""
PAGE = ("first", "after", "last", "before")


Span = tuple[Any, int, int, bool, bool]
"""The page of one parent: its key, the start and end of its rows among those of all, and if more is before, behind."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the arguments of a connection mean.

    `variant` is what its texts are told apart by, `start` the values behind the cursor, `wanted` the filter, `view` the
    word of the view. `columns` are what is selected of a row: those of the layout, and for cursors those of the order,
    whose places are `ordered`.
    """

    page: PageRequest
    variant: tuple[Any, ...]
    start: Mapping[str, Any]
    wanted: Any
    view: Enum | None
    columns: tuple[Column[Any], ...]
    ordered: tuple[int, ...]


@dataclass(slots=True)
class Selection:
    """What is selected of a connection.

    `nodes` are the shapes of its rows, one for each place where rows are selected. `make` turns the spans of all
    parents, the objects of each shape, the cursors of the rows and the totals into the connections, by parent.
    """

    layout: Layout
    nodes: list[RowShape]
    fetched: bool
    cursors: bool
    totals: list[Arguments]
    make: Callable[..., list[Any]]


class ToManyStep(Step):
    """A connection of each parent, or one to all rows."""

    def __init__(
        self,
        key: str,
        place: int | None,
        declaration: ToMany,
        arguments: Arguments,
        converter: Converter,
        selection: Selection,
    ) -> None:
        """`place` is that of the parent's key in its row; None for a list of all rows."""
        super().__init__(key)
        self._place = place
        self._declaration = declaration
        self._arguments = arguments
        self._converter = converter
        self._selection = selection
        self._calls: Recent[Call] = Recent(CALLS)

    @property
    def shapes(self) -> list[RowShape]:
        """The shapes of its rows."""
        return self._selection.nodes

    def describe(self) -> str:
        """One line."""
        table = self._declaration.link.table.name
        return f"{self.key}: a page of {table}" + ("" if self._place is None else " for each")

    def requests(self, run: Run, rows: Sequence[Row]) -> list[Request]:
        """A statement for the pages, and one for each total."""
        call = self._call(run)
        keys = None if self._place is None else _distinct(rows, self._place)
        requests = []
        if self._selection.fetched:
            if keys is not None and len(keys) * call.page.size > MAX_LEVEL_ROWS:
                raise StepAside("error")
            requests.append(self._pages(run, call, keys))
        if self._selection.totals:
            requests += self._counts(run, call, keys)
        return requests

    def deliver(self, run: Run, answers: list[Sequence[Row]], rows: Sequence[Row], objects: Objects) -> list[Level]:
        """Each parent gets its connection."""
        call, selection = self._call(run), self._selection
        place = self._place
        keys = [None] if place is None else _distinct(rows, place)
        fetched = answers[0] if selection.fetched else ()
        if place is None:
            for answer in answers:
                run.check(answer)
        spans, kept = _cut(call.page, fetched, keys, None if place is None else len(call.columns))
        made = [shape.build(kept, run.context) for shape in selection.nodes]
        cursors = self._cursors(call, kept) if selection.cursors else ()
        totals = self._totals(run, answers[1:] if selection.fetched else answers, keys)
        connections = selection.make(spans, made, cursors, totals)
        if place is None:
            for parent in objects:
                parent[self.key] = connections[0]
        elif len(keys) == len(rows):
            for parent, connection in zip(objects, connections, strict=True):
                parent[self.key] = connection
        else:
            by_parent = dict(zip(keys, connections, strict=True))
            for row, parent in zip(rows, objects, strict=True):
                parent[self.key] = by_parent[row[place]]
        return [Level(shape.steps, kept, each) for shape, each in zip(selection.nodes, made, strict=True)]

    def _call(self, run: Run) -> Call:
        """The meaning of the arguments of this run. Errors of the caller are told by the reference executor."""
        values = self._arguments.values(run.variables)
        views = self._declaration.views
        key: Any = tuple(map(values.get, PAGE if views is None else (*PAGE, views.argument)))
        if values.get("filter") is not None or values.get("orderBy") is not None:
            key = (*key, self._converter.key([values.get("filter"), values.get("orderBy")]))
        return self._calls.get(key) or self._calls.put(key, self._understand(values))

    def _understand(self, values: Mapping[str, Any]) -> Call:
        arguments = self._converter.convert(values)
        order = order_of(self._declaration, arguments.get("order_by"))
        page = request_page(order, *map(arguments.get, PAGE))
        wanted = arguments.get("filter")
        if wanted is not None:
            # A filter that cannot be is an error even when nothing of the list is selected.
            compile_filter(wanted)
        views = self._declaration.views
        view = None if views is None else views.word(arguments)
        start = {f"{START}{index}": value for index, value in enumerate(page.start or ())}
        variant = (
            page.size,
            page.backward,
            order.signature,
            None if page.start is None else tuple(value is None for value in page.start),
            None if wanted is None else self._converter.key(values["filter"]),
            view,
        )
        return Call(page, variant, start, wanted, view, *self._columns(page))

    def _columns(self, page: PageRequest) -> tuple[tuple[Column[Any], ...], tuple[int, ...]]:
        """What is selected of each row, and where the columns of the order are in it."""
        columns = {column.key: column for column in self._selection.layout.selected}
        if not self._selection.cursors:
            return tuple(columns.values()), ()
        columns |= {term.column.key: term.column for term in page.order.terms}
        places = {key: place for place, key in enumerate(columns)}
        return tuple(columns.values()), tuple(places[term.column.key] for term in page.order.terms)

    def _conditions(self, run: Run, call: Call) -> list[Any]:
        wanted = [] if call.wanted is None else compile_filter(call.wanted)
        views = self._declaration.views
        shown = [] if views is None or call.view is None else views.condition(call.view)
        return [*wanted, *shown, *run.conditions(self._declaration.link.table)]

    def _pages(self, run: Run, call: Call, keys: list[Any] | None) -> Request:
        key = ("page", run.shape, call.variant)
        rendered = self.texts.get(key)
        if rendered is None:
            link, columns = self._declaration.link, call.columns
            page, conditions = _with_named_start(call.page), self._conditions(run, call)
            if keys is None:
                statement = select_page(page, link, conditions, [*columns, *run.proof()])
            else:
                statement = select_pages(run.dialect, page, link, keys_parameter(link.key), conditions, columns)
            rendered = self.texts.put(key, render(statement, run.dialect, run.changing))
        return run.request(rendered, _values(run, keys, call.start))

    def _counts(self, run: Run, call: Call, keys: list[Any] | None) -> list[Request]:
        """One statement for the totals of all parents; for all rows, one for each limit."""
        limits = dict.fromkeys(self._limits(run)) if keys is None else {None: None}
        requests = []
        for limit in limits:
            key = ("count", run.shape, *call.variant[-2:], limit)
            rendered = self.texts.get(key)
            if rendered is None:
                link, conditions = self._declaration.link, self._conditions(run, call)
                if keys is None:
                    statement = count_rows(link, conditions, limit).add_columns(*run.proof())
                else:
                    statement = count_children(link, keys_parameter(link.key), conditions)
                rendered = self.texts.put(key, render(statement, run.dialect, run.changing))
            requests.append(run.request(rendered, _values(run, keys, {})))
        return requests

    def _limits(self, run: Run) -> list[int | None]:
        """Up to where each total is counted."""
        limits = [each.values(run.variables).get("limit") for each in self._selection.totals]
        if any(limit is not None and limit < 0 for limit in limits):
            raise StepAside("error")
        return limits

    def _totals(self, run: Run, answers: Sequence[Sequence[Row]], keys: list[Any]) -> list[dict[Any, int]]:
        """For each total that is selected, the count of each parent."""
        if not self._selection.totals:
            return []
        limits = self._limits(run)
        if self._place is None:
            counted = dict(zip(dict.fromkeys(limits), (answer[0][0] for answer in answers), strict=True))
            return [{None: counted[limit]} for limit in limits]
        found: dict[Any, int] = {row[0]: row[1] for row in (answers[0] if answers else ())}
        return [
            {key: found.get(key, 0) if limit is None else min(found.get(key, 0), limit) for key in keys}
            for limit in limits
        ]

    def _cursors(self, call: Call, rows: Sequence[Row]) -> list[str]:
        cursor_of, places = call.page.order.cursor_of, call.ordered
        return [cursor_of([row[place] for place in places]) for row in rows]


def _distinct(rows: Sequence[Row], place: int) -> list[Any]:
    """The keys of parents, each once, in the order of the rows."""
    return list(dict.fromkeys([row[place] for row in rows]))


def _values(run: Run, keys: list[Any] | None, start: Mapping[str, Any]) -> Mapping[str, Any]:
    return start if keys is None else {"keys": raw_keys(keys, run.dialect), **start}


def _with_named_start(page: PageRequest) -> PageRequest:
    """The page with parameters in place of the values behind its cursor; null has texts of its own."""
    if page.start is None:
        return page
    start = tuple(
        None if value is None else bindparam(f"{START}{index}", type_=term.column.type)
        for index, (value, term) in enumerate(zip(page.start, page.order.terms, strict=True))
    )
    return PageRequest(page.order, page.size, start, page.backward)


def _cut(
    page: PageRequest, rows: Sequence[Row], keys: Sequence[Any], at: int | None
) -> tuple[list[Span], Sequence[Row]]:
    """The rows of all pages, parent by parent in the client's order, and where each page lies.

    `at` is where a row says which of the parents it belongs to; None when there is one. Each parent has up to one row
    more than its page has, which only tells that there is more.
    """
    size, begun = page.size, page.start is not None
    found = {0: len(rows)} if at is None else Counter([row[at] for row in rows])
    counts = [found.get(place, 0) for place in range(len(keys))]
    if found and max(found.values()) > size:
        # From the end, so that the places of the others hold.
        kept = list(rows)
        for count, end in zip(reversed(counts), reversed(list(accumulate(counts))), strict=True):
            if count > size:
                del kept[end - 1]
        rows = kept
    lengths = [min(count, size) for count in counts]
    ends = accumulate(lengths)
    if not page.backward:
        return [
            (key, end - length, end, begun, count > size)
            for key, length, end, count in zip(keys, lengths, ends, counts, strict=True)
        ], rows
    spans = [
        (key, end - length, end, count > size, begun)
        for key, length, end, count in zip(keys, lengths, ends, counts, strict=True)
    ]
    return spans, [row for _, start, end, _, _ in spans for row in reversed(rows[start:end])]
