"""What the GraphQL endpoints share: the operations, who is calling, and how an operation is run and counted."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from endpoints.addresses import Addresses
from endpoints.answers import HttpError
from endpoints.costs import Charge, Costs
from endpoints.documents import RequestedDocuments, not_registered
from endpoints.live import Live, Outlet, stream
from endpoints.metrics import Metrics
from endpoints.parameters import Parameters
from endpoints.principal import Authenticate, MakeContext, Principal
from endpoints.resumption import resumed
from endpoints.running import Running
from endpoints.settings import EndpointSettings
from endpoints.trace import Trace
from engine.documents import PreparedOperation
from engine.errors import Code, RequestError
from engine.execution import Answer, Context, Operations, Variables, refused


class PaidOutlet(Outlet, Protocol):
    """An outlet that charges its caller for what it sends."""

    def charged(self, charge: Charge) -> None:
        """Each event costs as much as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLService:
    """Prepares and runs operations for one profile."""

    operations: Operations
    settings: EndpointSettings
    authenticate: Authenticate
    make_context: MakeContext
    metrics: Metrics
    running: Running
    documents: RequestedDocuments
    costs: Costs
    addresses: Addresses
    live: Live | None = None
    """Serves subscriptions; without it each one runs by itself, from the source that its resolver gives."""

    async def principal(self, authorization: str | None, trace: Trace) -> Principal | None:
        """Find out who is calling and note it. Raises HttpError (401) for credentials that are not good."""
        try:
            principal = await self.authenticate(authorization)
        except Exception as error:
            if getattr(error, "code", None) != Code.UNAUTHENTICATED:
                raise
            message = str(getattr(error, "message", "")) or "The credentials are not valid."
            raise HttpError(401, message, headers={"WWW-Authenticate": "Bearer"}) from error
        trace.principal = principal.id if principal is not None else None
        return principal

    def prepare(
        self, parameters: Parameters, principal: Principal | None, trace: Trace, *, registered_only: bool = False
    ) -> PreparedOperation:
        """Find the operation that is asked for; see `RequestedDocuments.text` for `registered_only`.

        Raises RequestError, or HttpError for a document that is not registered or has another hash.
        """
        trace.kind = "unknown"
        try:
            text = self.documents.text(parameters, registered_only=registered_only)
            prepared = self.operations.prepare(text, parameters.operation_name, introspection=self._tells(principal))
        except RequestError as error:
            self.count(trace, "refused")
            if self.documents.trusted_only and error.code == Code.UNAUTHENTICATED:
                # Registered by hand, and asks for the schema.
                raise not_registered() from None
            raise
        self.documents.keep(parameters)
        trace.kind = prepared.kind.value
        trace.operation = prepared.name
        return prepared

    def _tells(self, principal: Principal | None) -> bool:
        """Whether the schema is told to this caller."""
        if self.documents.trusted_only:
            return False
        return principal is not None or not self.settings.production

    async def execute(
        self,
        prepared: PreparedOperation,
        variables: Variables,
        principal: Principal | None,
        trace: Trace,
        *,
        tell_cost: bool = False,
    ) -> Answer:
        """Run a query or a mutation, in a context of its own, when its caller may ask for as much.

        When the caller goes away, a query is cancelled and a mutation runs to its end. Raises HttpError: 429 when the
        caller has spent its budget, 503 when too many operations run.
        """
        started = time.perf_counter()
        try:
            charge = self.charge(prepared, variables, trace)
        except RequestError as error:
            return refused(error)
        outcome = "cancelled"
        try:
            if prepared.is_query:
                self.running.enter()
                try:
                    context = self.make_context(principal, trace.request_id)
                    answer = await self.operations.execute(prepared, variables, context)
                finally:
                    self.running.leave()
            else:
                answer = await self.running.to_the_end(lambda: self._run(prepared, variables, principal, trace))
            outcome = answer.outcome
        finally:
            self.count(trace, outcome, time.perf_counter() - started)
        return answer.extended({"cost": self.costs.told(charge)}) if tell_cost else answer

    def charge(self, prepared: PreparedOperation, variables: Variables, trace: Trace) -> Charge:
        """Charge the caller for an operation. Raises RequestError and HttpError (429): see `Costs.charge`."""
        try:
            return self.costs.charge(prepared, variables, trace)
        except (RequestError, HttpError):
            self.count(trace, "refused")
            raise

    async def _run(
        self, prepared: PreparedOperation, variables: Variables, principal: Principal | None, trace: Trace
    ) -> Answer:
        """Run it; the context is made when the operation has its place."""
        context = self.make_context(principal, trace.request_id)
        return await self.operations.execute(prepared, variables, context)

    def subscribe(
        self,
        prepared: PreparedOperation,
        variables: Variables,
        principal: Principal | None,
        trace: Trace,
        *,
        tell_cost: bool = False,
        after: str | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Run a subscription: one context for its source, and one for each event. Close the generator to end it.

        `after` is the cursor to go on from; it wins over the argument of that name (`endpoints.resumption`). Each event
        costs what the operation costs; while the caller has nothing left, events wait. Raises RequestError and
        HttpError, at once, when it may not even start.
        """
        if after is not None:
            prepared, variables = resumed(self.operations.schema, prepared, variables, after)
        charge = self.charge(prepared, variables, trace)
        return self._answers(prepared, variables, principal, trace, charge, tell_cost=tell_cost)

    async def _answers(
        self,
        prepared: PreparedOperation,
        variables: Variables,
        principal: Principal | None,
        trace: Trace,
        charge: Charge,
        *,
        tell_cost: bool,
    ) -> AsyncGenerator[Answer, None]:
        """Yield the answers of a subscription that has been charged for its first event."""

        def context() -> Context:
            return self.make_context(principal, trace.request_id)

        outcome = "cancelled"
        self.metrics.subscriptions.inc()
        try:
            if self.live is None:
                source = self.operations.subscribe(prepared, variables, context(), context)
            else:
                source = stream(self.live, prepared, variables, principal, trace.request_id)
            async with aclosing(source) as answers:
                outcome = "ok"
                async for answer in answers:
                    if answer.executed:
                        self.metrics.events.inc()
                    else:
                        outcome = "refused"
                    yield answer.extended({"cost": self.costs.told(charge)}) if tell_cost else answer
                    # A source that always has another event would keep everybody else waiting.
                    await asyncio.sleep(0)
                    charge = await self.costs.pace(charge, trace)
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "cancelled" if outcome == "ok" else outcome
            raise
        finally:
            self.metrics.subscriptions.dec()
            self.count(trace, outcome)

    async def open(
        self,
        live: Live,
        prepared: PreparedOperation,
        variables: Variables,
        principal: Principal | None,
        trace: Trace,
        outlet: PaidOutlet,
    ) -> Any:
        """Open a subscription that pushes its answers into an outlet; returns what `live` closes.

        Raises RequestError and HttpError when it may not start.
        """
        outlet.charged(self.charge(prepared, variables, trace))
        self.metrics.subscriptions.inc()
        try:
            return await live.open(prepared, variables, principal, trace.request_id, outlet)
        except BaseException as error:
            self.closed(trace, "refused" if isinstance(error, RequestError) else "cancelled")
            raise

    def closed(self, trace: Trace, outcome: str) -> None:
        """Count the end of a subscription that was opened."""
        self.metrics.subscriptions.dec()
        self.count(trace, outcome)

    def count(self, trace: Trace, outcome: str, seconds: float | None = None) -> None:
        """Note how an operation ended."""
        trace.outcome = outcome
        self.metrics.operation(trace.kind or "unknown", outcome, seconds)
