"""Running plans: level by level, one trip to the database for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from graphql import FieldNode, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, OperationDefinitionNode
from graphql.pyutils import Path, is_awaitable

from engine.plans.objects import Gathering
from engine.plans.plan import Plan, ResolvedField
from engine.plans.rows import Level, Row
from engine.plans.run import AccessChanged, PlanContext, Request, Run
from engine.plans.variables import Variables


class Resolver:
    """Calls the resolvers of root fields as graphql-core does."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, kind: GraphQLObjectType) -> None:
        """`kind` is the root type of the operation."""
        self._schema = schema
        self._operation = operation
        self._kind = kind

    async def resolve(self, field: ResolvedField, context: PlanContext, variables: Variables) -> Any:
        """What the resolver of a root field gives; raises what it raises."""
        definition = field.definition
        if definition.resolve is None:
            raise TypeError(f"{field.name} has no resolver")
        info: Any = GraphQLResolveInfo(
            field_name=field.name,
            field_nodes=[field.node],
            return_type=definition.type,
            parent_type=self._kind,
            path=Path(None, field.key, self._kind.name),
            schema=self._schema,
            fragments={},
            root_value=None,
            operation=self._operation,
            variable_values=variables.values,
            context=context,
            is_awaitable=is_awaitable,
            abort_signal=None,
            async_helpers=None,  # type: ignore[arg-type]
        )
        result = definition.resolve(None, info, **field.arguments.values(variables))
        return await result if is_awaitable(result) else result


async def run_query(plan: Plan, context: PlanContext, variables: Variables, resolver: Resolver) -> dict[str, Any]:
    """The data of a query. Raises StepAside, and whatever its parts raise: the reference executor has it to tell."""
    try:
        return await _query(plan, context, variables, resolver, anew=bool(plan.resolved))
    except AccessChanged:
        return await _query(plan, context, variables, resolver, anew=True)


async def _query(
    plan: Plan, context: PlanContext, variables: Variables, resolver: Resolver, *, anew: bool
) -> dict[str, Any]:
    if not plan.fields:
        return dict(plan.template)
    await context.admit(plan.fields, anew=anew)
    run = Run(context, variables)
    data = dict(plan.template)
    levels = [Level(plan.root, ((),), [data])]
    if plan.resolved:
        gathering = Gathering(context)
        for field in plan.resolved:
            data[field.key] = field.write(await resolver.resolve(field, context, variables), gathering)
        levels += gathering.levels()
    await descend(run, levels)
    if not (run.proven or await context.prove()):
        raise AccessChanged
    return data


class Done:
    """What the mutations of an operation have given, by response key: a value, or the error that one raised.

    As the root value of the reference executor it keeps them from being run again.
    """

    __slots__ = ("_given", "_raised")

    def __init__(self) -> None:
        """Nothing has run."""
        self._given: dict[str, Any] = {}
        self._raised: dict[str, Exception] = {}

    def give(self, key: str, value: Any) -> None:
        """A mutation has ended well."""
        self._given[key] = value

    def fail(self, key: str, error: Exception) -> None:
        """A mutation has raised."""
        self._raised[key] = error

    def has(self, key: str) -> bool:
        """Whether a mutation has run."""
        return key in self._given or key in self._raised

    def replay(self, key: str) -> Any:
        """What it gave; raises what it raised."""
        if key in self._raised:
            raise self._raised[key]
        return self._given[key]


def replay_mutations(schema: GraphQLSchema) -> None:
    """Have every mutation of a schema give what is `Done` already instead of running again."""
    for field in schema.mutation_type.fields.values() if schema.mutation_type else ():
        if field.resolve is not None:
            field.resolve = _replaying(field.resolve)


def _replaying(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def replaying(source: Any, info: Any, **arguments: Any) -> Any:
        key = str(info.path.key)
        if isinstance(source, Done) and source.has(key):
            return source.replay(key)
        return resolve(None if isinstance(source, Done) else source, info, **arguments)

    return replaying


async def run_mutation(
    plan: Plan, context: PlanContext, variables: Variables, resolver: Resolver, done: Done
) -> dict[str, Any]:
    """The data of a mutation: its root fields one after the other, each with its payload.

    Raises like `run_query`; what has run by then is in `done`.
    """
    await context.admit(plan.fields, anew=True)
    data = dict(plan.template)
    for field in plan.resolved:
        try:
            given = await resolver.resolve(field, context, variables)
        except Exception as error:
            done.fail(field.key, error)
            raise
        done.give(field.key, given)
        data[field.key] = await _written(field, given, context, variables)
    return data


async def run_events(
    plan: Plan, events: Sequence[Any], context: PlanContext, variables: Variables
) -> list[dict[str, Any]]:
    """The data of events of a subscription, in their order; what leads on from them is read for all together.

    Raises like `run_query`.
    """
    await context.admit(plan.fields, anew=True)
    gathering = Gathering(context)
    made = []
    for event in events:
        data = dict(plan.template)
        for field in plan.resolved:
            data[field.key] = field.write(event, gathering)
        made.append(data)
    await descend(Run(context, variables), gathering.levels())
    return made


async def _written(field: ResolvedField, value: Any, context: PlanContext, variables: Variables) -> Any:
    """What the answer holds for an object in hand."""
    gathering = Gathering(context)
    made = field.write(value, gathering)
    await descend(Run(context, variables), gathering.levels())
    return made


async def descend(run: Run, levels: Sequence[Level]) -> None:
    """Run the steps of all levels, and then those of the levels that come of them, until there are none."""
    pending = [(step, level) for level in levels for step in level.steps]
    while pending:
        requests = []
        counts = []
        for step, level in pending:
            wanted = step.requests(run, level.rows)
            counts.append(len(wanted))
            requests += wanted
        answers = await _answers(run, requests)
        following: list[Level] = []
        start = 0
        for (step, level), count in zip(pending, counts, strict=True):
            following += step.deliver(run, answers[start : start + count], level.rows, level.objects)
            start += count
        pending = [(step, level) for level in following if level.rows for step in level.steps]


async def _answers(run: Run, requests: list[Request]) -> list[Sequence[Row]]:
    """The rows of each statement. One that is asked for twice is run once: a list under two names, with its total."""
    if len(requests) < 2:  # noqa: PLR2004 - one is not twice
        return await run.context.read(requests) if requests else []
    unlike: list[Request] = []
    places = []
    for request in requests:
        if request not in unlike:
            unlike.append(request)
        places.append(unlike.index(request))
    answers = await run.context.read(unlike)
    return [answers[place] for place in places]


INTROSPECTION: Final = "introspection"
"""The reason for which questions about the schema are left to the reference executor."""


def only_introspects(operation: OperationDefinitionNode) -> bool:
    """Whether an operation asks for nothing but the schema, without variables: its answer is the same for everybody."""
    selections = operation.selection_set.selections
    return not operation.variable_definitions and all(
        isinstance(each, FieldNode) and each.name.value.startswith("__") for each in selections
    )


def encode(body: Mapping[str, Any]) -> bytes:
    """An answer as JSON. Moments may be in it as `datetime`, in UTC and with a fraction of a second."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
