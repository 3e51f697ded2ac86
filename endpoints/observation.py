"""Around every request: its id, its log line, its metrics, and an answer in one shape whatever goes wrong."""

import time
from collections.abc import Awaitable
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from endpoints.answers import STATUSES, HttpError, code_for, error_response
from endpoints.logs import Line, log_access
from endpoints.metrics import Metrics
from endpoints.trace import Trace, trace_of
from engine.errors import Code, code_of, cut, fault

_UPGRADED = HTTPStatus.SWITCHING_PROTOCOLS
CLIENT_CLOSED = 499
"""Logged, never sent: the caller went away before there was an answer."""

_PATH_CHARACTERS = 200

_faults = structlog.get_logger("fleetgraph.http")


class Observation:
    """Sees every request through, whichever way it came."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in `metrics`."""
        self._metrics = metrics

    def middleware(self) -> Middleware:
        """Return the outermost middleware of the application."""

        @web.middleware
        async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
            route = _route(request)
            # Signed addresses are permissions, and stand in no log.
            path = route if request.match_info else request.rel_url.raw_path[:_PATH_CHARACTERS]
            return await self.watch(handler(request), trace_of(request), request.method, route, path)

        return observe

    async def watch(
        self, answering: Awaitable[web.StreamResponse], trace: Trace, method: str, route: str, path: str
    ) -> web.StreamResponse:
        """Return the answer, or that to what was raised, and note what became of the request.

        `route` is the pattern that its path matched, and `path` what the log says of it.
        """
        started = time.perf_counter()
        status: int = CLIENT_CLOSED
        try:
            try:
                response = await answering
            except Exception as error:  # noqa: BLE001 - the boundary: what has a code is told, the rest is logged
                response = _answer_to(error, trace)
            status = response.status
        finally:
            seconds = time.perf_counter() - started
            lasting = trace.upgraded or trace.streamed
            if lasting:
                status = _UPGRADED if trace.upgraded else HTTPStatus.OK
            self._metrics.request(method, route, status, None if lasting else seconds)
            log_access(_line, trace, method, path, status, seconds)
        return response


def _answer_to(error: Exception, trace: Trace) -> web.StreamResponse:
    """Return what the caller reads of an exception; one that has nothing to say to callers is logged."""
    if isinstance(error, HttpError):
        return error.response()
    if isinstance(error, web.HTTPException):
        return _from_aiohttp(error)
    code = code_of(error)
    if code is not None:
        status = STATUSES.get(code, HTTPStatus.BAD_REQUEST)
        return error_response(status, cut(str(getattr(error, "message", ""))), code)
    _faults.error("http.fault", request_id=trace.request_id, exc_info=error)
    message = fault(trace.request_id)["message"]
    return error_response(500, message, Code.INTERNAL, requestId=trace.request_id)


def _from_aiohttp(error: web.HTTPException) -> web.StreamResponse:
    """Put what the framework raises (no route, wrong method, ...) into the common shape; redirects pass."""
    if error.status < HTTPStatus.BAD_REQUEST:
        return error
    headers = {
        name: error.headers[name] for name in ("Allow", "WWW-Authenticate", "Retry-After") if name in error.headers
    }
    return error_response(error.status, f"{error.reason}.", code_for(error.status), headers)


def _route(request: web.Request) -> str:
    """Return the pattern that the path matched; one label for all that match nothing."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


def _line(trace: Trace, method: str, path: str, status: int, seconds: float) -> Line:
    """Return what the log says of a request.

    A path with parameters is logged as its pattern, since signed addresses are permissions; any other as it was sent,
    still encoded. The query, which may hold variables, is left out.
    """
    line: Line = {
        "event": "request",
        "request_id": trace.request_id,
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": round(seconds * 1000, 3),
        "principal": trace.principal,
    }
    if trace.kind is not None:
        line["kind"] = trace.kind
        line["operation"] = trace.operation
        line["outcome"] = trace.outcome
        line["cost"] = trace.cost
    return line
