"""Headers that every answer gets: request id, hardening, and CORS for the origins that the operator allows."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from endpoints.trace import trace_of

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_REQUEST_HEADERS: Final = (
    "Authorization, Content-MD5, Content-Type, Content-Range, Last-Event-ID, Range, X-Request-Id, "
    "Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset"
)
_EXPOSED: Final = (
    "X-Request-Id, WWW-Authenticate, Retry-After, Content-Disposition, Content-Range, ETag, "
    "Location, Tus-Resumable, Tus-Version, Upload-Defer-Length, Upload-Length, Upload-Offset, Upload-Status"
)
_REQUEST_ID: Final = "X-Request-Id"
_PREFLIGHT_SECONDS: Final = "600"
_NOTHING: Final = "default-src 'none'; frame-ancestors 'none'"


class Origins:
    """The web origins that may call from a browser."""

    def __init__(self, allowed: Iterable[str]) -> None:
        """Take origins as browsers send them (scheme, host, port); `*` for any."""
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self.any = "*" in self._allowed

    def allows(self, origin: str) -> bool:
        """Whether scripts of `origin` may read answers."""
        return self.any or origin.lower() in self._allowed

    def allows_socket(self, request: web.Request) -> bool:
        """Whether a WebSocket may be opened: no browser (no Origin), our own origin, or an allowed one.

        Browsers do not ask before they open a WebSocket to another origin, so the server has to look.
        """
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        # A proxy in front of the gateway may have ended TLS, so only host and port are compared.
        return self.allows(origin) or urlsplit(origin).netloc.lower() == request.host.lower()


class Headers:
    """Adds them to whatever is answered, streams and WebSockets included."""

    def __init__(self, origins: Origins, hsts_seconds: int) -> None:
        """`hsts_seconds` of 0 leaves Strict-Transport-Security out."""
        self._origins = origins
        self._fixed = {
            "Server": "Fleetgraph",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
        }
        if hsts_seconds:
            self._fixed["Strict-Transport-Security"] = f"max-age={hsts_seconds}; includeSubDomains"

    def of(self, origin: str | None) -> dict[str, str]:
        """Return the headers of an answer to `origin` that has none of these of its own; its id comes to them."""
        return {**self._fixed, "Content-Security-Policy": _NOTHING, **self._allowed(origin)}

    async def add(self, request: web.Request, response: web.StreamResponse) -> None:
        """Complete the headers of an answer that is about to be sent (a signal of aiohttp)."""
        self.complete(request, response, trace_of(request).request_id)

    def complete(self, request: web.BaseRequest, response: web.StreamResponse, request_id: str) -> None:
        """Complete the headers of an answer; what it says itself about its policy and what it varies with stays.

        One that has its id was completed before it was sent, as streams are.
        """
        headers = response.headers
        if _REQUEST_ID in headers:
            return
        allowed = self._allowed(request.headers.get("Origin"))
        if "Vary" in headers and "Vary" in allowed:
            allowed["Vary"] = f"{headers['Vary']}, {allowed['Vary']}"
        headers[_REQUEST_ID] = request_id
        headers.setdefault("Content-Security-Policy", _NOTHING)
        headers.update(self._fixed)
        headers.update(allowed)

    def _allowed(self, origin: str | None) -> dict[str, str]:
        """What lets scripts of an allowed origin read an answer. No cookies are involved, so no credentials are."""
        if self._origins.any:
            allowed = {"Access-Control-Allow-Origin": "*"}
        elif origin is None or not self._origins.allows(origin):
            return {"Vary": "Origin"}
        else:
            allowed = {"Vary": "Origin", "Access-Control-Allow-Origin": origin}
        if origin is not None:
            allowed["Access-Control-Expose-Headers"] = _EXPOSED
        return allowed


def preflight(origins: Origins) -> Middleware:
    """Return the middleware that answers the question which a browser asks before a request to another origin."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if request.method != "OPTIONS" or origin is None or "Access-Control-Request-Method" not in request.headers:
            return await handler(request)
        response = web.Response(status=204)
        if origins.allows(origin):
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
            response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
        return response

    return answer
