"""Executing prepared operations: one place that chooses the executor, one shape for every answer.

What graphql-core 3.3 leaves to its caller, and stands here:

- Variables are coerced before anything runs, so that a bad value is a refused request (no `data`), not a failed field.
- When a field fails at once, its siblings that already run go on in the background. They end before the context is
  closed under them.
- Time is limited for the operation as a whole, and for each event of a subscription.
- A subscription's events each get a context of their own, so that no loader's cache outlives its event.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from typing import Any, Protocol, TypeAlias, cast

import orjson
import strawberry
from graphql import ExecutionResult, Executor, GraphQLFormattedError, GraphQLSchema
from graphql.execution import create_source_event_stream

from engine.deadlines import Deadlines
from engine.documents import Documents, PreparedOperation
from engine.errors import (
    ClientError,
    Code,
    RequestError,
    StepAside,
    format_errors,
    format_exception,
    input_error,
    request_error,
)
from engine.limits import Limits, check_variables
from engine.plans.execution import (
    INTROSPECTION,
    Done,
    encode,
    only_introspects,
    replay_mutations,
    run_events,
    run_mutation,
    run_query,
)
from engine.plans.planner import PlannedOperation, Planner

Variables: TypeAlias = dict[str, Any]

INTROSPECTED = "introspected"


class Context(Protocol):
    """What resolvers find as `info.context`. The engine only closes it, once, when its operation is over."""

    @property
    def request_id(self) -> str:
        """The id of the request, which the answer names when something fails on this side."""

    async def close(self) -> None:
        """Give back what the operation holds (sessions, loaders)."""


@dataclass(slots=True)
class Answer:
    """What an operation gave: `data` with the `errors` of its fields.

    When `executed` is false nothing ran, and the payload has no `data` at all (GraphQL specification 7.1).
    """

    data: Mapping[str, Any] | None = None
    errors: list[GraphQLFormattedError] = field(default_factory=list)
    executed: bool = True
    encoded: bytes | None = None
    """The whole answer as JSON, when it was made as such; `data` may then hold moments as Python has them."""
    extensions: Mapping[str, Any] | None = None
    cursor: str | None = None
    """Where a subscription goes on behind this answer; None for anything else, and for events without a place."""

    @property
    def payload(self) -> dict[str, Any]:
        """The response as a GraphQL client reads it."""
        payload: dict[str, Any] = {}
        if self.errors or not self.executed:
            payload["errors"] = self.errors
        if self.executed:
            payload["data"] = self.data if self.encoded is None else orjson.loads(self.encoded)["data"]
        if self.extensions is not None:
            payload["extensions"] = self.extensions
        return payload

    @property
    def outcome(self) -> str:
        """One word for metrics: ok, partial (data with errors), failed (no data), refused (nothing ran)."""
        if not self.executed:
            return "refused"
        if not self.errors:
            return "ok"
        return "partial" if self.data is not None else "failed"

    def extended(self, extensions: Mapping[str, Any]) -> "Answer":
        """The same answer with `extensions` beside its data."""
        encoded = self.encoded
        if encoded is not None:
            encoded = b'%b,"extensions":%b}' % (encoded[:-1], encode(extensions))
        return replace(self, extensions=extensions, encoded=encoded)


def refused(error: RequestError) -> Answer:
    """Return the answer to a request that was refused before it ran."""
    return Answer(errors=error.errors, executed=False)


class Operations:
    """Prepares and executes the operations of one schema."""

    def __init__(
        self,
        schema: strawberry.Schema,
        limits: Limits | None = None,
        *,
        hide_suggestions: bool = False,
        planned: bool = True,
    ) -> None:
        """Serve `schema`. With `hide_suggestions` (the production profile) no error proposes names of the schema.

        What is `planned` runs by the plan executor as far as that covers it; `fallbacks` counts what it did not, by
        reason. Otherwise graphql-core runs everything.
        """
        self.limits = limits or Limits()
        self._deadlines = Deadlines(self.limits.seconds)
        self.schema: GraphQLSchema = schema._schema  # noqa: SLF001 - the graphql-core schema has no public name
        self.documents = Documents(self.schema, self.limits, hide_suggestions=hide_suggestions)
        self.fallbacks: Counter[str] = Counter()
        self._planner = Planner(schema, self.limits, hide_suggestions=hide_suggestions) if planned else None
        replay_mutations(self.schema)
        self._executor_class: type[Executor[Any]] = schema.execution_context_class
        self._hide_suggestions = hide_suggestions

    def prepare(self, text: str, operation_name: str | None = None, *, introspection: bool = True) -> PreparedOperation:
        """Parse, measure and validate a document, or find it in the cache: see `Documents.prepare`."""
        return self.documents.prepare(text, operation_name, introspection=introspection)

    async def execute(self, prepared: PreparedOperation, variables: Variables | None, context: Context) -> Answer:
        """Execute a query or a mutation, and close the context.

        Never raises for what the operation does: a refused request and a failed one are answers, too. A cancellation
        passes through, after the context has been closed.
        """
        try:
            with self._deadlines.limit():
                return await self._execute(prepared, variables, context)
        except TimeoutError:
            return self._timed_out(context)
        except RequestError as error:
            return refused(error)
        except Exception as error:  # noqa: BLE001 - the boundary: logged, and told as a fault
            return Answer(errors=[format_exception(error, context.request_id)])
        finally:
            await context.close()

    async def subscribe(
        self,
        prepared: PreparedOperation,
        variables: Variables | None,
        context: Context,
        event_context: Callable[[], Context] | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Yield the answers of a subscription, until its source ends or the iterator is closed.

        `context` is the source's and is closed at the end; `event_context` makes one for each event, closed after it
        (without it, `context` serves the events, too). A subscription that cannot start, or whose source fails later,
        yields one last answer that was not executed: it holds the errors alone.
        """
        try:
            source = await self.source(prepared, variables, context)
            async with aclosing(cast("AsyncGenerator[Any, None]", aiter(source))) as payloads:
                async for payload in payloads:
                    per_event = event_context() if event_context is not None else None
                    try:
                        answers = await self.answer_events(prepared, variables, [payload], per_event or context)
                    finally:
                        if per_event is not None:
                            await per_event.close()
                    yield answers[0]
        except RequestError as error:
            yield refused(error)
        except Exception as error:  # noqa: BLE001 - the boundary: logged, and told as a fault
            yield refused(RequestError([format_exception(error, context.request_id)]))
        finally:
            await context.close()

    async def source(
        self, prepared: PreparedOperation, variables: Variables | None, context: Context
    ) -> AsyncIterable[Any]:
        """What the resolver of a subscription gives. Raises RequestError when it gives none, or takes too long."""
        executor = self._executor(prepared, variables, context)
        try:
            async with asyncio.timeout(self.limits.seconds):
                source = create_source_event_stream(executor)
                if isawaitable(source):
                    source = await source
        except TimeoutError:
            raise request_error(_too_long(self.limits), Code.LIMIT_EXCEEDED) from None
        if isinstance(source, ExecutionResult):
            raise RequestError(format_errors(source.errors or (), context.request_id))
        return source

    async def answer_events(
        self, prepared: PreparedOperation, variables: Variables | None, events: Sequence[Any], context: Context
    ) -> list[Answer]:
        """Execute the selection of a subscription over events of its source, all at once as far as a plan goes.

        The context stays open. Raises ClientError (LIMIT_EXCEEDED) when it takes too long.
        """
        try:
            with self._deadlines.limit():
                return await self._answer_events(prepared, variables, events, context)
        except TimeoutError:
            raise ClientError(_too_long(self.limits), Code.LIMIT_EXCEEDED) from None

    async def _execute(self, prepared: PreparedOperation, variables: Variables | None, context: Context) -> Answer:
        """Run by a plan, or step aside to the reference executor, which has every error to tell."""
        if self._planner is None:
            return await self._execute_by_reference(prepared, variables, context)
        known: Answer | None = prepared.derived.get(INTROSPECTED)
        if known is not None:
            return known
        done = Done()
        try:
            return await self._execute_by_plan(self._planner.planned(prepared), prepared, variables, context, done)
        except StepAside as aside:
            reason = aside.reason
        except RequestError:
            raise
        except Exception as error:
            if getattr(error, "is_final", False):
                # It has used up its time already.
                raise
            # The reference executor meets it again, and tells it with its place.
            reason = "error"
        self.fallbacks[reason] += 1
        answer = await self._execute_by_reference(prepared, variables, context, done)
        if reason == INTROSPECTION and only_introspects(prepared.node) and not answer.errors:
            prepared.derived[INTROSPECTED] = answer
        return answer

    async def _execute_by_plan(
        self,
        planned: PlannedOperation,
        prepared: PreparedOperation,
        variables: Variables | None,
        context: Any,
        done: Done,
    ) -> Answer:
        """Run the plan; `done` keeps what mutations have given. Raises StepAside and what the plan's parts raise."""
        given = planned.variables.read(variables or {})
        plan = planned.plan(given, context.dialect)
        if prepared.is_mutation:
            data = await run_mutation(plan, context, given, planned.resolver, done)
        else:
            data = await run_query(plan, context, given, planned.resolver)
        return Answer(data, encoded=encode({"data": data}))

    async def _execute_by_reference(
        self, prepared: PreparedOperation, variables: Variables | None, context: Context, done: Done | None = None
    ) -> Answer:
        """Execute field by field under graphql-core; mutations that are `done` are not run again."""
        executor = self._executor(prepared, variables, context, done)
        return self._answer(await _to_the_end(executor), context)

    def _executor(
        self, prepared: PreparedOperation, variables: Variables | None, context: Context, root: Any = None
    ) -> Executor[Any]:
        """Coerce the variables and make the executor. Raises RequestError for variables that do not fit."""
        given = variables or {}
        try:
            check_variables(given, self.limits)
        except ClientError as error:
            raise request_error(error.message, error.code) from None
        executor = self._executor_class.build(
            self.schema,
            prepared.document,
            root_value=root,
            context_value=context,
            raw_variable_values=given,
            operation_name=prepared.name,
            max_coercion_errors=self.limits.errors,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            raise RequestError([input_error(error, Code.BAD_USER_INPUT) for error in executor])
        return executor

    async def _answer_events(
        self, prepared: PreparedOperation, variables: Variables | None, events: Sequence[Any], context: Any
    ) -> list[Answer]:
        """Answer by a plan, or step aside to the reference executor, event by event."""
        if self._planner is not None:
            try:
                planned = self._planner.planned(prepared)
                given = planned.variables.read(variables or {})
                made = await run_events(planned.plan(given, context.dialect), events, context, given)
                return [Answer(data, encoded=encode({"data": data})) for data in made]
            except StepAside as aside:
                self.fallbacks[aside.reason] += 1
            except Exception:  # noqa: BLE001 - the reference executor meets it again, and tells it with its place
                self.fallbacks["error"] += 1
        answers = []
        for event in events:
            executor = self._executor(prepared, variables, context).build_per_event_executor(event)
            executor.context_value = context
            answers.append(self._answer(await _to_the_end(executor, serially=False), context))
        return answers

    def _answer(self, result: ExecutionResult, context: Context) -> Answer:
        """Turn graphql-core's result into ours."""
        return Answer(result.data, format_errors(result.errors or (), context.request_id))

    def _timed_out(self, context: Context) -> Answer:
        """Return the answer to an operation that took too long."""
        return Answer(
            errors=[format_exception(ClientError(_too_long(self.limits), Code.LIMIT_EXCEEDED), context.request_id)]
        )


def _too_long(limits: Limits) -> str:
    """Say that the time is over."""
    return f"The operation took longer than {limits.seconds:g} seconds and was stopped."


async def _settled(result: Awaitable[object] | object) -> ExecutionResult:
    """Await what graphql-core returns as a coroutine only when some resolver was asynchronous."""
    if isawaitable(result):
        result = await result
    if not isinstance(result, ExecutionResult):
        # Incremental delivery has no directive in the schema, so validation has refused it.
        raise TypeError("An operation without incremental delivery has one result.")
    return result


async def _to_the_end(executor: Executor[Any], *, serially: bool | None = None) -> ExecutionResult:
    """Execute, and return when nothing of it runs any more; a cancellation reaches all that runs.

    When a field fails at once, graphql-core returns without its siblings. They are waited for, not cancelled: they end
    by themselves within the time of the operation, while cancelling what has not started leaves its coroutine without
    an owner, which Python warns of.
    """
    try:
        result = await _settled(executor.execute_operation(serially))
        await asyncio.gather(*executor.background_futures, return_exceptions=True)
    finally:
        left = list(executor.background_futures)
        for future in left:
            future.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    return result
