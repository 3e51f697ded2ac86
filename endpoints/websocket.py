"""The upgrade of `/graphql` to a WebSocket under graphql-transport-ws; the legacy subprotocol `graphql-ws` is off."""

import asyncio
from contextlib import ExitStack
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from endpoints.answers import HttpError
from endpoints.headers import Origins
from endpoints.messages import SUBPROTOCOL, CloseCode
from endpoints.service import GraphQLService
from endpoints.socket import Socket
from endpoints.sockets import Seat, Sockets, too_many_connections
from endpoints.trace import Trace, trace_of
from endpoints.wire import ABNORMAL, Upgraded, Wire
from engine.deadlines import Deadlines

BEATS: Final = 8
"""How often, within the time of a ping, it is looked whether one is due."""


class WebSocketView:
    """Opens sockets, and closes those that are left when the gateway stops."""

    def __init__(self, service: GraphQLService, origins: Origins, places: Sockets) -> None:
        """Serve the operations of `service` to pages of our own origin and of `origins`; sockets sit at `places`."""
        self._service = service
        self._settings = service.settings.sockets
        self._origins = origins
        self._sockets = places
        self._open: set[Socket] = set()
        self._wires: dict[Wire, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._deadlines = Deadlines(self._settings.send_seconds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Upgrade a request; the connection goes on in a task of its own."""
        if not self._origins.allows_socket(request):
            raise HttpError(HTTPStatus.FORBIDDEN, "This origin may not open a WebSocket.")
        if self._closing or self._sockets.is_full():
            raise too_many_connections()
        authorization = request.headers.get(hdrs.AUTHORIZATION)
        trace = trace_of(request)
        trace.upgraded = True
        # The request is kept by what counts and logs it, and shall not be kept by the socket.
        own = Trace(trace.request_id, address=self._service.addresses.of(request))
        with ExitStack() as taken:
            seat = taken.enter_context(Seat(self._sockets))
            wire = Wire.accept(request, (SUBPROTOCOL,), self._settings)
            if wire is not None:
                self._wires[wire] = None
                task = asyncio.create_task(self._serve(wire, seat, taken.pop_all(), own, authorization))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return Upgraded()

    async def _serve(self, wire: Wire, seat: Seat, taken: ExitStack, trace: Trace, authorization: str | None) -> None:
        """Serve one connection to its end; `taken` gives its place back."""
        metrics = self._service.metrics
        metrics.sockets.inc()
        try:
            with taken:
                socket = Socket(wire, self._service, seat, trace, self._deadlines)
                self._open.add(socket)
                try:
                    if wire.subprotocol != SUBPROTOCOL:
                        await wire.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, b"Subprotocol not acceptable")
                    else:
                        await socket.run(authorization)
                finally:
                    self._open.discard(socket)
        finally:
            del self._wires[wire]
            metrics.sockets.dec()
            metrics.close(wire.close_code or ABNORMAL)

    async def beat(self) -> None:
        """Ping silent clients, for ever."""
        while True:
            await asyncio.sleep(self._settings.ping_seconds / BEATS)
            now = asyncio.get_running_loop().time()
            for wire in list(self._wires):
                wire.beat(now)

    async def close(self) -> None:
        """Close all sockets with 1001: clients reconnect, to another process or after the restart."""
        self._closing = True
        for socket in self._open:
            socket.leave(CloseCode.GOING_AWAY, "Going away")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._settings.close_seconds * 3)
        for wire in list(self._wires):
            wire.transport.abort()
