"""`/healthz` (the process answers), `/readyz` (it can serve) and `/schema.graphql`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, TypeAlias

import structlog
from aiohttp import hdrs, web

from endpoints.answers import HttpError, json_response
from endpoints.service import GraphQLService
from endpoints.trace import trace_of

Readiness: TypeAlias = Callable[[], Awaitable[Mapping[str, bool]]]
"""Returns what the gateway needs by name (`database`, `migrations`), and whether it is there."""

_SECONDS: Final = 5.0
_KEPT_SECONDS: Final = 1.0

_log = structlog.get_logger("fleetgraph.health")


class HealthView:
    """Health for load balancers; open to everybody, so what it asks the database is asked once a second at most."""

    def __init__(self, readiness: Readiness) -> None:
        """Ask `readiness` for `/readyz`."""
        self._readiness = readiness
        self._checks: Mapping[str, bool] = {}
        self._asked: float | None = None
        self._asking = asyncio.Lock()

    async def healthz(self, request: web.Request) -> web.Response:
        """Say that the process is alive."""
        del request
        return json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        """Say whether the gateway can serve: 200, or 503 with what is missing."""
        del request
        async with self._asking:
            now = time.monotonic()
            if self._asked is None or now - self._asked >= _KEPT_SECONDS:
                self._checks = await self._check()
                self._asked = time.monotonic()
            checks = self._checks
        ready = all(checks.values())
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return json_response({"status": "ready" if ready else "unavailable", "checks": dict(checks)}, status=status)

    async def _check(self) -> Mapping[str, bool]:
        """Ask; no answer in time, or an error, means that it is not ready."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._readiness()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is 503 and the log has it
            _log.warning("readiness.failed", exc_info=error)
            return {"readiness": False}


class SchemaView:
    """`GET /schema.graphql`: open in development, as introspection is; for signed-in principals in production.

    Where only registered documents run, it is not served at all.
    """

    def __init__(self, service: GraphQLService, sdl: str) -> None:
        """Serve `sdl`."""
        self._service = service
        self._sdl = sdl

    async def get(self, request: web.Request) -> web.Response:
        """Return the schema in its own language."""
        if self._service.documents.trusted_only:
            raise HttpError(HTTPStatus.NOT_FOUND, "Only registered documents run here, and the schema is not told.")
        principal = await self._service.principal(request.headers.get(hdrs.AUTHORIZATION), trace_of(request))
        if self._service.settings.production and principal is None:
            raise HttpError(
                HTTPStatus.UNAUTHORIZED, "Sign in to read the schema.", headers={hdrs.WWW_AUTHENTICATE: "Bearer"}
            )
        return web.Response(text=self._sdl, headers={"Cache-Control": "no-cache"})
