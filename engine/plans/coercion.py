"""Coercing values of input types as graphql-core does, for the values that nearly all are.

A type is compiled into a function. Whatever is unusual about a value (it does not fit, it is near a limit, its text is
beyond ASCII) makes the function raise `Unusual`: then graphql-core takes the longer look, which has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLString,
    Undefined,
    is_input_object_type,
    is_list_type,
    is_required_input_field,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from engine.limits import BIGGEST_INTEGER, SMALLEST_INTEGER, Limits
from engine.plans.values import JSON

_LARGEST_INT: Final = 2**31 - 1
_LEVELS: Final = 4
"""Input objects and lists inside each other that are compiled; free JSON may be deeper."""
_PLAIN: Final[Mapping[Any, type[Any]]] = {
    GraphQLID: str,
    GraphQLString: str,
    GraphQLInt: int,
    GraphQLBoolean: bool,
}
"""Scalars whose values pass as they are, when they are of this very Python type."""


class Unusual(Exception):
    """A value that wants a longer look."""


class Room:
    """How much a request may still hold: values, and levels of free JSON; less than the limits leave."""

    __slots__ = ("depth", "values")

    def __init__(self, limits: Limits) -> None:
        """As much as is surely within the limits."""
        self.values = limits.values // 2
        self.depth = limits.value_depth - 2 * _LEVELS

    def take(self, values: int) -> None:
        """Take some of it. Raises Unusual when there is not so much."""
        self.values -= values
        if self.values < 0:
            raise Unusual


Coerce = Callable[[Any, Room], Any]
"""Gives the coerced value; raises Unusual."""


def compiled(kind: GraphQLInputType, levels: int = _LEVELS) -> Coerce | None:
    """The function for an input type; None when it holds scalars or defaults that are not covered."""
    if isinstance(kind, GraphQLNonNull):
        inner = compiled(kind.of_type, levels)
        return None if inner is None else _required(inner)
    found: Coerce | None = None
    if kind in _PLAIN:
        found = _plain(_PLAIN[kind])
    elif getattr(kind, "name", None) == JSON:
        found = _free
    elif levels and is_list_type(kind):
        each = compiled(kind.of_type, levels - 1)
        found = None if each is None else _listed(each)
    elif levels and is_input_object_type(kind) and not kind.is_one_of:
        found = _object(kind, levels - 1)
    return None if found is None else _nullable(found)


def _required(inner: Coerce) -> Coerce:
    def coerce(value: Any, room: Room) -> Any:
        if value is None:
            raise Unusual
        return inner(value, room)

    return coerce


def _nullable(inner: Coerce) -> Coerce:
    def coerce(value: Any, room: Room) -> Any:
        return None if value is None else inner(value, room)

    return coerce


def _plain(kind: type[Any]) -> Coerce:
    def coerce(value: Any, _: Room) -> Any:
        if type(value) is not kind:
            raise Unusual
        if kind is str:
            _check_text(value)
        elif kind is int and not -_LARGEST_INT - 1 <= value <= _LARGEST_INT:
            raise Unusual
        return value

    return coerce


def _listed(each: Coerce) -> Coerce:
    def coerce(value: Any, room: Room) -> Any:
        if type(value) is not list:
            raise Unusual
        room.take(len(value))
        return [each(item, room) for item in value]

    return coerce


def _object(kind: GraphQLInputObjectType, levels: int) -> Coerce | None:
    """For an input object: all of its fields, in their order, as `out_type` wants them."""
    fields: list[tuple[str, str, Coerce, Any]] = []
    for name, field in kind.fields.items():
        inner, default = compiled(field.type, levels), _default(field)
        if inner is None or isinstance(default, list | dict):
            return None
        fields.append((name, field.out_name or name, inner, default))
    out_type = kind.out_type

    def coerce(value: Any, room: Room) -> Any:
        if type(value) is not dict:
            raise Unusual
        room.take(len(value))
        unknown = len(value)
        made: dict[str, Any] = {}
        for name, out_name, inner, default in fields:
            if name in value:
                made[out_name] = inner(value[name], room)
                unknown -= 1
            elif default is Unusual:
                raise Unusual
            elif default is not Undefined:
                made[out_name] = default
        if unknown:
            raise Unusual
        return out_type(made)

    return coerce


def _default(field: GraphQLInputField) -> Any:
    """The value of a field that is left out: Undefined for none, the class Unusual where it must not be."""
    return Unusual if is_required_input_field(field) else coerce_default_value(field)


def _free(value: Any, room: Room) -> Any:
    """Free JSON passes as it is."""
    _check(value, room, room.depth)
    return value


def _check(value: Any, room: Room, depth: int) -> None:
    """Hold a value to what `engine.limits.check_variables` holds all values to."""
    kind = type(value)
    if kind is not dict and kind is not list:
        _check_leaf(value, kind)
        return
    if depth <= 0:
        raise Unusual
    room.take(len(value))
    if kind is dict:
        for name in value:
            _check_text(name)
        value = value.values()
    for each in value:
        _check(each, room, depth - 1)


def _check_leaf(value: Any, kind: type[Any]) -> None:
    if kind is str:
        _check_text(value)
    elif kind is int:
        if not SMALLEST_INTEGER <= value <= BIGGEST_INTEGER:
            raise Unusual
    elif kind is float:
        if not isfinite(value):
            raise Unusual
    elif value is not None and kind is not bool:
        raise Unusual


def _check_text(text: str) -> None:
    if not text.isascii() or "\0" in text:
        raise Unusual
