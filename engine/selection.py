"""What an operation selects of an object type: its fields by response key, merged as GraphQL merges them.

Fragments are opened, `@skip` and `@include` decided, and a response key that is written in several places is one field
with several selection sets (GraphQL specification, "Field collection"). What reads an operation without running it
field by field starts from here: the plan compiler and the cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    TypeNameMetaFieldDef,
    VariableNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_object_type,
    visit,
)

from engine.errors import StepAside

TYPENAME: Final = "__typename"
_CONDITIONS: Final = {"skip": False, "include": True}
"""Directives that decide whether something is selected, and the value of `if` with which it is."""
_SCHEMA_FIELDS: Final = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}

Flags = Mapping[str, bool]
"""The values of the variables that `@skip` and `@include` ask for."""


@dataclass(slots=True)
class Selected:
    """One response key of an object: the field, and everywhere it is written with this key.

    The arguments stand at `node`: validation has seen to it that they are the same everywhere.
    """

    key: str
    definition: GraphQLField
    node: FieldNode
    sets: list[SelectionSetNode] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the field in the schema."""
        return self.node.name.value

    @property
    def kind(self) -> GraphQLObjectType | GraphQLAbstractType | None:
        """The object, interface or union type that the field leads to; None for a leaf."""
        named = get_named_type(self.definition.type)
        if is_object_type(named) or is_abstract_type(named):
            return named
        return None


class Selections:
    """The selections of one operation, with the conditions in it decided."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        flags: Flags,
        *,
        complete: bool = False,
    ) -> None:
        """`flags` are the values of the variables that `conditions` names.

        With `complete`, nothing steps aside: `__schema` and `__type` are fields like others, and directives that do not
        decide what is selected say nothing.
        """
        self.schema = schema
        self.operation = operation
        self._flags = flags
        self._complete = complete
        self._fragments = _fragments(document)

    def root(self) -> dict[str, Selected]:
        """The root fields, in the order of the answer."""
        kind = self.schema.get_root_type(self.operation.operation)
        if kind is None:
            raise StepAside("no root type")
        return self.fields(kind, [self.operation.selection_set])

    def fields(self, kind: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, Selected]:
        """What `sets` select of an object of the type `kind`, by response key, in the order of the answer."""
        found: dict[str, Selected] = {}
        opened: set[str] = set()
        for selections in sets:
            self._collect(kind, selections, found, opened)
        return found

    def _collect(
        self, kind: GraphQLObjectType, selections: SelectionSetNode, found: dict[str, Selected], opened: set[str]
    ) -> None:
        for selection in selections.selections:
            if not self._is_selected(selection.directives or ()):
                continue
            if isinstance(selection, FieldNode):
                self._add(kind, selection, found)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                if selection.name.value not in opened:
                    opened.add(selection.name.value)
                    if self._applies(fragment.type_condition, kind):
                        self._collect(kind, fragment.selection_set, found, opened)
            elif self._applies(selection.type_condition, kind):  # type: ignore[attr-defined]
                self._collect(kind, selection.selection_set, found, opened)  # type: ignore[attr-defined]

    def _add(self, kind: GraphQLObjectType, node: FieldNode, found: dict[str, Selected]) -> None:
        key = (node.alias or node.name).value
        selected = found.get(key)
        if selected is None:
            name = node.name.value
            definition = self._definition(kind, name)
            if definition is None:
                raise StepAside("introspection" if name.startswith("__") else "unknown field")
            selected = found[key] = Selected(key, definition, node)
        if node.selection_set is not None:
            selected.sets.append(node.selection_set)

    def _definition(self, kind: GraphQLObjectType, name: str) -> GraphQLField | None:
        if name == TYPENAME:
            return TypeNameMetaFieldDef
        return _SCHEMA_FIELDS.get(name) if self._complete and name in _SCHEMA_FIELDS else kind.fields.get(name)

    def _applies(self, condition: NamedTypeNode | None, kind: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == kind.name:
            return True
        named = self.schema.get_type(condition.name.value)
        return named is not None and is_abstract_type(named) and self.schema.is_sub_type(named, kind)

    def _is_selected(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives:
            wanted = _CONDITIONS.get(directive.name.value)
            if wanted is None:
                if self._complete:
                    continue
                raise StepAside(f"directive @{directive.name.value}")
            value = (directive.arguments or ())[0].value
            given = self._flags[value.name.value] if isinstance(value, VariableNode) else _literal(value)
            if given is not wanted:
                return False
        return True


def conditions(document: DocumentNode) -> tuple[str, ...]:
    """The names of the variables that `@skip` and `@include` ask for anywhere in a document, sorted."""
    found = _Conditions()
    visit(document, found)
    return tuple(sorted(found.names))


class _Conditions(Visitor):
    """Notes the variables in the conditions of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """Note the variable of `if`."""
        if node.name.value in _CONDITIONS:
            self.names.update(
                each.value.name.value for each in node.arguments or () if isinstance(each.value, VariableNode)
            )


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _literal(value: object) -> bool:
    if not isinstance(value, BooleanValueNode):
        raise StepAside("a condition that is no Boolean")
    return value.value
