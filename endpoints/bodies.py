"""Reading request bodies: bounded while they arrive, and strict about what JSON is."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from endpoints.answers import JSON, HttpError, bad_request
from engine.errors import Code

_UTF8: Final = frozenset({"utf-8", "utf8"})
_PLAIN: Final = frozenset({JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=utf-8", f"{JSON}; charset=UTF-8"})
"""How clients usually announce JSON; anything else is looked at more closely."""


async def read_body(request: web.Request, limit: int, seconds: float) -> bytes:
    """Read a body of at most `limit` bytes, its length announced or not, within `seconds`.

    Raises HttpError: 413 when it is longer, 408 when it comes too slowly.
    """
    if request.content.is_eof():
        # All of it came with the head, as small bodies do: there is nothing to wait for.
        body = request.content.read_nowait()
        if len(body) > limit:
            raise _too_long(limit)
        return body
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, limit)
    except TimeoutError:
        raise HttpError(HTTPStatus.REQUEST_TIMEOUT, "The request body came too slowly.", close=True) from None


async def _read(request: web.Request, limit: int) -> bytes:
    """Read a body of at most `limit` bytes."""
    announced = request.content_length
    if announced is not None and announced > limit:
        raise _too_long(limit)
    chunks = bytearray()
    async for chunk in request.content.iter_any():
        chunks += chunk
        if len(chunks) > limit:
            raise _too_long(limit)
    return bytes(chunks)


def require_json(request: web.Request) -> None:
    """Refuse a body that is not announced as plain JSON in UTF-8 (415).

    Browsers send forms and text to any origin without asking first; they never do so with JSON. So this is what keeps
    another site's page from sending operations.
    """
    headers = request.headers
    if hdrs.CONTENT_ENCODING in headers and headers[hdrs.CONTENT_ENCODING].lower() != "identity":
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Request bodies must not be compressed.")
    announced = headers.get(hdrs.CONTENT_TYPE)
    if announced in _PLAIN:
        return
    if announced is None or request.content_type != JSON:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the operation as {JSON}.")
    charset = request.charset
    if charset is not None and charset.lower() not in _UTF8:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON in UTF-8.")


def parse_json(text: bytes | str, what: str) -> Any:
    """Parse JSON. Raises HttpError (400).

    orjson refuses what the standard library lets pass: NaN and Infinity, numbers out of range, invalid UTF-8, halves of
    surrogate pairs, and nesting over 1,024 levels. Of a repeated name the last value counts.
    """
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, orjson.JSONDecodeError) else ""
        raise bad_request(f"{what} is not valid JSON{place}.") from None


def _too_long(limit: int) -> HttpError:
    """Refuse a body, and the connection with it: the rest of the body is not worth reading."""
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"A request body may have {limit} bytes.",
        code=Code.LIMIT_EXCEEDED,
        close=True,
    )
