"""What is known of the request that is being served: its id, for answers and logs, and what the log line will say."""

import random
import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from multidict import istr

_REQUEST_ID: Final = istr("X-Request-Id")
_SANE = re.compile(r"[A-Za-z0-9._:-]{8,64}\Z")


@dataclass(slots=True)
class Trace:
    """Filled while a request is served, read when it is over. Holds no token and no variable."""

    request_id: str
    operation: str | None = None
    kind: str | None = None
    outcome: str | None = None
    principal: str | None = None
    address: str = "unknown"
    """Where a caller comes from who is not signed in."""
    cost: int | None = None
    upgraded: bool = False
    """Whether the request became a WebSocket: its end is no failure of the request."""
    streamed: bool = False
    """Whether it is answered by a stream, which lasts as long as its client likes and fails nobody when it ends."""


TRACE: Final = web.RequestKey("trace", Trace)


def request_id_of(given: str | None) -> str:
    """Take a caller's `X-Request-Id` when it is 8 to 64 harmless characters, else make one."""
    if given is not None and _SANE.match(given):
        return given
    return random.randbytes(16).hex()  # noqa: S311 - it names a request in logs and opens nothing


def new_trace(request: web.BaseRequest) -> Trace:
    """Return a trace that is not kept with the request."""
    return Trace(request_id_of(request.headers.get(_REQUEST_ID)))


def trace_of(request: web.BaseRequest) -> Trace:
    """Return the trace of a request, made on first use."""
    trace = request.get(TRACE)
    if trace is None:
        trace = request[TRACE] = new_trace(request)
    return trace
