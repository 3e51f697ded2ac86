"""How big a document and its values may be, checked before anything expensive is done with them.

The order is: bytes, tokens (while parsing), shape (here, over the parsed document), validation. Everything here walks
with a stack of its own, so that no nesting can exhaust the interpreter's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, TypeAlias

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
)

from engine.errors import BadUserInput, LimitExceeded

SMALLEST_INTEGER: Final = -(2**63)
BIGGEST_INTEGER: Final = 2**63 - 1
"""Whole numbers beyond 64 bits cannot be stored and cannot be written into an answer."""

_INTEGER_CHARACTERS: Final = 20
_FAR_MORE: Final = 1_000_000_000

Selections: TypeAlias = tuple[SelectionNode, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one operation may ask for. Counts are taken with fragments expanded, where not said otherwise."""

    document_bytes: int = 100_000
    """Length of the document in UTF-8."""
    tokens: int = 4_000
    """Lexical tokens, comments counted apart with the same limit."""
    fragments: int = 100
    """Fragment definitions."""
    depth: int = 30
    """Fields inside fields. A connection takes three levels (field, edges, node); GraphiQL's introspection query 15."""
    fields: int = 3_000
    """Fields of one operation."""
    root_fields: int = 30
    """Top-level fields of one operation."""
    aliases: int = 50
    """Aliased fields of one operation."""
    repeats: int = 50
    """Times that one response name may be written in one selection set: merging them costs their number squared."""
    directives: int = 100
    """Directives, as written."""
    directives_in_place: int = 5
    """Directives at one place: there are two that a place can have, each once."""
    value_depth: int = 100
    """Lists and objects inside each other, in variables and in literals."""
    values: int = 100_000
    """Numbers, strings, lists and objects in the variables of a request."""
    errors: int = 20
    """Errors told at once about one document or its variables."""
    seconds: float = 30.0
    """Time for a query or a mutation, and for one event of a subscription."""
    cached_documents: int = 1_000
    """Prepared documents kept."""
    cached_bytes: int = 5_000_000
    """Sum of the lengths of the documents kept."""
    cached_tokens: int = 100_000
    """Sum of their tokens; a token of a parsed document takes about 500 bytes of memory (measured)."""


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Check the shape of a parsed document, which need not be valid yet.

    Raises LimitExceeded, naming the limit, or BadUserInput for a literal that cannot be represented.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    _at_most(len(fragments), limits.fragments, "fragments")
    directives = 0
    shapes: dict[str, _Shape] = {}
    operations: list[_Shape] = []
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            continue  # validation refuses type definitions
        shape = _shape_of(node, limits)
        directives += shape.directives
        if isinstance(node, FragmentDefinitionNode):
            shapes[node.name.value] = shape
        else:
            operations.append(shape)
    _at_most(directives, limits.directives, "directives")
    expanded = _expand(shapes)
    for shape in operations:
        total = _total(shape, expanded)
        _at_most(total.depth, limits.depth, "levels of fields")
        _at_most(total.fields, limits.fields, "fields")
        _at_most(total.roots, limits.root_fields, "top-level fields")
        _at_most(total.aliases, limits.aliases, "aliases")


def check_variables(variables: dict[str, object], limits: Limits) -> None:
    """Check values as they came from JSON, before they are coerced.

    Raises LimitExceeded for too many or too deeply nested values, BadUserInput for values that cannot be kept: whole
    numbers beyond 64 bits, numbers that are not finite, and the character U+0000, which PostgreSQL's text cannot hold.
    """
    count = 0
    stack: list[tuple[int, Iterator[object]]] = [(0, iter(variables.values()))]
    for name in variables:
        _check_text(name)
    while stack:
        depth, values = stack[-1]
        value = next(values, _END)
        if value is _END:
            stack.pop()
            continue
        count += 1
        if isinstance(value, dict | list):
            if depth + 1 > limits.value_depth:
                raise LimitExceeded(f"Variables may be nested {limits.value_depth} deep.")
            stack.append((depth + 1, iter(_members(value))))
        else:
            _check_leaf(value)
        if count > limits.values:
            raise LimitExceeded(f"Variables may hold {limits.values} values.")


_END: Final = object()


def _members(value: dict[str, object] | list[object]) -> Iterable[object]:
    """Return what a list or an object holds, after a look at the names."""
    if isinstance(value, list):
        return value
    for name in value:
        _check_text(name)
    return value.values()


