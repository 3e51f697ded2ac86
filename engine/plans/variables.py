"""The variables of an operation: read from JSON once per request, the common kinds without graphql-core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from engine.errors import ClientError, Code, RequestError, input_error, request_error
from engine.limits import Limits, check_variables
from engine.selection import Flags

_LARGEST_INT: Final = 2**31 - 1
_PLAIN: Final[Mapping[Any, type[Any]]] = {
    GraphQLID: str,
    GraphQLString: str,
    GraphQLInt: int,
    GraphQLBoolean: bool,
}
"""Scalars whose values pass as they are, when they are of this very Python type."""


class Variables:
    """The coerced variables of one request: `coerced[name]`, absent when neither given nor defaulted."""

    __slots__ = ("_declared", "_values", "coerced")

    def __init__(self, declared: DeclaredVariables, coerced: dict[str, Any], values: VariableValues | None) -> None:
        """`values` is graphql-core's own reading, when it was needed."""
        self.coerced = coerced
        self._declared = declared
        self._values = values

    @property
    def values(self) -> VariableValues:
        """The variables as graphql-core hands them to resolvers."""
        if self._values is None:
            self._values = self._declared.coerce(self.coerced)
        return self._values

    def flags(self, names: tuple[str, ...]) -> Flags | None:
        """The values of the variables of conditions; None when one has no Boolean value (which is an error)."""
        flags = {name: self.coerced.get(name) for name in names}
        return flags if all(isinstance(value, bool) for value in flags.values()) else None  # type: ignore[return-value]


class DeclaredVariables:
    """The variables that an operation declares."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, limits: Limits, *, hide_suggestions: bool
    ) -> None:
        """Look at the declarations once."""
        self._schema = schema
        self._nodes = operation.variable_definitions or ()
        self._limits = limits
        self._hide_suggestions = hide_suggestions
        self._plain = self._plain_kinds()

    def read(self, given: dict[str, Any]) -> Variables:
        """Check and coerce what came from JSON. Raises RequestError for what does not fit the declarations."""
        plain = self._plain
        if plain is not None and len(given) == len(plain) and self._fits(given, plain):
            return Variables(self, given, None)
        try:
            check_variables(given, self._limits)
        except ClientError as error:
            raise request_error(error.message, error.code) from None
        values = self.coerce(given)
        return Variables(self, values.coerced, values)

    def coerce(self, given: dict[str, Any]) -> VariableValues:
        """Coerce by graphql-core. Raises RequestError for what does not fit the declarations."""
        values = get_variable_values(
            self._schema,
            self._nodes,
            given,
            max_errors=self._limits.errors,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(values, list):
            raise RequestError([input_error(error, Code.BAD_USER_INPUT) for error in values])
        return values

    def _plain_kinds(self) -> dict[str, type[Any]] | None:
        """The Python type of each variable, when all are of the plain scalars."""
        kinds: dict[str, type[Any]] = {}
        for node in self._nodes:
            try:
                kind = type_from_ast(self._schema, node.type)
            except GraphQLError:
                return None
            wanted = _PLAIN.get(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)
            if wanted is None:
                return None
            kinds[node.variable.name.value] = wanted
        return kinds

    @staticmethod
    def _fits(given: dict[str, Any], plain: dict[str, type[Any]]) -> bool:
        """Whether every declared variable has a value that passes as it is; texts beyond ASCII get the longer look."""
        for name, kind in plain.items():
            value: Any = given.get(name)
            if type(value) is not kind:
                return False
            if kind is str:
                if not value.isascii() or "\0" in value:
                    return False
            elif kind is int and not -_LARGEST_INT - 1 <= value <= _LARGEST_INT:
                return False
        return True
