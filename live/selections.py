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
    """`after` is the variable that is the cursor and nothing else; the answers do not depend on it."""

    after: str | None
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
        _cursor(prepared.node, seen.variables), "coalesced" in seen.fields, not seen.types.isdisjoint(PERSONAL)
    )


def _cursor(operation: OperationDefinitionNode, variables: Counter[str]) -> str | None:
    roots = [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]
    for argument in roots[0].arguments or () if roots else ():
        if argument.name.value == "after" and isinstance(argument.value, VariableNode):
            name = argument.value.name.value
            # Once where it is declared, and once here.
            return name if variables[name] == 2 else None  # noqa: PLR2004 - see above
    return None


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
