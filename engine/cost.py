"""What an operation may cost, computed from its text and its variables before anything runs.

The formula, for one parent and then multiplied down the tree, as if nothing were read in batches:

- a *request* for each edge that is read: an object by its id, a row to one, a page, a short list. It costs 1.
- a *node* for each object that may be answered. A page counts in full (`first`, `last`, or 25), a list that is short by
  rule as `SHORT_LIST`, and a list in the payload of a mutation as many as the input lists. A node costs 1 for every
  `VALUES` values that are selected of it, the last of them begun.
- a *connection* for each page. It is told; what it costs are its request and its nodes.
- `totalCount` costs `COUNT`, of a root list `ROOT_COUNT`.
- a mutation costs `MUTATION`, and 1 for each item that its input lists. A field that asks for the schema costs
  `INTROSPECTION`. A field that declares a `Weight` costs that: aggregates, and mutations that hash a password.
  Beside its fields an operation costs `OPERATION`.

Of the types that an interface or a union may turn out to be, the dearest counts. A subscription costs what one event of
it costs. Neither the executor nor the data has a say: the same operation always costs the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_nullable_type,
    is_list_type,
    value_from_ast_untyped,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from engine.declarations import DECLARATION, AnyById, ById, Declaration, Part, ToAll, ToListed, ToMany, ToOne
from engine.resolve import MAX_NODES
from engine.selection import TYPENAME, Selected, Selections, conditions
from engine.sizes import Size, Variables, input_size, list_size, page_size

OPERATION: Final = 1
MUTATION: Final = 10
INTROSPECTION: Final = 100
COUNT: Final = 10
ROOT_COUNT: Final = 250
SHORT_LIST: Final = 10
VALUES: Final = 10

WEIGHT: Final = "weight"
"""Where a field's metadata has its `Weight`."""
_VARIANTS: Final = 64
"""Sums kept for one operation, each for other values of its conditions."""
_INTROSPECTION: Final = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Weight:
    """What a field with a resolver of its own costs for each parent, beside the objects that it answers."""

    units: int


RESOLVER: Final = Weight(1)
"""The weight of a resolver that declares none; a value without a resolver weighs nothing."""


class Cost(NamedTuple):
    """What an operation may cost: `total` is in units, the others are counts."""

    total: int
    nodes: int
    requests: int
    connections: int


class OperationCost:
    """The cost of one operation: compiled when it is first asked for, computed from the variables after that."""

    __slots__ = ("_conditions", "_constant", "_defaults", "_document", "_node", "_schema", "_sums")

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) -> None:
        """`node` is an operation of `document`, which is valid."""
        self._schema = schema
        self._document = document
        self._node = node
        self._constant: Cost | None = None
        self._conditions: tuple[str, ...] | None = None
        self._defaults: dict[str, Any] = {}
        self._sums: dict[tuple[bool, ...], Sum | Cost] = {}

    def of(self, variables: Variables) -> Cost:
        """The cost with these variables, as the caller sent them: they need not fit their types."""
        if self._constant is not None:
            return self._constant
        if self._conditions is None:
            self._conditions = conditions(self._document)
            self._defaults = _defaults(self._node)
        given = {**self._defaults, **variables} if self._defaults else variables
        flags = tuple(given.get(name) is True for name in self._conditions)
        found = self._sums.get(flags)
        if found is None:
            found = self._compile(dict(zip(self._conditions, flags, strict=True)))
            if len(self._sums) >= _VARIANTS:
                self._sums.clear()
            self._sums[flags] = found
        if isinstance(found, Sum):
            return found.cost(given)
        if not self._conditions:
            self._constant = found
        return found

    def _compile(self, flags: Mapping[str, bool]) -> Sum | Cost:
        whole = _Compiler(self._schema, self._document, self._node, flags).whole()
        return whole.cost({}) if whole.is_fixed else whole


