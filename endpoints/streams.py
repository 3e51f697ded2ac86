"""Subscriptions over HTTP: one answer to one request, which lasts, and how it ends.

The handler of the request is the one task of a stream. It waits while its client is slow, so the events behind it wait
too; when the client takes nothing for a time, the connection is cut. A client that goes away cancels the handler.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Final, Protocol

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from graphql import GraphQLFormattedError

from endpoints.answers import bad_request
from endpoints.headers import Headers
from endpoints.parameters import Parameters
from endpoints.principal import Principal
from endpoints.service import GraphQLService
from endpoints.settings import SocketSettings
from endpoints.sockets import Sockets, too_many_connections
from endpoints.trace import Trace
from engine.deadlines import Deadlines
from engine.documents import PreparedOperation
from engine.errors import Code, fault, format_exception, request_error
from engine.execution import Answer

LAST_EVENT_ID: Final = "Last-Event-ID"
_AT_ONCE: Final = 100
"""Streams that get a sign of life before others have their turn."""

_log = structlog.get_logger("fleetgraph.streams")


class Format(Protocol):
    """How a stream is written."""

    content_type: str
    opening: bytes
    """Sent at once, so that the client knows that it is heard."""
    beat: bytes
    """A sign of life."""
    complete: bytes
    """The end of an operation that has nothing more to say."""

    def result(self, answer: Answer) -> bytes:
        """Write one answer. Raises TypeError for a value that JSON cannot hold."""

    def refused(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Write the end of an operation that failed as a whole."""

    def broken(self, errors: list[GraphQLFormattedError]) -> bytes:
        """Write the end of a stream that cannot go on."""

    def stopped(self, cursor: str | None) -> bytes:
        """Write the end of a stream whose gateway stops; `cursor` is that of the last event that was sent."""


class _Gone(Exception):
    """The client is not there any more. What else may lose a connection (a database) is a fault of this side."""


class Stream:
    """One answer that lasts."""

    def __init__(
        self,
        transport: asyncio.Transport,
        writer: AbstractStreamWriter,
        written: Format,
        settings: SocketSettings,
        deadlines: Deadlines,
        trace: Trace,
    ) -> None:
        """Write to `writer`, whose head is sent, over `transport`; `deadlines` limit the time of each piece."""
        self._transport = transport
        self._writer = writer
        self._format = written
        self._settings = settings
        self._deadlines = deadlines
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._written = self._loop.time()
        self._stuck = (0, self._written)
        """How much waited to be sent when it was looked at, and since when it is no less."""
        self._cursor: str | None = None
        self._lasting: asyncio.Timeout | None = None
        self._stopping = False
        self._ended = False

    async def run(self, answers: AsyncGenerator[Answer, None], seconds: float | None) -> None:
        """Send answers until there are no more, the client goes, or `seconds` have passed: its token ends then."""
        try:
            async with asyncio.timeout(seconds) as self._lasting:
                await self._send(self._format.opening)
                last = await self._send_all(answers)
        except TimeoutError as error:
            last = self._timed_out(error)
        except _Gone:
            self._trace.outcome = "lost"
            return
        except Exception as error:  # noqa: BLE001 - the boundary: logged, and told as a fault
            last = self._format.broken([format_exception(error, self._trace.request_id)])
        finally:
            self._ended = True
        await self._finish(last)

    def stop(self) -> None:
        """End it, because the gateway stops."""
        if self._lasting is not None and not self._ended:
            self._stopping = True
            self._lasting.reschedule(self._loop.time())

    async def beat(self) -> None:
        """Show that the stream lives, when nothing was sent for half of the ping time; cut who takes nothing."""
        if self._transport.is_closing():
            return
        now = self._loop.time()
        waiting = self._transport.get_write_buffer_size()
        if not waiting:
            self._stuck = (0, now)
            if now - self._written >= self._settings.ping_seconds / 2 and not self._ended:
                with suppress(ConnectionError):
                    await self._writer.write(self._format.beat)
                self._written = now
        elif not 0 < self._stuck[0] <= waiting:
            self._stuck = (waiting, now)
        elif now - self._stuck[1] >= self._settings.send_seconds:
            self._cut()

    def _timed_out(self, error: TimeoutError) -> bytes:
        """Return what is to be sent when the time of the stream is over, or what else took too long failed."""
        if self._stopping:
            return self._format.stopped(self._cursor)
        if self._lasting is not None and self._lasting.expired():
            return self._format.broken(_token_end())
        return self._format.broken([format_exception(error, self._trace.request_id)])

    async def _send_all(self, answers: AsyncGenerator[Answer, None]) -> bytes:
        """Send answers; return what is to be sent behind them."""
        async with aclosing(answers):
            async for answer in answers:
                if not answer.executed:
                    return self._format.refused(answer.errors)
                try:
                    piece = self._format.result(answer)
                except TypeError as error:
                    # A stored JSON value that orjson cannot write (nested too deeply, a number beyond 64 bits).
                    _log.error("graphql.unwritable", request_id=self._trace.request_id, exc_info=error)
                    return self._format.refused([fault(self._trace.request_id)])
                await self._send(piece)
                self._cursor = answer.cursor
        return self._format.complete

    async def _send(self, piece: bytes) -> None:
        """Send a piece, or wait while the client is slow. Raises _Gone when it has gone, or was too slow."""
        try:
            with self._deadlines.limit():
                await self._writer.write(piece)
                await self._writer.drain()
        except TimeoutError:
            self._cut()
            raise _Gone from None
        except ConnectionError as error:
            raise _Gone from error
        self._written = self._loop.time()

    async def _finish(self, last: bytes) -> None:
        """Send the last piece; a client that does not take it in time finds the connection cut."""
        try:
            async with asyncio.timeout(self._settings.close_seconds):
                await self._writer.write_eof(last)
        except TimeoutError:
            self._cut()
        except ConnectionError:
            self._trace.outcome = "lost"

    def _cut(self) -> None:
        _log.info("stream.slow", request_id=self._trace.request_id, principal=self._trace.principal)
        self._transport.abort()


