"""Objects in hand: what resolvers, mutations and events give, and what is made of it for one selection.

Values are read from Python objects, one by one, and written exactly as graphql-core writes them. The edges that lead on
from them are the same steps that lead on from rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLObjectType,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from engine.declarations import Column, Computed, Contextual, Identifier, Part, ToAll, ToListed, ToMany, ToOne
from engine.errors import StepAside
from engine.ids import global_id
from engine.plans.compiler import Compiler, class_of, declaration_of, object_type, strawberry_field
from engine.plans.rows import Level, Objects, Row, Step
from engine.plans.values import present, raw_key, serializer
from engine.selection import TYPENAME, Selected

Read = Callable[[Any, Any], Any]
"""Reads a value from an object, in the context of the operation."""
Write = Callable[[Any, "Gathering"], Any]
"""Makes what the answer holds of a value."""


class Gathering:
    """The objects of one answer that edges lead on from, by their shape."""

    __slots__ = ("_found", "context")

    def __init__(self, context: Any) -> None:
        """None yet."""
        self.context = context
        self._found: dict[int, tuple[list[Step], list[Row], Objects]] = {}

    def note(self, shape: ObjectShape, row: Row, made: dict[str, Any]) -> None:
        """Add one."""
        _, rows, objects = self._found.setdefault(id(shape), (shape.steps, [], []))
        rows.append(row)
        objects.append(made)

    def levels(self) -> list[Level]:
        """All of them as levels of a plan."""
        return [Level(*each) for each in self._found.values()]


class ObjectShape:
    """What is made of objects of one type for one selection.

    The parents of its steps are rows of the raw keys that `parents` names.
    """

    __slots__ = ("outputs", "parents", "steps")

    def __init__(self) -> None:
        """Nothing is selected yet."""
        self.outputs: list[tuple[str, Read, Write]] = []
        self.parents: list[str] = []
        self.steps: list[Step] = []

    def write(self, source: Any, gathering: Gathering) -> dict[str, Any]:
        """The object of the answer; where edges lead on from it, it is noted in `gathering`."""
        context = gathering.context
        made = {key: write(read(source, context), gathering) for key, read, write in self.outputs}
        if self.steps:
            row = tuple(raw_key(source.row[name]) for name in self.parents)
            gathering.note(self, row, made)
        return made

    def place(self, name: str) -> int:
        """The place of a parent's key in the row of keys."""
        if name not in self.parents:
            self.parents.append(name)
        return self.parents.index(name)


class ObjectCompiler:
    """Compiles selections over objects in hand; `held` are the steps that it has made."""

    def __init__(self, compiler: Compiler) -> None:
        """`compiler` makes the steps."""
        self._compiler = compiler
        self.held: list[Step] = []

    def writer(self, kind: Any, field: Selected) -> Write:
        """How a value of the type `kind` is written for the selection of a field."""
        if is_non_null_type(kind):
            inner = self.writer(kind.of_type, field)
            return lambda value, gathering: inner(present(value), gathering)
        if is_list_type(kind):
            each = self.writer(kind.of_type, field)
            return lambda value, gathering: None if value is None else [each(item, gathering) for item in value]
        if is_leaf_type(kind):
            convert = serializer(kind)
            return lambda value, _: convert(value)
        if is_abstract_type(kind):
            return self._abstract(kind, field)
        shape = self._shape(kind, field)
        return lambda value, gathering: None if value is None else shape.write(value, gathering)

    def _abstract(self, kind: GraphQLAbstractType, field: Selected) -> Write:
        """How a value of an interface or a union is written: by the shape of the type that its class is."""
        possible = self._compiler.selections.schema.get_possible_types(kind)
        shapes = {class_of(each): self._shape(each, field) for each in possible}

        def write(value: Any, gathering: Gathering) -> Any:
            if value is None:
                return None
            shape = shapes.get(type(value))
            if shape is None:
                raise StepAside("error")
            return shape.write(value, gathering)

        return write

    def _shape(self, kind: GraphQLObjectType, field: Selected) -> ObjectShape:
        shape = ObjectShape()
        for each in self._compiler.selections.fields(kind, field.sets).values():
            if each.name == TYPENAME:
                shape.outputs.append((each.key, _constantly(kind.name), _as_it_is))
            else:
                self._add(shape, each)
        self.held += shape.steps
        return shape

    def _add(self, shape: ObjectShape, field: Selected) -> None:
        declaration = declaration_of(field)
        write: Write = _as_it_is
        match declaration:
            case ToOne() | ToListed() | ToAll() | ToMany():
                place = None if declaration.parent is None else shape.place(declaration.parent)
                shape.steps.append(self._compiler.step(field, declaration, place))
                read: Read = _constantly(None)
            case Part():
                read, write = _itself, self._shape(object_type(field), field).write
            case Identifier(name, prefix):
                read = _identity(name, prefix)
            case Column() | Computed() | Contextual():
                read, write = _value(declaration), self.writer(field.definition.type, field)
            case None:
                read, write = _attribute(field), self.writer(field.definition.type, field)
            case _:
                raise StepAside("root field below the root")
        shape.outputs.append((field.key, read, write))


def _as_it_is(value: Any, _: Gathering) -> Any:
    return value


def _itself(source: Any, _: Any) -> Any:
    return source


def _constantly(value: Any) -> Read:
    return lambda *_: value


def _identity(name: str, prefix: str) -> Read:
    return lambda source, _: global_id(prefix, source.row[name])


def _value(declaration: Column | Computed | Contextual) -> Read:
    match declaration:
        case Column(name, None):
            return lambda source, _: source.row[name]
        case Column(name, convert) if convert is not None:
            return lambda source, _: None if source.row[name] is None else convert(source.row[name])
        case Computed(names, function):
            return lambda source, _: function(*(source.row[name] for name in names))
        case Contextual(names, function):
            return lambda source, context: function(context, *(source.row[name] for name in names))
    raise StepAside("unknown declaration")


def _attribute(field: Selected) -> Read:
    """A field of a plain class; one with a resolver is left to the reference executor."""
    declared = strawberry_field(field)
    if declared.base_resolver is not None:
        raise StepAside("resolver")
    name = declared.python_name
    return lambda source, _: getattr(source, name)
