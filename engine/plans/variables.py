"""The variables of an operation: read from JSON once per request, the common kinds without graphql-core."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, is_input_type, type_from_ast
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from engine.errors import ClientError, Code, RequestError, input_error, request_error
from engine.limits import Limits, check_variables
from engine.plans.coercion import Coerce, Room, Unusual, compiled
from engine.selection import Flags


class Variables:
    """The coerced variables of one request: `coerced[name]`, absent when neither given nor defaulted."""

    __slots__ = ("_declared", "_given", "_values", "coerced")

    def __init__(
        self,
        declared: DeclaredVariables,
        coerced: dict[str, Any],
        values: VariableValues | None,
        given: dict[str, Any] | None = None,
    ) -> None:
        """`values` is graphql-core's own reading, when it was needed; otherwise `given` is what came from JSON."""
        self.coerced = coerced
        self._declared = declared
        self._values = values
        self._given = coerced if given is None else given

    @property
    def values(self) -> VariableValues:
        """The variables as graphql-core hands them to resolvers."""
        if self._values is None:
            self._values = VariableValues(self._declared.sources(self._given), self.coerced)
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
        self._kinds = self._compiled()
        self._signatures: dict[str, GraphQLVariableSignature] | None = None

    def read(self, given: dict[str, Any]) -> Variables:
        """Check and coerce what came from JSON. Raises RequestError for what does not fit the declarations."""
        quickly = self._quickly(given)
        if quickly is not None:
            return Variables(self, quickly, None, given)
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

    def sources(self, given: dict[str, Any]) -> dict[str, VariableValueSource]:
        """Where graphql-core would say that the values of variables, which are all given, come from."""
        if self._signatures is None:
            found = (get_variable_signature(self._schema, node) for node in self._nodes)
            self._signatures = {each.name: each for each in found if isinstance(each, GraphQLVariableSignature)}
        return {name: VariableValueSource(each, given[name]) for name, each in self._signatures.items()}

    def _quickly(self, given: dict[str, Any]) -> dict[str, Any] | None:
        """The coerced values, when all variables are given and nothing is unusual about them."""
        kinds = self._kinds
        if kinds is None or len(given) != len(kinds):
            return None
        room = Room(self._limits)
        try:
            return {name: coerce(given[name], room) for name, coerce in kinds.items()}
        except (KeyError, Unusual):
            return None

    def _compiled(self) -> dict[str, Coerce] | None:
        """How each variable is coerced; None when one is of a type that is not covered."""
        kinds: dict[str, Coerce] = {}
        for node in self._nodes:
            try:
                kind = type_from_ast(self._schema, node.type)
            except GraphQLError:
                return None
            coerce = compiled(kind) if is_input_type(kind) else None
            if coerce is None:
                return None
            kinds[node.variable.name.value] = coerce
        return kinds