def _defaults(node: OperationDefinitionNode) -> dict[str, Any]:
    return {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in node.variable_definitions or ()
        if each.default_value is not None
    }


@dataclass(slots=True)
class Sum:
    """A sum of costs: a fixed part, sums that are multiplied by a size, and choices of which the dearest counts."""

    total: int = 0
    nodes: int = 0
    requests: int = 0
    connections: int = 0
    terms: list[tuple[Size, Sum]] = field(default_factory=list)
    choices: list[list[Sum]] = field(default_factory=list)

    @property
    def is_fixed(self) -> bool:
        """Whether no variable has a say."""
        return not self.terms and not self.choices

    def add(self, other: Sum, size: Size = 1) -> None:
        """Add `other`, `size` times."""
        if not isinstance(size, int):
            self.terms.append((size, other))
            return
        self.total += size * other.total
        self.nodes += size * other.nodes
        self.requests += size * other.requests
        self.connections += size * other.connections
        if size == 1:
            self.terms += other.terms
            self.choices += other.choices
        elif not other.is_fixed:
            self.terms.append((size, Sum(terms=other.terms, choices=other.choices)))

    def add_dearest(self, others: list[Sum]) -> None:
        """Add the one of `others` that turns out to cost the most."""
        if all(each.is_fixed for each in others):
            self.add(max(others, key=lambda each: each.total))
        else:
            self.choices.append(others)

    def cost(self, variables: Variables) -> Cost:
        """The sum with these variables."""
        total, nodes, requests, connections = self.total, self.nodes, self.requests, self.connections
        for size, inner in self.terms:
            times = size if isinstance(size, int) else size(variables)
            part = inner if inner.is_fixed else inner.cost(variables)
            total += times * part.total
            nodes += times * part.nodes
            requests += times * part.requests
            connections += times * part.connections
        for choice in self.choices:
            dearest = max(each.cost(variables) for each in choice)
            total += dearest.total
            nodes += dearest.nodes
            requests += dearest.requests
            connections += dearest.connections
        return Cost(total, nodes, requests, connections)


