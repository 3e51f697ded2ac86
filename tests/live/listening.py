"""A subscriber that stays and takes what comes, for tests of what must not come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiohttp
import orjson

from services.events import Position
from tests.client import GatewayClient
from tests.live.reading import WATCH

Condition = Callable[[], bool]

SECONDS_TO_WAIT: Final = 60.0
SECONDS_BETWEEN_LOOKS: Final = 0.01


class Listener:
    """What has come over one socket: the positions of events, and how the subscription ended, if it did."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.positions: list[Position] = []
        self.end: str | None = None
        self._socket = socket
        self._pongs = 0

    async def listen(self) -> None:
        """Take everything until the socket closes."""
        async for frame in self._socket:
            message = orjson.loads(frame.data)
            match message["type"]:
                case "next":
                    (event,) = message["payload"]["data"].values()
                    self.positions.append(Position.parse(event["cursor"]))
                case "error":
                    self.end = message["payload"][0]["extensions"]["code"]
                case "pong":
                    self._pongs += 1
        self.end = self.end or f"closed with {self._socket.close_code}"

    async def settle(self) -> None:
        """Wait until everything is here that the gateway had sent, or until the end."""
        if self.end is None:
            before = self._pongs
            await self._socket.send_json({"type": "ping"})
            await self._until(lambda: self._pongs > before or self.end is not None)

    async def has_heard(self, position: Position) -> None:
        """Wait for the event at this position, or for a later one."""
        await self._until(lambda: bool(self.positions) and self.positions[-1] >= position)

    async def has_heard_more(self) -> None:
        """Wait for another event than those that are here."""
        before = len(self.positions)
        await self._until(lambda: len(self.positions) > before)

    async def has_ended(self) -> None:
        """Wait for the end."""
        await self._until(lambda: self.end is not None)

    async def _until(self, condition: Condition) -> None:
        async with asyncio.timeout(SECONDS_TO_WAIT):
            while not condition():  # noqa: ASYNC110 - a socket tells its one reader alone
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


@asynccontextmanager
async def listening(client: GatewayClient, token: str, after: str) -> AsyncIterator[Listener]:
    """A subscriber to all changes of state behind the cursor `after`, as long as the block lasts."""
    async with client.socket(token) as socket:
        payload = {"query": WATCH, "variables": {"after": after}}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        listener = Listener(socket)
        task = asyncio.create_task(listener.listen())
        try:
            yield listener
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
