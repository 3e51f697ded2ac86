"""The arguments of a field: constants of the document, values of variables, or both."""

from __future__ import annotations

from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    Undefined,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.values import get_argument_values

from engine.errors import StepAside
from engine.plans.variables import Variables


class Arguments:
    """What the arguments of one field are for given variables, by their names in the schema."""

    __slots__ = ("_constants", "_definition", "_node", "_variables")

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        """Look at the arguments once. Raises StepAside for constants that do not fit."""
        self._definition = definition
        self._node = node
        # Argument and variable by name, whether null is refused; None when variables stand inside of literals.
        self._variables: list[tuple[str, str, bool]] | None = []
        given = [each for each in node.arguments or () if _has_variables(each)]
        for each in given:
            argument = definition.args[each.name.value]
            if not isinstance(each.value, VariableNode) or _has_default(argument):
                self._variables = None
                break
            self._variables.append((each.name.value, each.value.name.value, isinstance(argument.type, GraphQLNonNull)))
        self._constants = {} if self._variables is None else self._fixed({each.name.value for each in given})

    @property
    def constant(self) -> bool:
        """Whether they are the same for all variables."""
        return not self._variables and self._variables is not None

    def values(self, variables: Variables) -> dict[str, Any]:
        """The coerced arguments; what is left out is absent. Raises StepAside for values that do not fit."""
        if self._variables is None:
            return _coerced(self._definition, self._node, variables)
        if not self._variables:
            return self._constants
        values = dict(self._constants)
        for argument, variable, required in self._variables:
            value = variables.coerced.get(variable, Undefined)
            if value is Undefined:
                if required:
                    raise StepAside("error")
                continue
            if value is None and required:
                raise StepAside("error")
            values[argument] = value
        return values

    def _fixed(self, variable: set[str]) -> dict[str, Any]:
        """The arguments that no variable has a part in."""
        rest = {name: each for name, each in self._definition.args.items() if name not in variable}
        nodes = tuple(each for each in self._node.arguments or () if each.name.value not in variable)
        field = GraphQLField(self._definition.type, args=rest)
        return _coerced(field, FieldNode(name=self._node.name, arguments=nodes), None)


def _coerced(definition: GraphQLField, node: FieldNode, variables: Variables | None) -> dict[str, Any]:
    try:
        return get_argument_values(definition, node, None if variables is None else variables.values)
    except GraphQLError as error:
        raise StepAside("error") from error


def _has_default(argument: GraphQLArgument) -> bool:
    return argument.default_value is not Undefined or getattr(argument, "default", None) is not None


class _Finder(Visitor):
    """Notes whether a value holds a variable."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, *_: object) -> None:
        """Note it."""
        self.found = True


def _has_variables(node: ArgumentNode) -> bool:
    finder = _Finder()
    visit(node, finder)
    return finder.found
