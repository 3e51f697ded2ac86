"""WebSockets whose client does not read until it is told to: the kernel's buffers fill, then those of the gateway."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import orjson

from tests.client import SUBPROTOCOL, authorization

RECEIVE_BYTES: Final = 4_096
SEGMENT_BYTES: Final = 536
LIMIT: Final = 1_024
TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
SECONDS_FOR_A_MESSAGE: Final = 60.0


class RawSocket:
    """A WebSocket under graphql-transport-ws; what is not asked for with `next` stays on its way."""

    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url)
        self._token = token
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        """Connect with small buffers, and say who one is."""
        assert self._address.hostname is not None
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        # Segments as a phone's network has them: with those of the loopback interface the kernel holds megabytes.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, (self._address.hostname, self._address.port))
        self._reader, self._writer = await asyncio.open_connection(sock=raw, limit=LIMIT)
        head = [
            "GET /graphql HTTP/1.1",
            f"Host: {self._address.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
        ]
        self._writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self.send({"type": "connection_init", "payload": {"authorization": authorization(self._token)}})
        assert (await self.next())["type"] == "connection_ack"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the connection break off."""
        self._writer.transport.abort()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self._frame(TEXT, orjson.dumps(message))

    def subscribe(self, query: str, variables: dict[str, Any], *, name: str = "1") -> None:
        """Ask for a subscription under an id."""
        self.send({"id": name, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def settle(self) -> None:
        """Wait until the gateway has read everything that was sent; nothing else may be on its way."""
        self.send({"type": "ping"})
        assert (await self.next())["type"] == "pong"

    async def next(self) -> dict[str, Any]:
        """The next message. Raises ConnectionError when the gateway closes."""
        async with asyncio.timeout(SECONDS_FOR_A_MESSAGE):
            while True:
                code, content = await self._receive()
                if code == TEXT:
                    message: dict[str, Any] = orjson.loads(content)
                    return message
                if code == CLOSE:
                    raise ConnectionResetError(f"closed with {int.from_bytes(content[:2])}")
                if code == PING:
                    self._frame(PING + 1, content)

    def _frame(self, code: int, content: bytes) -> None:
        """Write a frame, masked with zeros, which leave it as it is."""
        short = len(content) < 126
        length = bytes([0x80 | len(content)]) if short else bytes([0x80 | 126]) + len(content).to_bytes(2)
        self._writer.write(bytes([0x80 | code]) + length + bytes(4) + content)

    async def _receive(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        length = second
        if second >= 126:
            length = int.from_bytes(await self._reader.readexactly(2 if second == 126 else 8))
        return first & 0x0F, await self._reader.readexactly(length)
