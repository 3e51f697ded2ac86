"""What stands before a gateway: one origin for a built page and for GraphQL, and a network that can be cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""All that the page needs is its own origin, and nothing of it is inline."""

Control = Callable[[Any], Awaitable[Any]]


class Front:
    """A reverse proxy in small. While it is cut, nobody gets through, and whoever was through is thrown out."""

    def __init__(self, page: Path, gateway: str, controls: Mapping[str, Control]) -> None:
        """Serve the files of `page`, `/graphql` of `gateway`, and `POST /control/<name>` for the visitor's own use."""
        self._page = page
        self._gateway = gateway
        self._controls = {"cut": self._cut, "mend": self._mend, "overrun": self._overrun, **controls}
        self._is_cut = False
        self._is_overrun = False
        self._sockets: set[web.WebSocketResponse] = set()
        self.opened = 0
        self.overruns = 0

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/graphql", self._socket),
                web.post("/graphql", self._post),
                web.post("/control/{name}", self._control),
                web.get("/{name:.*}", self._file),
            ]
        )
        return application

    async def _cut(self, _: Any) -> None:
        self._is_cut = True
        for socket in list(self._sockets):
            transport = socket._req.transport if socket._req else None
            assert transport is not None
            transport.abort()

    async def _mend(self, _: Any) -> None:
        self._is_cut = False

    async def _overrun(self, begins: Any) -> int:
        """Begin or end to treat the page as a reader that is too slow; how often that has ended a subscription."""
        self._is_overrun = begins
        return self.overruns

    async def _control(self, request: web.Request) -> web.Response:
        return web.json_response(await self._controls[request.match_info["name"]](await request.json()))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = self._page / (request.match_info["name"] or "index.html")
        assert path.is_relative_to(self._page)
        return (
            web.FileResponse(path, headers={"Content-Security-Policy": POLICY})
            if path.is_file()
            else web.Response(status=404)
        )

    async def _post(self, request: web.Request) -> web.Response:
        if self._is_cut:
            return web.Response(status=502)
        names = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._gateway}/graphql", data=await request.read(), headers=headers) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self._is_cut:
            return web.Response(status=502)
        near = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await near.prepare(request)
        self._sockets.add(near)
        self.opened += 1
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"{self._gateway}/graphql", protocols=["graphql-transport-ws"]) as far,
            ):
                upstream = asyncio.create_task(_pass_up(near, far))
                await self._pass_down(far, near)
                await near.close(code=far.close_code or 1001)
                upstream.cancel()
        finally:
            self._sockets.discard(near)
        return near

    async def _pass_down(self, far: Any, near: Any) -> None:
        """Pass on what the gateway says; while overrun, end a subscription behind its first event, as it does."""
        cursors: dict[str, str] = {}
        async for message in far:
            said = json.loads(message.data)
            operation = said.get("id", "")
            if said["type"] == "next" and self._is_overrun and operation in cursors:
                extensions = {"code": "RESUME_REQUIRED", "cursor": cursors.pop(operation)}
                said = {
                    "id": operation,
                    "type": "error",
                    "payload": [{"message": "Too slow.", "extensions": extensions}],
                }
                await far.send_json({"id": operation, "type": "complete"})
                self.overruns += 1
            elif said["type"] == "next":
                [event] = said["payload"]["data"].values()
                cursors[operation] = event["cursor"]
            if near.closed:
                return
            await near.send_json(said)


async def _pass_up(near: Any, far: Any) -> None:
    async for message in near:
        if far.closed:
            return
        await far.send_str(message.data)
    await far.close()


@asynccontextmanager
async def before(page: Path, gateway: str, controls: Mapping[str, Control]) -> AsyncIterator[tuple[str, Front]]:
    """A running front on a free port of the loopback interface: its address, and itself."""
    front = Front(page, gateway, controls)
    runner = web.AppRunner(front.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}", front
    finally:
        await runner.cleanup()
