"""How many objects a field may answer, read from its arguments: a number, or a function of the variables.

Variables are taken as the caller sent them, before they are coerced. A value that is going to be refused counts as the
largest that would not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputType,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    is_input_object_type,
    is_list_type,
    value_from_ast_untyped,
)

from engine.pages import DEFAULT_PAGE, MAX_PAGE

Variables = Mapping[str, Any]
Size = int | Callable[[Variables], int]

_INPUT_LEVELS: Final = 4
"""Input objects inside each other in which lists are looked for; inputs of mutations have two."""

Path = tuple[str, ...]


def page_size(node: FieldNode) -> Size:
    """The size of the page that a connection's `first` or `last` asks for."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    asked = [given[name] for name in ("first", "last") if name in given]
    return _size(asked, _largest_page)


def list_size(node: FieldNode, name: str, most: int) -> Size:
    """The number of items of a list argument, `most` at most."""
    asked = [argument.value for argument in node.arguments or () if argument.name.value == name]
    return _size(asked, lambda values: min(most, max(map(_items, values), default=0)))


def input_size(node: FieldNode, definition: GraphQLField) -> Size:
    """The number of items that a mutation is about: the length of the longest list in its arguments, and at least 1.

    Lists inside of items do not count, nor do those in free JSON.
    """
    paths = {name: tuple(_lists(argument.type)) for name, argument in definition.args.items()}
    asked = [(each.value, paths[each.name.value]) for each in node.arguments or () if paths[each.name.value]]

    def longest(values: list[Any]) -> int:
        found = (_items(_at(value, path)) for value, (_, inner) in zip(values, asked, strict=True) for path in inner)
        return max(1, *found, 0)

    return _size([value for value, _ in asked], longest)


def _size(nodes: list[ValueNode], measure: Callable[[list[Any]], int]) -> Size:
    """What `measure` finds in the values of `nodes`: now, or as soon as the variables in them are known."""
    if not any(map(_varies, nodes)):
        return measure([value_from_ast_untyped(node) for node in nodes])
    if all(isinstance(node, VariableNode) for node in nodes):
        names = [node.name.value for node in nodes if isinstance(node, VariableNode)]
        return lambda variables: measure([variables.get(name) for name in names])
    return lambda variables: measure([_value(node, variables) for node in nodes])


def _varies(node: ValueNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    if isinstance(node, ListValueNode):
        return any(map(_varies, node.values))
    return isinstance(node, ObjectValueNode) and any(_varies(member.value) for member in node.fields)


def _value(node: ValueNode, variables: Variables) -> Any:
    value = value_from_ast_untyped(node, dict(variables))
    return None if isinstance(node, VariableNode) and node.name.value not in variables else value


def _largest_page(values: list[Any]) -> int:
    largest = -1
    for value in values:
        if value is not None:
            largest = max(largest, value if isinstance(value, int) and 0 <= value <= MAX_PAGE else MAX_PAGE)
    return DEFAULT_PAGE if largest < 0 else largest


def _items(value: Any) -> int:
    if value is None:
        return 0
    return len(value) if isinstance(value, list) else 1  # GraphQL takes one item for a list of it


def _at(value: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _lists(kind: GraphQLInputType, levels: int = _INPUT_LEVELS) -> Iterator[Path]:
    """The paths to the lists in a value of an input type, not into the items of lists."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if is_list_type(kind):
        yield ()
    elif is_input_object_type(kind) and levels:
        for name, member in kind.fields.items():
            yield from ((name, *path) for path in _lists(member.type, levels - 1))
