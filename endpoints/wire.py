"""A WebSocket below its subprotocol (RFC 6455): the handshake over aiohttp, the frames on a protocol of our own.

aiohttp keeps the request, its parser and the tasks of its handler for as long as one of its WebSockets lives, which is
most of what an idle socket costs. Here the connection leaves aiohttp with the handshake; the parser of frames stays.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import WebSocketError, WSMsgType, hdrs, web
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import WebSocketReader
from aiohttp.streams import EofStream

from endpoints.answers import HttpError
from endpoints.messages import frame_head
from endpoints.settings import SocketSettings

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_BYTES: Final = 16
VERSION: Final = "13"
PING: Final = b"\x89\x00"
ABNORMAL: Final = 1006
NO_CODE: Final = 1005

_log = structlog.get_logger("fleetgraph.websocket")


class Upgraded(web.StreamResponse):
    """What the handler returns when the connection is no longer aiohttp's: the answer has been sent."""

    def __init__(self) -> None:
        """101, and no further request on this connection."""
        super().__init__(status=HTTPStatus.SWITCHING_PROTOCOLS)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to do."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to do."""


class _Tail:
    """Takes what has come behind the handshake already, as aiohttp hands it to a parser."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Keep it."""
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """There is no more."""


class Wire(asyncio.Protocol):
    """The frames of one connection: messages in, messages out, pings, and the closing handshake."""

    __slots__ = (
        "_closing",
        "_drained",
        "_full_at",
        "_loop",
        "_queue",
        "_reader",
        "_reading_paused",
        "_settings",
        "_writing_paused",
        "close_code",
        "drained",
        "heard_at",
        "subprotocol",
        "transport",
    )

    def __init__(self, transport: asyncio.Transport, subprotocol: str | None, settings: SocketSettings) -> None:
        """Speak on `transport`, whose protocol this is from now on."""
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._closing = False
        self._drained: asyncio.Future[None] | None = None
        self._full_at: tuple[int, float] | None = None
        self._reading_paused = False
        self._writing_paused = False
        self._queue: Any = WebSocketDataQueue(self, settings.message_bytes, loop=self._loop)  # type: ignore[arg-type]
        self._reader = WebSocketReader(self._queue, settings.message_bytes, compress=False, decode_text=False)
        self.close_code: int | None = None
        self.drained: Callable[[], None] | None = None
        """Called when a client that was slow takes some again."""
        self.heard_at = self._loop.time()
        self.subprotocol = subprotocol
        self.transport = transport
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=settings.buffer_bytes)

    @classmethod
    def accept(cls, request: web.Request, subprotocols: Sequence[str], settings: SocketSettings) -> Wire | None:
        """Answer the handshake and take the connection over; None when the client is gone.

        The handler returns `Upgraded` then. Raises HttpError: 400 for what is no handshake, 426 for another version.
        """
        accepted = _accepted(request)
        transport = request.transport
        if transport is None:
            return None
        offered = [each.strip() for each in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")]
        chosen = next((each for each in offered if each in subprotocols), None)
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accepted}",
            *([] if chosen is None else [f"Sec-WebSocket-Protocol: {chosen}"]),
        ]
        transport.write("\r\n".join([*lines, "", ""]).encode())
        handler = request.protocol
        tail = _Tail()
        handler.set_parser(tail)  # type: ignore[arg-type]
        handler.keep_alive(False)
        # The server closes the connections that it knows of when it stops, and a handler that of its transport when it
        # ends: this one belongs to neither any more.
        handler.transport = None
        manager = handler._manager  # noqa: SLF001 - the server has no public name here
        if manager is not None:
            manager.connection_lost(handler, None)
        wire = cls(transport, chosen, settings)
        if tail.data:
            wire.data_received(tail.data)
        return wire

    @property
    def is_closing(self) -> bool:
        """Whether nothing may be sent any more."""
        return self._closing or self.transport.is_closing()

    async def receive(self) -> bytes | None:
        """The next text; None at the end. Raises WrongMessage for anything but text."""
        while True:
            try:
                message = await self._queue.read()
            except EofStream:
                return None
            except WebSocketError as error:
                self._say_goodbye(error.code, b"")
                self.transport.close()
                return None
            kind = message.type
            if kind is WSMsgType.TEXT:
                text: bytes = message.data
                return text
            if kind is WSMsgType.PING:
                self._write_control(0x8A, message.data)
            elif kind is WSMsgType.CLOSE:
                code = message.data or NO_CODE
                self._say_goodbye(code, b"")
                self.close_code = code
                self.transport.close()
                return None
            elif kind is not WSMsgType.PONG:
                raise WrongMessage

    def has_room(self) -> bool:
        """Whether the client takes what it is sent. One that takes nothing at all for too long is cut."""
        if not self._writing_paused:
            return True
        size, now = self.transport.get_write_buffer_size(), self._loop.time()
        if self._full_at is None or size < self._full_at[0]:
            self._full_at = (size, now)
        elif now - self._full_at[1] > self._settings.send_seconds:
            _log.info("websocket.slow", waiting=size)
            self.transport.abort()
        return False

    def push(self, frames: bytes) -> None:
        """Send frames that are made already; who sends much asks `has_room` first."""
        if not self._closing:
            self.transport.write(frames)

    async def send(self, text: bytes) -> None:
        """Send a text, and wait while the client is slow. Raises ConnectionError when it is gone."""
        if self.is_closing:
            raise ConnectionResetError("The connection is closed.")
        self.transport.write(frame_head(len(text)) + text)
        if self._writing_paused:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)
            if self.transport.is_closing():
                raise ConnectionResetError("The connection was lost.")

    async def close(self, code: int, reason: bytes) -> bool:
        """Close with a code, unless it is closing already; nobody else may be receiving.

        Waits for the client to close, too. One that does not, or does not take what waits for it, finds the connection
        cut.
        """
        if self.is_closing:
            return False
        self._say_goodbye(code, reason)
        try:
            async with asyncio.timeout(self._settings.close_seconds):
                while (await self._queue.read()).type is not WSMsgType.CLOSE:
                    pass
        except (EofStream, WebSocketError, TimeoutError):
            pass
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()
        return True

    def beat(self, now: float) -> None:
        """Ping a client that has been silent for a while, and cut one that has not answered."""
        silence = now - self.heard_at
        if silence > self._settings.ping_seconds * 1.5:
            self.transport.abort()
        elif silence > self._settings.ping_seconds and not self.is_closing:
            self.transport.write(PING)

    def _say_goodbye(self, code: int, reason: bytes) -> None:
        """Send the close frame; the last one."""
        if not self.is_closing:
            self._closing = True
            self.close_code = code
            shown = b"" if code in {NO_CODE, ABNORMAL} else code.to_bytes(2, "big") + reason
            self._write_control(0x88, shown)

    def _write_control(self, opcode: int, payload: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(bytes((opcode, len(payload))) + payload)

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        self.heard_at = self._loop.time()
        self._reader.feed_data(data)

    def eof_received(self) -> bool:
        """The client sends no more: the connection is closed."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more, and nothing goes."""
        self._closing = True
        self._queue.feed_eof()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """There is room again, or nobody to wait for."""
        self._writing_paused = False
        self._full_at = None
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
        if self.drained is not None and not self._closing:
            self.drained()

    def pause_reading(self) -> None:
        """Too many messages wait to be read: called by their queue."""
        self._reading_paused = True
        self.transport.pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - as aiohttp calls it
        """They have been read: called by their queue."""
        self._reading_paused = False
        if not self.transport.is_closing():
            self.transport.resume_reading()


class WrongMessage(Exception):
    """Something came that is no text."""


def _accepted(request: web.Request) -> str:
    """The answer to the key of a handshake. Raises HttpError for what is none."""
    headers = request.headers
    tokens = {each.strip().lower() for each in headers.get(hdrs.CONNECTION, "").split(",")}
    if headers.get(hdrs.UPGRADE, "").lower() != "websocket" or "upgrade" not in tokens:
        raise HttpError(HTTPStatus.BAD_REQUEST, "This is no handshake of a WebSocket.")
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION, "") != VERSION:
        wanted = {"Sec-WebSocket-Version": VERSION}
        raise HttpError(HTTPStatus.UPGRADE_REQUIRED, "This version of WebSockets is not spoken.", headers=wanted)
    key = headers.get(hdrs.SEC_WEBSOCKET_KEY, "")
    try:
        if len(base64.b64decode(key, validate=True)) != KEY_BYTES:
            raise HttpError(HTTPStatus.BAD_REQUEST, "The handshake has no valid key.")
    except binascii.Error:
        raise HttpError(HTTPStatus.BAD_REQUEST, "The handshake has no valid key.") from None
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()  # noqa: S324 - RFC 6455, 4.2.2
