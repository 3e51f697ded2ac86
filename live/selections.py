"""What the live path has to know of a subscription's document, found once for each document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)

from engine.documents import PreparedOperation

PERSONAL: Final = ("User", "UserConnection", "UserEdge", "Membership", "MembershipConnection", "MembershipEdge")
"""Types of which everybody sees what is their own, wherever it is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """`choosing` are the variables that say which events are wanted and nothing else: no answer depends on them."""

    choosing: frozenset[str]
    tells_merging: bool
    is_personal: bool


def selection_of(schema: GraphQLSchema, prepared: PreparedOperation) -> Selection:
    """The selection of an operation, kept with it."""
    found = prepared.derived.get(Selection)
    if not isinstance(found, Selection):
        found = prepared.derived[Selection] = _look(schema, prepared)
    return found


def _look(schema: GraphQLSchema, prepared: PreparedOperation) -> Selection:
    types = TypeInfo(schema)
    seen = _Seen(types)
    visit(prepared.document, TypeInfoVisitor(types, seen))
    return Selection(
        _choosing(prepared.node, seen.variables), "coalesced" in seen.fields, not seen.types.isdisjoint(PERSONAL)
    )


def _choosing(operation: OperationDefinitionNode, everywhere: Counter[str]) -> frozenset[str]:
    """Variables that stand in the arguments of the root field alone, besides where they are declared."""
    arguments = _Variables()
    for root in operation.selection_set.selections:
        if isinstance(root, FieldNode):
            for argument in root.arguments or ():
                visit(argument, arguments)
    return frozenset(name for name, count in arguments.found.items() if count + 1 == everywhere[name])


class _Variables(Visitor):
    """Counts variables."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Count one."""
        self.found[node.name.value] += 1


class _Seen(Visitor):
    """Names of fields, types and variables in a document; fragments that no operation of it uses count, too."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.fields: set[str] = set()
        self.types: set[str] = set()
        self.variables: Counter[str] = Counter()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Note a field and its type."""
        self.fields.add(node.name.value)
        kind = self._types.get_type()
        if kind is not None:
            self.types.add(get_named_type(kind).name)

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Note a variable."""
        self.variables[node.name.value] += 1
