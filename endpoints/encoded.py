"""Answers whose JSON is there already: their head is put together once a second, and sent with the body in one piece.

aiohttp's own response builds a dictionary of headers for each answer, completes it, and writes it out name by name.
That takes longer than a small query; what differs between two answers is their id and their length.
"""

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from endpoints.headers import Headers
from endpoints.trace import Trace

_HEADS: Final = 64
"""Heads that are kept: one for each media type and each web origin that calls."""
_ONE_PIECE: Final = 65_536
"""Longest body that is copied behind its head, in bytes; a longer one is handed to the system beside it."""


class EncodedResponse(web.StreamResponse):
    """A head and a body as bytes, for HTTP/1.1 and a connection that is kept."""

    def __init__(self, head: bytes, body: bytes) -> None:
        """`head` is everything up to and including the empty line."""
        super().__init__()
        self._head = head
        self._content = body

    @property
    def keep_alive(self) -> bool:
        """The connection waits for the next request."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send it all. The headers are complete: no signal of the application adds to them."""
        writer = request.writer
        if len(self._content) > _ONE_PIECE:
            await writer.write(self._head)
            await writer.write_eof(self._content)
        else:
            await writer.write_eof(self._head + self._content)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: it has been sent."""
        del data


class Heads:
    """The heads of answers with status 200."""

    def __init__(self, headers: Headers) -> None:
        """Put `headers` into each."""
        self._headers = headers
        self._second = 0
        self._made: dict[tuple[str, str | None], str] = {}

    def response(self, request: web.Request, trace: Trace, media_type: str, body: bytes) -> web.StreamResponse | None:
        """Return an answer to `request`; None when its head has to be put together by aiohttp."""
        if request.version != HttpVersion11 or not request.keep_alive:
            return None
        origin = request.headers.get(hdrs.ORIGIN)
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._made.clear()
        head = self._made.get((media_type, origin)) or self._head(media_type, origin)
        return EncodedResponse(f"{head}{trace.request_id}\r\nContent-Length: {len(body)}\r\n\r\n".encode(), body)

    def _head(self, media_type: str, origin: str | None) -> str:
        """Put a head together, up to the value of its last header but one, the request's id."""
        lines: Mapping[str, str] = {
            hdrs.CONTENT_TYPE: f"{media_type}; charset=utf-8",
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.DATE: formatdate(self._second, usegmt=True),
            **self._headers.of(origin),
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        head = f"HTTP/1.1 {HTTPStatus.OK.value} OK\r\n{text}X-Request-Id: "
        if len(self._made) < _HEADS:
            self._made[media_type, origin] = head
        return head
