"""Plans of prepared operations: made when first needed, and kept as long as the document is cached."""

from __future__ import annotations

from typing import Any, Final

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema, OperationType

from engine.declarations import is_early
from engine.documents import PreparedOperation
from engine.errors import StepAside
from engine.limits import Limits
from engine.plans.arguments import Arguments
from engine.plans.compiler import Compiler, declaration_of
from engine.plans.execution import Resolver
from engine.plans.objects import ObjectCompiler
from engine.plans.plan import Plan, ResolvedField
from engine.plans.rendering import Recent
from engine.plans.rows import Step
from engine.plans.variables import DeclaredVariables, Variables
from engine.selection import TYPENAME, Selections, conditions

VARIANTS: Final = 32
"""Plans kept for one operation: by the values of the variables in `@skip` and `@include`, and by database."""


class PlannedOperation:
    """One operation with its plans."""

    def __init__(
        self, schema: strawberry.Schema, prepared: PreparedOperation, limits: Limits, *, hide_suggestions: bool
    ) -> None:
        """Look at the operation once."""
        self._schema = schema
        self._graph: GraphQLSchema = schema._schema  # noqa: SLF001 - the graphql-core schema has no public name
        self._prepared = prepared
        self._conditions = conditions(prepared.document)
        self._plans: Recent[Plan | StepAside] = Recent(VARIANTS)
        self.variables = DeclaredVariables(self._graph, prepared.node, limits, hide_suggestions=hide_suggestions)
        kind = self._graph.get_root_type(prepared.kind)
        if kind is None:
            raise StepAside("no root type")
        self._kind: GraphQLObjectType = kind
        self.resolver = Resolver(self._graph, prepared.node, kind)

    def plan(self, variables: Variables, dialect: str) -> Plan:
        """The plan for these variables. Raises StepAside when the operation cannot have one."""
        flags = variables.flags(self._conditions) if self._conditions else {}
        if flags is None:
            raise StepAside("error")
        key = (dialect, *flags.values()) if flags else dialect
        found = self._plans.get(key)
        if found is None:
            selections = Selections(self._graph, self._prepared.document, self._prepared.node, flags)
            try:
                found = self._compile(Compiler(self._schema, selections, dialect))
            except StepAside as reason:
                found = reason
            self._plans.put(key, found)
        if isinstance(found, StepAside):
            raise StepAside(found.reason)
        return found

    def _compile(self, compiler: Compiler) -> Plan:
        declared = self._prepared.kind is OperationType.QUERY
        template: dict[str, Any] = {}
        names: list[str] = []
        root: list[Step] = []
        resolved: list[ResolvedField] = []
        objects = ObjectCompiler(compiler)
        for field in compiler.selections.root().values():
            template[field.key] = None
            if field.name == TYPENAME:
                template[field.key] = self._kind.name
                continue
            names.append(f"{self._kind.name}.{field.name}")
            declaration = declaration_of(field) if declared else None
            if declaration is not None:
                root.append(compiler.root_step(field, declaration))
                continue
            arguments = Arguments(field.definition, field.node)
            write = objects.writer(field.definition.type, field)
            resolved.append(ResolvedField(field.key, field.name, field.definition, field.node, arguments, write))
        if declared:
            resolved.sort(key=lambda field: not is_early(field.definition))
        return Plan(tuple(dict.fromkeys(names)), template, tuple(root), tuple(resolved), tuple(objects.held))


class Planner:
    """Finds the plans of operations of one schema."""

    def __init__(self, schema: strawberry.Schema, limits: Limits, *, hide_suggestions: bool) -> None:
        """See `PlannedOperation`."""
        self._schema = schema
        self._limits = limits
        self._hide_suggestions = hide_suggestions

    def planned(self, prepared: PreparedOperation) -> PlannedOperation:
        """The operation with its plans, the same as long as its document is cached."""
        found = prepared.derived.get(self)
        if found is None:
            found = PlannedOperation(self._schema, prepared, self._limits, hide_suggestions=self._hide_suggestions)
            prepared.derived[self] = found
        assert isinstance(found, PlannedOperation)  # noqa: S101 - narrows what a dict of anything holds
        return found
