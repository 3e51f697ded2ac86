"""One operation on a WebSocket, from its `subscribe` message to its `complete` or `error`."""

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias

import structlog

from endpoints import messages
from endpoints.answers import HttpError
from endpoints.logs import Line, log_access
from endpoints.messages import Subscribe
from endpoints.principal import Principal
from endpoints.pushes import Push
from endpoints.service import GraphQLService
from endpoints.trace import Trace
from engine.documents import PreparedOperation
from engine.errors import RequestError, fault, format_exception, request_error
from engine.execution import Answer

Send: TypeAlias = Callable[[bytes], Awaitable[None]]

_log = structlog.get_logger("fleetgraph.websocket")


class SocketOperation:
    """A query, a mutation or a subscription that answers under the id that the client gave it."""

    def __init__(
        self,
        message: Subscribe,
        service: GraphQLService,
        principal: Principal | None,
        trace: Trace,
        send: Send,
        push: Push,
    ) -> None:
        """Answer through `send`, or let the live path answer through `push`; `trace` is this operation's own."""
        self._id = message.id
        self._parameters = message.parameters
        self._service = service
        self._principal = principal
        self._trace = trace
        self._send = send
        self._push = push

    async def run(self) -> None:
        """Run to the end. Whatever fails is told to the client under this id; a lost connection just ends it."""
        started = time.perf_counter()
        try:
            await self._run()
        except RequestError as error:
            await self._tell(messages.error(self._id, error.errors))
        except HttpError as error:
            await self._tell(messages.error(self._id, request_error(error.message, error.code).errors))
        except ConnectionError:
            self._trace.outcome = "lost"
        except Exception as error:  # noqa: BLE001 - the boundary: logged, and told as a fault
            await self._tell(messages.error(self._id, [format_exception(error, self._trace.request_id)]))
        finally:
            if self._push.subscription is None:
                log_access(_line, self._trace, time.perf_counter() - started)

    async def _run(self) -> None:
        """Prepare the operation and run it as its kind needs."""
        prepared = self._service.prepare(self._parameters, self._principal, self._trace)
        if prepared.is_subscription:
            await self._subscribe(prepared)
        else:
            await self._execute(prepared)

    async def _execute(self, prepared: PreparedOperation) -> None:
        """Answer a query or a mutation once."""
        answer = await self._service.execute(
            prepared,
            self._parameters.variables,
            self._principal,
            self._trace,
            tell_cost=self._parameters.tell_cost,
        )
        if not answer.executed:
            raise RequestError(answer.errors)
        await self._next(answer)
        await self._send(messages.complete(self._id))

    async def _subscribe(self, prepared: PreparedOperation) -> None:
        """Answer a subscription with each of its events, or have that done: it goes on when this task has ended."""
        if self._service.live is not None and not self._parameters.tell_cost:
            self._push.subscription = await self._service.open(
                self._service.live,
                prepared,
                self._parameters.variables,
                self._principal,
                self._trace,
                self._push,
            )
            return
        answers = self._service.subscribe(
            prepared,
            self._parameters.variables,
            self._principal,
            self._trace,
            tell_cost=self._parameters.tell_cost,
        )
        async with aclosing(answers):
            async for answer in answers:
                if not answer.executed:
                    raise RequestError(answer.errors)
                await self._next(answer)
        await self._send(messages.complete(self._id))

    async def _next(self, answer: Answer) -> None:
        """Send one answer."""
        try:
            message = messages.next_result(self._id, answer)
        except TypeError as error:
            # A stored JSON value that orjson cannot write (nested too deeply, a number beyond 64 bits).
            _log.error("graphql.unwritable", request_id=self._trace.request_id, exc_info=error)
            raise RequestError([fault(self._trace.request_id)]) from error
        await self._send(message)

    async def _tell(self, message: bytes) -> None:
        """Send the last message, if there still is somebody to take it."""
        try:
            await self._send(message)
        except ConnectionError:
            self._trace.outcome = "lost"


def log_end(trace: Trace, seconds: float) -> None:
    """Log the end of a subscription that the live path has served."""
    log_access(_line, trace, seconds)


def _line(trace: Trace, seconds: float) -> Line:
    """Return what the log says of an operation."""
    return {
        "event": "operation",
        "request_id": trace.request_id,
        "kind": trace.kind,
        "operation": trace.operation,
        "outcome": trace.outcome,
        "cost": trace.cost,
        "milliseconds": round(seconds * 1000, 3),
        "principal": trace.principal,
    }
