"""One WebSocket under graphql-transport-ws: who is calling, which operations run, and how it ends.

One task reads; each operation is a task of its own, with contexts of its own, and its failure is told under its id and
touches no other. Nothing is queued without bound: when the client does not take what is sent, the operation that sends
waits, and so does the reading; when that lasts, the connection is cut.
"""

import asyncio
import time

import structlog
from graphql import GraphQLFormattedError

from endpoints import messages
from endpoints.answers import HttpError
from endpoints.messages import CloseCode, Complete, Initialise, Message, Ping, SocketError, Subscribe
from endpoints.operation import SocketOperation, log_end
from endpoints.principal import Principal
from endpoints.pushes import Push
from endpoints.service import GraphQLService
from endpoints.sockets import Seat
from endpoints.trace import Trace
from endpoints.wire import Wire, WrongMessage
from engine.deadlines import Deadlines
from engine.errors import Code, RequestError, request_error

_log = structlog.get_logger("fleetgraph.websocket")


class Socket:
    """A connection from its handshake to its end."""

    def __init__(
        self,
        wire: Wire,
        service: GraphQLService,
        seat: Seat,
        trace: Trace,
        deadlines: Deadlines,
    ) -> None:
        """Speak over `wire`; `trace` is that of the request that was upgraded.

        `deadlines` limit the time that a client has to take a message.
        """
        self._wire = wire
        wire.drained = self._catch_up
        self._service = service
        self._settings = service.settings.sockets
        self._seat = seat
        self._trace = trace
        self._deadlines = deadlines
        self._initialised = False
        self._principal: Principal | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._pushes: dict[str, Push] = {}
        self._deadline: asyncio.Timeout | None = None
        self._leaving: SocketError | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = 0

    async def run(self, authorization: str | None) -> None:
        """Serve the connection until it ends. `authorization` is the header of the handshake, if there was one."""
        try:
            await self._read_in_time(authorization)
        except SocketError as error:
            await self._wire.close(error.code, error.reason)
        except ConnectionError:
            pass  # the client has gone, or was cut: there is nobody to tell
        except Exception as error:  # noqa: BLE001 - the boundary: logged, and the socket closed
            _log.error("websocket.fault", request_id=self._trace.request_id, exc_info=error)
            await self._wire.close(CloseCode.INTERNAL, b"Internal error")
        finally:
            self._deadline = None
            await self._stop()
            # Whoever has not closed by now does not read.
            self._wire.transport.abort()

    def leave(self, code: CloseCode, reason: str) -> None:
        """Close the connection as soon as the task that reads gets to it."""
        self._leaving = SocketError(code, reason)
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time())

    def sign_out(self) -> None:
        """Close the connection: whoever opened it may not be here any more."""
        self.leave(CloseCode.FORBIDDEN, "The session has ended")

    async def send(self, message: bytes) -> None:
        """Send a message, or wait while the client is slow. Raises ConnectionError when it is gone, or was too slow."""
        try:
            with self._deadlines.limit():
                await self._wire.send(message)
        except TimeoutError:
            _log.info("websocket.slow", request_id=self._trace.request_id, principal=self._trace.principal)
            self._wire.transport.abort()
            raise ConnectionResetError("The client is too slow.") from None

    async def _read_in_time(self, authorization: str | None) -> None:
        """Read until the connection ends, the time to say who one is has passed, or the token ends."""
        try:
            async with asyncio.timeout(self._settings.init_seconds) as deadline:
                self._deadline = deadline
                while (message := await self._receive()) is not None:
                    if isinstance(message, Initialise):
                        await self._initialise(message, authorization)
                        deadline.reschedule(self._token_end())
                        await self.send(messages.acknowledgement())
                    elif isinstance(message, Ping) and message.authorization is not None:
                        await self._renew(message.authorization)
                        deadline.reschedule(self._token_end())
                        await self.send(messages.pong())
                    else:
                        await self._take(message)
        except TimeoutError:
            if self._leaving is not None:
                raise self._leaving from None
            if self._initialised:
                raise SocketError(CloseCode.FORBIDDEN, "The token has expired") from None
            raise SocketError(CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout") from None

    async def _receive(self) -> Message | None:
        """Return the next message; None at the end."""
        try:
            text = await self._wire.receive()
        except WrongMessage:
            raise SocketError(CloseCode.BAD_REQUEST, "Messages are text") from None
        return None if text is None else messages.read(text)

    async def _initialise(self, message: Initialise, authorization: str | None) -> None:
        """Find out who is calling; once only."""
        if self._initialised:
            raise SocketError(CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
        try:
            self._principal = await self._service.principal(message.authorization or authorization, self._trace)
        except HttpError:
            raise SocketError(CloseCode.FORBIDDEN, "Forbidden") from None
        if not self._seat.move(self._principal):
            raise SocketError(CloseCode.TRY_AGAIN_LATER, "Too many connections")
        await self._connect(self._principal)
        self._initialised = True

    async def _connect(self, principal: Principal | None) -> None:
        """Be told when the principal is signed out."""
        if self._service.live is not None:
            try:
                await self._service.live.connect(principal, self)
            except RequestError:
                raise SocketError(CloseCode.FORBIDDEN, "Forbidden") from None

    async def _renew(self, authorization: str) -> None:
        """Go on under a fresh token of the same principal."""
        if not self._initialised:
            raise SocketError(CloseCode.UNAUTHORIZED, "Unauthorized")
        before = self._principal
        try:
            principal = await self._service.principal(authorization, self._trace)
        except HttpError:
            raise SocketError(CloseCode.FORBIDDEN, "Forbidden") from None
        if principal is None or before is None or principal.id != before.id:
            raise SocketError(CloseCode.FORBIDDEN, "A socket stays with its principal")
        live = self._service.live
        if live is not None:
            await self._connect(principal)
            try:
                await live.move([each.subscription for each in self._pushes.values()], principal)
            except RequestError:
                raise SocketError(CloseCode.FORBIDDEN, "Forbidden") from None
            if principal != before:
                live.disconnect(before, self)
        self._principal = principal

    def _token_end(self) -> float | None:
        """Return when the token ends, in the time of the event loop."""
        end = self._principal.expires_at if self._principal is not None else None
        if end is None:
            return None
        return asyncio.get_running_loop().time() + max(0.0, end - time.time())

    async def _take(self, message: Message) -> None:
        """Do what a message asks for."""
        match message:
            case Ping():
                await self.send(messages.pong())
            case Complete():
                self._end(message.id)
            case Subscribe():
                await self._begin(message)

    async def _begin(self, message: Subscribe) -> None:
        """Start an operation."""
        if not self._initialised:
            raise SocketError(CloseCode.UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations or message.id in self._pushes:
            raise SocketError(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists")
        if len(self._tasks) + len(self._pushes) >= self._settings.operations:
            limit = f"A connection may run {self._settings.operations} operations."
            await self.send(messages.error(message.id, request_error(limit, Code.LIMIT_EXCEEDED).errors))
            return
        self._started += 1
        trace = Trace(
            f"{self._trace.request_id}-{self._started}",
            principal=self._trace.principal,
            address=self._trace.address,
        )
        push = Push(message.id, self._service, self._wire, trace, self._ended_by_itself)
        operation = SocketOperation(message, self._service, self._principal, trace, self.send, push)
        task = asyncio.create_task(self._operate(operation, push))
        self._operations[message.id] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(message.id, done))

    async def _operate(self, operation: SocketOperation, push: Push) -> None:
        """Run an operation; a subscription that the live path serves is kept when its task ends."""
        await operation.run()
        if push.subscription is not None:
            if push.has_ended:
                self._close_push(push, push.outcome)
            else:
                self._pushes[push.id] = push

    def _catch_up(self) -> None:
        """Have what waited for the client sent."""
        live = self._service.live
        if live is not None:
            for push in list(self._pushes.values()):
                live.catch_up(push.subscription)

    def _ended_by_itself(self, push: Push, errors: list[GraphQLFormattedError] | None) -> None:
        """Tell the client that the live path has ended a subscription."""
        text = messages.complete(push.id) if errors is None else messages.error(push.id, errors)
        self._wire.push(messages.frame_head(len(text)) + text)
        if self._pushes.pop(push.id, None) is not None:
            self._close_push(push, push.outcome)

    def _close_push(self, push: Push, outcome: str) -> None:
        """Note the end of a subscription."""
        self._service.closed(push.trace, outcome)
        log_end(push.trace, push.seconds)

    def _end(self, operation_id: str) -> None:
        """Stop an operation that the client completes; one that has ended by itself is forgotten already."""
        push = self._pushes.pop(operation_id, None)
        if push is not None and self._service.live is not None:
            self._service.live.close(push.subscription)
            self._close_push(push, "ok")
        task = self._operations.pop(operation_id, None)
        if task is not None:
            task.cancel()

    def _ended(self, operation_id: str, task: asyncio.Task[None]) -> None:
        """Forget an operation that has ended; its id may be in use again by then."""
        self._tasks.discard(task)
        if self._operations.get(operation_id) is task:
            del self._operations[operation_id]

    async def _stop(self) -> None:
        """Stop all operations and wait until they have given back what they hold."""
        for operation_id in list(self._pushes):
            self._end(operation_id)
        if self._service.live is not None:
            self._service.live.disconnect(self._principal, self)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.error("websocket.fault", request_id=self._trace.request_id, exc_info=outcome)