class Streams:
    """All streams of a process."""

    def __init__(self, service: GraphQLService, places: Sockets, headers: Headers) -> None:
        """Serve the subscriptions of `service`; streams sit at `places`, beside the sockets of the same principals."""
        self._service = service
        self._settings = service.settings.sockets
        self._places = places
        self._headers = headers
        self._open: set[Stream] = set()
        self._closing = False
        self._deadlines = Deadlines(self._settings.send_seconds)
        self._beating: asyncio.Task[None] | None = None

    async def serve(
        self,
        request: web.Request,
        prepared: PreparedOperation,
        parameters: Parameters,
        principal: Principal | None,
        written: Format,
        trace: Trace,
    ) -> web.StreamResponse:
        """Answer with a subscription, to its end.

        Raises RequestError and HttpError when it may not start: 429 for a caller who has too many connections or has
        spent its budget, 503 for a process that has too many, 400 for a `Last-Event-ID` that is none.
        """
        if self._closing:
            raise too_many_connections()
        with self._places.seated(principal):
            answers = self._service.subscribe(
                prepared,
                parameters.variables,
                principal,
                trace,
                tell_cost=parameters.tell_cost,
                after=_last_event_id(request),
            )
            async with aclosing(answers):
                return await self._run(request, answers, principal, written, trace)

    def close(self) -> None:
        """End all streams: clients connect again, to another process or after the restart."""
        self._closing = True
        for stream in self._open:
            stream.stop()

    async def _run(
        self,
        request: web.Request,
        answers: AsyncGenerator[Answer, None],
        principal: Principal | None,
        written: Format,
        trace: Trace,
    ) -> web.StreamResponse:
        """Send the head and then the answers."""
        response = web.StreamResponse(
            status=HTTPStatus.OK,
            headers={
                "Content-Type": written.content_type,
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            },
        )
        # By the short way there is no signal that would do it.
        self._headers.complete(request, response, trace.request_id)
        trace.streamed = True
        transport = request.transport
        try:
            writer = await response.prepare(request)
        except ConnectionError:
            return response
        if writer is None or transport is None:
            return response
        transport.set_write_buffer_limits(high=self._settings.buffer_bytes)
        stream = Stream(transport, writer, written, self._settings, self._deadlines, trace)
        self._add(stream)
        try:
            await stream.run(answers, _seconds_left(principal))
        finally:
            self._remove(stream)
            if not transport.is_closing():
                transport.set_write_buffer_limits()
        return response

    def _add(self, stream: Stream) -> None:
        self._open.add(stream)
        self._service.metrics.streams.inc()
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())

    def _remove(self, stream: Stream) -> None:
        self._open.discard(stream)
        self._service.metrics.streams.dec()
        if not self._open and self._beating is not None:
            self._beating.cancel()
            self._beating = None

    async def _beat(self) -> None:
        """Look after all streams, twice in each ping time."""
        while True:
            await asyncio.sleep(self._settings.ping_seconds / 2)
            for number, stream in enumerate(list(self._open)):
                await stream.beat()
                if number % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(0)


def _last_event_id(request: web.Request) -> str | None:
    """Return the cursor to go on from. Raises HttpError (400) for what no cursor can be."""
    given = request.headers.get(LAST_EVENT_ID)
    if given is not None and not given.isascii():
        raise bad_request(f"`{LAST_EVENT_ID}` is not a cursor.")
    return given or None


def _seconds_left(principal: Principal | None) -> float | None:
    """Return how long the credentials are good for."""
    end = principal.expires_at if principal is not None else None
    return None if end is None else max(0.0, end - time.time())


def _token_end() -> list[GraphQLFormattedError]:
    """Return the error of a stream that has outlived the token that opened it."""
    message = "The token has expired. Subscribe again with a fresh one, behind the last event."
    return request_error(message, Code.UNAUTHENTICATED).errors
