"""A network between a client and a gateway that can be cut and mended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_PIECE = 65_536


class Network:
    """Passes everything on between its own port and that of a gateway."""

    def __init__(self, gateway: str) -> None:
        """`gateway` is the address of one, as `http://127.0.0.1:8000`."""
        self._gateway = urlsplit(gateway).port
        self._server: asyncio.Server | None = None
        self._port = 0
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    @property
    def url(self) -> str:
        """Where the gateway is reached through this network."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def mend(self) -> None:
        """Take connections, on the same port each time."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Drop every connection, without a goodbye, and take no others."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task, writers in list(self._connections.items()):
            for writer in writers:
                writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        writers = self._connections[task] = [writer]
        try:
            behind, before = await asyncio.open_connection("127.0.0.1", self._gateway)
            writers.append(before)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pour(reader, before))
                both.create_task(self.bring(behind, writer))
        except (ExceptionGroup, ConnectionError, asyncio.CancelledError):
            pass  # one side has gone, or the network was cut
        finally:
            for each in writers:
                each.transport.abort()
            del self._connections[task]

    async def bring(self, source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
        """Pass on what the gateway answers on one connection, until it ends."""
        await _pour(source, into)


async def _pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    while piece := await source.read(_PIECE):
        into.write(piece)
        await into.drain()
    raise ConnectionResetError


@asynccontextmanager
async def network(gateway: str) -> AsyncIterator[Network]:
    """A network that works, and is cut at the end."""
    between = Network(gateway)
    await between.mend()
    try:
        yield between
    finally:
        await between.cut()
