"""A client of graphql-transport-ws that says exactly what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

SECONDS = 10.0


class Wire:
    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, message: object) -> None:
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message; an assertion fails when the socket is closed instead."""
        frame = await self.socket.receive(timeout=SECONDS)
        assert frame.type is WSMsgType.TEXT, (frame, self.socket.close_code)
        message: dict[str, Any] = json.loads(frame.data)
        return message

    async def closed(self) -> tuple[int | None, str]:
        """How the server closes the socket; messages before that are passed over."""
        while True:
            frame = await self.socket.receive(timeout=SECONDS)
            if frame.type is WSMsgType.CLOSE:
                return frame.data, frame.extra or ""
            if frame.type is not WSMsgType.TEXT:
                return self.socket.close_code, ""

    async def initialise(self, authorization: str | None = None) -> None:
        payload = {} if authorization is None else {"authorization": authorization}
        await self.say({"type": "connection_init", "payload": payload})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, operation_id: str, query: str, **parameters: object) -> None:
        await self.say({"id": operation_id, "type": "subscribe", "payload": {"query": query, **parameters}})

    async def complete(self, operation_id: str) -> None:
        await self.say({"id": operation_id, "type": "complete"})

    async def until_complete(self, operation_id: str) -> list[dict[str, Any]]:
        """The messages under an id up to its end; those under other ids are passed over."""
        heard = []
        while True:
            message = await self.hear()
            if message.get("id") == operation_id:
                heard.append(message)
                if message["type"] in ("complete", "error"):
                    return heard


@asynccontextmanager
async def connect(
    url: str, *, protocols: tuple[str, ...] = ("graphql-transport-ws",), headers: dict[str, str] | None = None
) -> AsyncIterator[Wire]:
    async with (
        ClientSession() as session,
        session.ws_connect(f"{url}/graphql", protocols=protocols, headers=headers, autoclose=True) as socket,
    ):
        yield Wire(socket)
