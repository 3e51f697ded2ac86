"""Making an operation smaller while it still shows what it was found for: what a person reads should be short."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Final

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    SelectionSetNode,
    VariableDefinitionNode,
    Visitor,
    VisitorAction,
    parse,
    print_ast,
    validate,
    visit,
)

from tests.differential.operations import Operation

ATTEMPTS: Final = 400
_REMOVABLE: Final = (FieldNode, FragmentSpreadNode, InlineFragmentNode, ArgumentNode, DirectiveNode)

Shows = Callable[[Operation], Awaitable[bool]]


async def reduced(schema: GraphQLSchema, operation: Operation, shows: Shows) -> Operation:
    """The smallest operation found by leaving out parts, one at a time, for which `shows` still holds."""
    smallest, attempts, progress = operation, 0, True
    while progress:
        progress = False
        for tried in _smaller(schema, smallest):
            attempts += 1
            if attempts > ATTEMPTS:
                return smallest
            if await shows(tried):
                smallest, progress = tried, True
                break
    return smallest


def _smaller(schema: GraphQLSchema, operation: Operation) -> Iterator[Operation]:
    """Valid operations that lack one part of it, the largest parts first."""
    document = parse(operation.text)
    parts = _Parts()
    visit(document, parts)
    for part in sorted(parts.found, key=lambda each: -len(print_ast(each))):
        left: DocumentNode = visit(document, _Without(part))
        if _has_empty_selection(left):
            continue
        text = print_ast(_tidy(left))
        variables = {name: value for name, value in operation.variables.items() if f"${name}" in text}
        if not validate(schema, parse(text)):
            yield replace(operation, text=re.sub(r"\s+", " ", text), variables=variables)


def _has_empty_selection(document: DocumentNode) -> bool:
    """Whether a selection has nothing left in it, which graphql-core would let pass."""
    selections = _Selections()
    visit(document, selections)
    return not all(selections.sizes)


class _Selections(Visitor):
    """Collects how much each selection holds."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        """Note its size."""
        self.sizes.append(len(node.selections))


class _Parts(Visitor):
    """Collects what may be left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Node] = []

    def enter(self, node: Node, *_: object) -> None:
        """Note one part."""
        if isinstance(node, _REMOVABLE):
            self.found.append(node)


class _Without(Visitor):
    """Leaves one node out."""

    def __init__(self, part: Node) -> None:
        super().__init__()
        self._part = part

    def enter(self, node: Node, *_: object) -> VisitorAction | None:
        """Leave it out."""
        return REMOVE if node is self._part else None


class _Unused(Visitor):
    """Leaves out fragments and variables that nothing uses any more."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> VisitorAction | None:
        """A fragment that nobody spreads."""
        return None if re.search(rf"\.\.\.{node.name.value}\b", self._text) else REMOVE

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> VisitorAction | None:
        """A variable that stands nowhere but in its definition."""
        return None if len(re.findall(rf"\${node.variable.name.value}\b", self._text)) > 1 else REMOVE


def _tidy(document: DocumentNode) -> DocumentNode:
    """The document without what nothing uses; fragments of fragments take several rounds."""
    while True:
        text = print_ast(document)
        tidied: DocumentNode = visit(document, _Unused(text))
        if print_ast(tidied) == text:
            return tidied
        document = tidied