def _check_leaf(value: object) -> None:
    """Refuse a number or a string that cannot be kept."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float):
        if not isfinite(value):
            raise BadUserInput("Numbers must be finite.")
    elif isinstance(value, int) and not SMALLEST_INTEGER <= value <= BIGGEST_INTEGER:
        raise BadUserInput("Whole numbers must fit into 64 bits.")


def _check_text(text: str) -> None:
    """Refuse the NUL character, and halves of surrogate pairs (no JSON carries them; a caller inside Python can)."""
    if "\0" in text:
        raise BadUserInput("Text must not contain the character U+0000.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise BadUserInput("Text must not contain half of a surrogate pair.")


@dataclass(slots=True)
class _Shape:
    """What one definition holds by itself, and the fragments that it spreads: (name, level of the spread)."""

    depth: int = 0
    fields: int = 0
    roots: int = 0
    aliases: int = 0
    directives: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)


def _shape_of(node: OperationDefinitionNode | FragmentDefinitionNode, limits: Limits) -> _Shape:
    """Measure one definition without the fragments that it spreads."""
    shape = _Shape()
    _check_directives(node.directives or (), shape, limits)
    for definition in node.variable_definitions or ():
        _check_directives(definition.directives or (), shape, limits)
        if definition.default_value is not None:
            _check_literal(definition.default_value, limits)
    # Selection sets to go through, each with the level of its fields.
    stack: list[tuple[Selections, int]] = [(_selections(node.selection_set), 1)]
    while stack:
        selections, level = stack.pop()
        for selection in _flattened(selections, shape, limits):
            if isinstance(selection, FragmentSpreadNode):
                shape.spreads.append((selection.name.value, level))
                continue
            shape.fields += 1
            shape.roots += level == 1
            shape.aliases += selection.alias is not None
            shape.depth = max(shape.depth, level)
            for argument in selection.arguments or ():
                _check_literal(argument.value, limits)
            if selection.selection_set is not None:
                stack.append((_selections(selection.selection_set), level + 1))
    return shape


def _flattened(selections: Selections, shape: _Shape, limits: Limits) -> list[FieldNode | FragmentSpreadNode]:
    """Return the fields and spreads of one selection set, with inline fragments opened, and check their repetitions."""
    found: list[FieldNode | FragmentSpreadNode] = []
    names: Counter[str] = Counter()
    stack = list(reversed(selections))
    while stack:
        selection = stack.pop()
        _check_directives(selection.directives or (), shape, limits)
        if isinstance(selection, InlineFragmentNode):
            stack.extend(reversed(_selections(selection.selection_set)))
        elif isinstance(selection, FieldNode | FragmentSpreadNode):
            found.append(selection)
            alias = selection.alias if isinstance(selection, FieldNode) else None
            names[(alias or selection.name).value] += 1
    if names:
        _at_most(max(names.values()), limits.repeats, "repetitions of one field in a selection")
    return found


def _selections(selection_set: SelectionSetNode | None) -> Selections:
    """Return the selections of a set that may be missing."""
    return tuple(selection_set.selections) if selection_set is not None else ()


def _expand(shapes: dict[str, _Shape]) -> dict[str, _Shape]:
    """Return each fragment's shape with all that it spreads; a cycle adds nothing here (validation refuses it)."""
    expanded: dict[str, _Shape] = {}
    for root in shapes:
        path = [root]
        on_path = {root}
        while path:
            name = path[-1]
            ahead = next(
                (
                    spread
                    for spread, _ in shapes[name].spreads
                    if spread in shapes and spread not in expanded and spread not in on_path
                ),
                None,
            )
            if ahead is not None:
                path.append(ahead)
                on_path.add(ahead)
                continue
            path.pop()
            on_path.discard(name)
            expanded.setdefault(name, _total(shapes[name], expanded))
    return expanded


def _total(shape: _Shape, expanded: dict[str, _Shape]) -> _Shape:
    """Add to a shape what its spreads bring, as far as it is known."""
    total = _Shape(shape.depth, shape.fields, shape.roots, shape.aliases)
    for name, level in shape.spreads:
        part = expanded.get(name)
        if part is None:
            continue
        total.depth = max(total.depth, level - 1 + part.depth)
        total.fields = min(total.fields + part.fields, _FAR_MORE)
        total.aliases = min(total.aliases + part.aliases, _FAR_MORE)
        if level == 1:
            total.roots = min(total.roots + part.roots, _FAR_MORE)
    return total


def _check_directives(directives: Sequence[DirectiveNode], shape: _Shape, limits: Limits) -> None:
    """Count the directives of one place, and check the literals in their arguments."""
    shape.directives += len(directives)
    _at_most(len(directives), limits.directives_in_place, "directives in one place")
    for directive in directives:
        for argument in directive.arguments or ():
            _check_literal(argument.value, limits)


def _check_literal(node: ValueNode, limits: Limits) -> None:
    """Check one literal of the document like a value of the variables."""
    stack = [(node, 0)]
    while stack:
        value, depth = stack.pop()
        if depth > limits.value_depth:
            raise LimitExceeded(f"Values may be nested {limits.value_depth} deep.")
        if isinstance(value, ListValueNode):
            stack.extend((item, depth + 1) for item in value.values)
        elif isinstance(value, ObjectValueNode):
            stack.extend((member.value, depth + 1) for member in value.fields)
        elif isinstance(value, StringValueNode):
            _check_text(value.value)
        elif isinstance(value, IntValueNode):
            if len(value.value) > _INTEGER_CHARACTERS:
                raise BadUserInput("Whole numbers must fit into 64 bits.")
            _check_leaf(int(value.value))
        elif isinstance(value, FloatValueNode):
            _check_leaf(float(value.value))


def _at_most(count: int, limit: int, what: str) -> None:
    """Refuse more than `limit` of something."""
    if count > limit:
        has = str(count) if count < _FAR_MORE else "far more"
        raise LimitExceeded(f"An operation may have {limit} {what}; this one has {has}.")
