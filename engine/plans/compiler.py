"""From a selection to a plan: every field by its declaration."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLObjectType, get_named_type, is_list_type, is_non_null_type, is_object_type
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from engine.declarations import (
    DECLARATION,
    AnyById,
    ById,
    Column,
    Computed,
    Contextual,
    Declaration,
    Identifier,
    Part,
    ToAll,
    ToListed,
    ToMany,
    ToOne,
)
from engine.errors import StepAside
from engine.plans.arguments import Arguments
from engine.plans.code import literal
from engine.plans.connections import ToManyStep
from engine.plans.convert import Converter
from engine.plans.edges import ToAllStep, ToListedStep, ToOneStep
from engine.plans.pages import ConnectionSelection
from engine.plans.roots import AnyByIdStep, ByIdStep
from engine.plans.rows import Layout, RowShape, Step
from engine.plans.values import leaf, serializer, typed
from engine.records import NODES
from engine.selection import TYPENAME, Selected, Selections


class Compiler:
    """Compiles the selections of one operation for one database."""

    def __init__(self, schema: strawberry.Schema, selections: Selections, dialect: str) -> None:
        """`dialect` is `sqlite` or `postgresql`."""
        self.schema = schema
        self.selections = selections
        self.dialect = dialect

    def shape(self, kind: GraphQLObjectType, layout: Layout, *selected: Selected) -> RowShape:
        """What is made of rows of `layout` as objects of `kind`; `selected` are the fields that lead there."""
        shape = RowShape(layout)
        self.fill(shape, kind, *selected)
        shape.finish()
        return shape

    def fill(self, shape: RowShape, kind: GraphQLObjectType, *selected: Selected) -> None:
        """Add the outputs and steps of a selection to a shape that is not finished."""
        sets = [each for one in selected for each in one.sets]
        for field in self.selections.fields(kind, sets).values():
            if field.name == TYPENAME:
                shape.outputs.append((field.key, repr(kind.name)))
            else:
                self._add(shape, field)

    def _add(self, shape: RowShape, field: Selected) -> None:
        declaration = declaration_of(field)
        match declaration:
            case Identifier(name, prefix):
                shape.outputs.append((field.key, f"{prefix + '_'!r} + r[{shape.layout.place(name)}]"))
            case Column() | Computed() | Contextual():
                shape.outputs.append((field.key, self._value(shape, field, declaration)))
            case Part():
                part = RowShape(shape.layout)
                part.names = shape.names
                self.fill(part, object_type(field), field)
                if part.steps:
                    raise StepAside("edge of a part")
                shape.outputs.append((field.key, literal(part.outputs)))
            case ToOne() | ToAll() | ToMany() | ToListed():
                shape.outputs.append((field.key, "None"))
                place = None if declaration.parent is None else shape.layout.place(declaration.parent)
                shape.steps.append(self.step(field, declaration, place))
            case _:
                raise StepAside("root field below the root")

    def _value(self, shape: RowShape, field: Selected, declaration: Column | Computed | Contextual) -> str:
        """The code of a value of the row."""
        names, layout, kind = shape.names, shape.layout, field.definition.type
        if isinstance(declaration, Column) and declaration.read is None:
            place = layout.place(declaration.name)
            return names.over(leaf(kind, layout.columns[place], self.dialect), f"r[{place}]")
        used: tuple[str, ...] = (declaration.name,) if isinstance(declaration, Column) else declaration.names
        function = declaration.read if isinstance(declaration, Column) else declaration.function
        sources: list[str] = []
        for name in used:
            place = layout.place(name)
            convert = typed(layout.columns[place], self.dialect)
            sources.append(f"r[{place}]" if convert is None else f"{names.name(convert)}(r[{place}])")
        if isinstance(declaration, Contextual):
            sources.insert(0, "c")
        code = f"{names.name(serializer(kind))}({names.name(function)}({', '.join(sources)}))"
        if isinstance(declaration, Column):
            return f"(None if r[{layout.place(declaration.name)}] is None else {code})"
        return code

    def step(self, field: Selected, declaration: ToOne | ToAll | ToMany | ToListed, place: int | None) -> Step:
        """The step along an edge; `place` is that of the parent's key in its row."""
        if isinstance(declaration, ToMany):
            return self._connection(field, declaration, place)
        if place is None:
            raise StepAside("edge without a parent")
        if isinstance(declaration, ToAll):
            return self._all(field, declaration, place)
        kind = object_type(field)
        shape = RowShape(Layout(declaration.child.table))
        self.fill(shape, kind, field)
        step = ToListedStep if isinstance(declaration, ToListed) else ToOneStep
        required = isinstance(declaration, ToOne) and is_non_null_type(field.definition.type)
        made = step(field.key, place, declaration.child, shape, required=required)
        shape.finish()
        return made

    def _all(self, field: Selected, declaration: ToAll, place: int) -> Step:
        shape = RowShape(Layout(declaration.link.table))
        code = None
        if declaration.value is None:
            self.fill(shape, object_type(field), field)
        else:
            at, inner = shape.layout.place(declaration.value), _item(field.definition.type)
            code = shape.names.over(leaf(inner, shape.layout.columns[at], self.dialect), f"r[{at}]")
        shape.finish(code)
        return ToAllStep(field.key, place, declaration.link, declaration.order, shape)

    def _connection(self, field: Selected, declaration: ToMany, place: int | None) -> Step:
        layout = Layout(declaration.link.table)
        pages = ConnectionSelection(
            self.selections, layout, lambda shape, each: self.fill(shape, object_type(each), each)
        )
        selection = pages.select(object_type(field), field)
        for shape in selection.nodes:
            shape.finish()
        arguments = Arguments(field.definition, field.node)
        converter = Converter(strawberry_field(field), self.schema)
        return ToManyStep(field.key, place, declaration, arguments, converter, selection)

    def root_step(self, field: Selected, declaration: Declaration) -> Step:
        """The step of a declared root field. Raises StepAside for what cannot be one."""
        match declaration:
            case ById():
                shape = self.shape(object_type(field), Layout(declaration.child.table), field)
                arguments = Arguments(field.definition, field.node)
                return ByIdStep(
                    field.key, declaration, arguments, Converter(strawberry_field(field), self.schema), shape
                )
            case AnyById(listed):
                return AnyByIdStep(
                    field.key, Arguments(field.definition, field.node), self._kinds(field), listed=listed
                )
            case ToMany(parent=None):
                return self._connection(field, declaration, None)
            case _:
                raise StepAside("no root field")

    def _kinds(self, field: Selected) -> dict[str, RowShape]:
        """The shape of each node type, by the prefix of its ids."""
        shapes = {}
        for prefix, record in NODES.items():
            kind = self.selections.schema.get_type(record.__name__)
            if not is_object_type(kind):
                raise StepAside("unknown node type")
            shape = RowShape(Layout(record.key_column().table))
            self.fill(shape, kind, field)
            shape.layout.place(str(record.key_column().key))
            shape.finish()
            shapes[prefix] = shape
        return shapes


def class_of(kind: GraphQLObjectType) -> type:
    """The Python class that an object type was made of."""
    found: type = kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].origin
    return found


def strawberry_field(field: Selected) -> StrawberryField:
    """Strawberry's side of a field."""
    found: StrawberryField = field.definition.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return found


def declaration_of(field: Selected) -> Declaration | None:
    """How a field is declared; None for one with a resolver, or with nothing."""
    declared: Any = field.definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    found: Declaration | None = (getattr(declared, "metadata", None) or {}).get(DECLARATION)
    return found


def object_type(field: Selected) -> GraphQLObjectType:
    """The object type that a field leads to. Raises StepAside for others."""
    kind = get_named_type(field.definition.type)
    if not is_object_type(kind):
        raise StepAside("abstract type")
    return kind


def _item(kind: Any) -> Any:
    """The type of the items of a list."""
    inner = kind.of_type if is_non_null_type(kind) else kind
    if not is_list_type(inner):
        raise StepAside("no list")
    return inner.of_type