class _Compiler:
    """Sums up one operation, with the conditions in it decided."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        node: OperationDefinitionNode,
        flags: Mapping[str, bool],
    ) -> None:
        self._schema = schema
        self._is_mutation = node.operation is OperationType.MUTATION
        self._selections = Selections(schema, document, node, flags, complete=True)

    def whole(self) -> Sum:
        """The sum of the operation."""
        found = Sum(total=OPERATION)
        for selected in self._selections.root().values():
            found.add(self._mutation(selected) if self._is_mutation else self._field(selected, at_root=True))
        return found

    def _mutation(self, selected: Selected) -> Sum:
        """A root field of a mutation. The payload is no node; its lists are as long as those of the input."""
        found = Sum(total=_weight(selected, Weight(MUTATION)).units)
        items = input_size(selected.node, selected.definition)
        found.add(Sum(total=1), items)
        for kind in self._kinds(selected):
            found.add(self._object(kind, selected.sets, items)[0])
        return found

    def _field(self, selected: Selected, listed: Size = SHORT_LIST, *, at_root: bool = False) -> Sum:
        """What a field costs for one parent; `listed` is the length of a list without pages."""
        if selected.name in _INTROSPECTION:
            return Sum(total=INTROSPECTION)
        found = Sum(total=_weight(selected).units)
        found.add(self._declared(selected, listed, at_root=at_root))
        return found

    def _declared(self, selected: Selected, listed: Size, *, at_root: bool) -> Sum:
        match _declaration(selected):
            case ToMany():
                return self._connection(selected, ROOT_COUNT if at_root else COUNT)
            case ToOne() | ById():
                return self._edge(selected)
            case AnyById(listed=False):
                return self._edge(selected)
            case AnyById():
                size = list_size(selected.node, "ids", MAX_NODES)
                return self._edge(selected, requests=size, nodes=size)
            case ToListed():
                return self._edge(selected, requests=listed, nodes=listed)
            case ToAll():
                return self._edge(selected, nodes=SHORT_LIST)
        found = Sum()
        if selected.kind is not None:
            found.add(self._node(selected), listed if _is_list(selected) else 1)
        return found

    def _edge(self, selected: Selected, *, requests: Size = 1, nodes: Size = 1) -> Sum:
        """An edge that is read with `requests`, and leads to as many as `nodes`."""
        found = Sum()
        found.add(Sum(total=1, requests=1), requests)
        found.add(self._node(selected), nodes)
        return found

    def _connection(self, selected: Selected, count: int) -> Sum:
        """A page of a list, when anything of it is selected, and the count of the list, when that is."""
        found = Sum()
        item = Sum()
        is_read = False
        for kind in self._kinds(selected):
            for part in self._selections.fields(kind, selected.sets).values():
                if part.name == "totalCount":
                    found.total += count
                elif part.name != TYPENAME:
                    is_read = True
                    item.add(self._items(part))
        if is_read:
            found.add(Sum(total=1, requests=1, connections=1))
            # The rows are read for their cursors, too.
            found.add(item if item.nodes or not item.is_fixed else Sum(total=1, nodes=1), page_size(selected.node))
        return found

    def _items(self, part: Selected) -> Sum:
        """What each item of a page costs for one part of the connection: `nodes`, `edges` or `pageInfo`."""
        if part.name == "nodes":
            return self._node(part)
        found = Sum()
        if part.name == "edges":
            for kind in self._kinds(part):
                for of_edge in self._selections.fields(kind, part.sets).values():
                    if of_edge.name == "node":
                        found.add(self._node(of_edge))
        return found

    def _node(self, selected: Selected) -> Sum:
        """One object that a field leads to, with all that is below it; of several types the dearest."""
        if selected.kind is None:
            return Sum(total=1, nodes=1)
        found = Sum()
        found.add_dearest([self._row(kind, selected.sets) for kind in self._kinds(selected)])
        return found

    def _row(self, kind: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> Sum:
        found, values = self._object(kind, sets)
        found.add(Sum(total=max(1, -(-values // VALUES)), nodes=1))
        return found

    def _object(
        self, kind: GraphQLObjectType, sets: Iterable[SelectionSetNode], listed: Size = SHORT_LIST
    ) -> tuple[Sum, int]:
        """What is below an object, and how many values are selected of it, those of its parts included."""
        found, values = Sum(), 0
        for selected in self._selections.fields(kind, sets).values():
            if selected.kind is not None and isinstance(_declaration(selected), Part):
                for of_part in self._kinds(selected):
                    below, more = self._object(of_part, selected.sets)
                    found.add(below)
                    values += more
            else:
                values += selected.kind is None
                found.add(self._field(selected, listed))
        return found, values

    def _kinds(self, selected: Selected) -> Iterable[GraphQLObjectType]:
        """The object types that a field may lead to."""
        kind = selected.kind
        if kind is None:
            return ()
        return (kind,) if isinstance(kind, GraphQLObjectType) else self._schema.get_possible_types(kind)


def _metadata(selected: Selected) -> Mapping[Any, Any]:
    declared = selected.definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return getattr(declared, "metadata", None) or {}


def _declaration(selected: Selected) -> Declaration | None:
    found: Declaration | None = _metadata(selected).get(DECLARATION)
    return found


def _weight(selected: Selected, otherwise: Weight = RESOLVER) -> Weight:
    """The declared weight; without one, `otherwise` for a resolver, and nothing for a value that needs none."""
    found: Weight | None = _metadata(selected).get(WEIGHT)
    if found is not None:
        return found
    declared = selected.definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    has_resolver = isinstance(declared, StrawberryField) and declared.base_resolver is not None
    return otherwise if has_resolver else Weight(0)


def _is_list(selected: Selected) -> bool:
    return is_list_type(get_nullable_type(selected.definition.type))
