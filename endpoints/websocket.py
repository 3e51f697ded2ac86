"""The upgrade of `/graphql` to a WebSocket under graphql-transport-ws; the legacy subprotocol `graphql-ws` is off."""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from endpoints.answers import HttpError
from endpoints.headers import Origins
from endpoints.messages import SUBPROTOCOL, CloseCode
from endpoints.service import GraphQLService
from endpoints.socket import Socket, Wire
from endpoints.sockets import Seat, Sockets
from endpoints.trace import trace_of
from engine.deadlines import Deadlines

_ABNORMAL: Final = 1006


class WebSocketView:
    """Opens sockets, and closes those that are left when the gateway stops."""

    def __init__(self, service: GraphQLService, origins: Origins, places: Sockets) -> None:
        """Serve the operations of `service` to pages of our own origin and of `origins`; sockets sit at `places`."""
        self._service = service
        self._settings = service.settings.sockets
        self._origins = origins
        self._sockets = places
        self._open: set[Socket] = set()
        self._closing = False
        self._deadlines = Deadlines(self._settings.send_seconds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection to its end."""
        if not self._origins.allows_socket(request):
            raise HttpError(HTTPStatus.FORBIDDEN, "This origin may not open a WebSocket.")
        if self._closing or self._sockets.is_full():
            raise HttpError(
                HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections.", headers={"Retry-After": "5"}
            )
        wire: Wire = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            heartbeat=self._settings.ping_seconds,
            timeout=self._settings.close_seconds,
            max_msg_size=self._settings.message_bytes,
            writer_limit=self._settings.buffer_bytes,
            # Compression costs each connection its own window of memory, and the loop its time.
            compress=False,
            decode_text=False,
        )
        metrics = self._service.metrics
        with Seat(self._sockets) as seat:
            await wire.prepare(request)
            trace = trace_of(request)
            trace.upgraded = True
            trace.address = self._service.addresses.of(request)
            transport = request.transport
            if transport is None:
                return wire  # gone during the handshake
            socket = Socket(wire, transport, self._service, seat, trace, self._deadlines)
            self._open.add(socket)
            metrics.sockets.inc()
            try:
                if wire.ws_protocol != SUBPROTOCOL:
                    await socket.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, b"Subprotocol not acceptable")
                else:
                    await socket.run(request.headers.get(hdrs.AUTHORIZATION))
            finally:
                self._open.discard(socket)
                metrics.sockets.dec()
                metrics.close(socket.close_code or wire.close_code or _ABNORMAL)
        return wire

    async def close(self) -> None:
        """Close all sockets with 1001: clients reconnect, to another process or after the restart."""
        self._closing = True
        await asyncio.gather(*(socket.close(CloseCode.GOING_AWAY, b"Going away") for socket in self._open))
