"""What is selected of a connection: edges, nodes, the page's place and totals, in any number and under any names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphql import GraphQLObjectType

from engine.errors import StepAside
from engine.plans.arguments import Arguments
from engine.plans.code import Names, literal
from engine.plans.connections import Selection
from engine.plans.rows import Layout, RowShape
from engine.selection import TYPENAME, Selected, Selections

Fill = Callable[[RowShape, Selected], None]
"""Adds what a field selects of its rows to a shape."""

_PAGE_INFO: Final = {
    "hasNextPage": "n",
    "hasPreviousPage": "p",
    "startCursor": "(k[a] if b > a else None)",
    "endCursor": "(k[b - 1] if b > a else None)",
}
"""The code of each field of the page's place: over its rows from `a` to `b`, their cursors `k`, and what is around."""
_CURSORS: Final = frozenset({"startCursor", "endCursor"})


class ConnectionSelection:
    """Collects what is selected of one connection, and writes the function that makes it."""

    def __init__(self, selections: Selections, layout: Layout, fill: Fill) -> None:
        """Nothing is selected yet."""
        self._selections = selections
        self._layout = layout
        self._fill = fill
        self._nodes: list[RowShape] = []
        self._totals: list[Arguments] = []
        self._fetched = False
        self._cursors = False

    def select(self, kind: GraphQLObjectType, field: Selected) -> Selection:
        """Everything that `field`, which leads to a connection type, selects of it."""
        outputs = [(each.key, self._code(kind, each)) for each in self._selections.fields(kind, field.sets).values()]
        make = Names().define(f"[{literal(outputs)} for q, a, b, p, n in spans]", "spans, m, k, t")
        return Selection(self._layout, self._nodes, self._fetched, self._cursors, self._totals, make)

    def _code(self, kind: GraphQLObjectType, field: Selected) -> str:
        """The code of one field of the connection."""
        if field.name == TYPENAME:
            return repr(kind.name)
        if field.name == "totalCount":
            self._totals.append(Arguments(field.definition, field.node))
            return f"t[{len(self._totals) - 1}][q]"
        self._fetched = True
        match field.name:
            case "nodes":
                return f"m[{self._node(field)}][a:b]"
            case "edges":
                return f"[{self._edge(field)} for i in range(a, b)]"
            case "pageInfo":
                return self._place(field)
            case _:
                raise StepAside("field of a connection")

    def _node(self, field: Selected) -> int:
        """The number of the shape of the rows that `field` selects."""
        shape = RowShape(self._layout)
        self._fill(shape, field)
        self._nodes.append(shape)
        return len(self._nodes) - 1

    def _edge(self, field: Selected) -> str:
        """The code of the edge of the row `i`."""
        kind = _object(field)
        outputs = []
        for each in self._selections.fields(kind, field.sets).values():
            match each.name:
                case "__typename":
                    code = repr(kind.name)
                case "cursor":
                    self._cursors = True
                    code = "k[i]"
                case "node":
                    code = f"m[{self._node(each)}][i]"
                case _:
                    raise StepAside("field of an edge")
            outputs.append((each.key, code))
        return literal(outputs)

    def _place(self, field: Selected) -> str:
        """The code of the place of the page in its list."""
        kind = _object(field)
        outputs = []
        for each in self._selections.fields(kind, field.sets).values():
            if each.name == TYPENAME:
                outputs.append((each.key, repr(kind.name)))
                continue
            self._cursors = self._cursors or each.name in _CURSORS
            outputs.append((each.key, _PAGE_INFO[each.name]))
        return literal(outputs)


def _object(field: Selected) -> GraphQLObjectType:
    kind = field.kind
    if not isinstance(kind, GraphQLObjectType):
        raise StepAside("abstract type")
    return kind
