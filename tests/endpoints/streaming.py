"""Clients of the streams over HTTP that read them strictly: server-sent events, and parts."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import ClientResponse, ClientSession

SECONDS = 10.0
EVENT_STREAM = "text/event-stream"
MULTIPART = "multipart/mixed;subscriptionSpec=1.0"
PART_HEAD = b"\r\ncontent-type: application/json\r\n\r\n"
BOUNDARY = b"--graphql"


class Addressed(Protocol):
    """Any gateway."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    data: Any
    id: str | None = None


COMPLETE = Event("complete", None)


class Events:
    """The events of an answer, and its comments as None."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def next(self) -> Event | None:
        """The next event; None for a comment. Raises EOFError when the stream has ended."""
        lines = []
        async with asyncio.timeout(SECONDS):
            while (line := await self.response.content.readline()) not in (b"\n", b""):
                lines.append(line.decode().removesuffix("\n"))
        if not line:
            assert lines == [], "the stream ended within an event"
            raise EOFError
        if lines == [":"]:
            return None
        fields = dict(each.split(":", 1) for each in lines)
        data = fields["data"].removeprefix(" ")
        assert set(fields) <= {"event", "data", "id"}
        identity = fields["id"].removeprefix(" ") if "id" in fields else None
        return Event(fields["event"].removeprefix(" "), json.loads(data) if data else None, identity)

    async def event(self) -> Event:
        """The next event that is no comment."""
        while (event := await self.next()) is None:
            pass
        return event

    async def rest(self) -> list[Event]:
        """All events up to the end of the stream."""
        events = []
        try:
            while True:
                events.append(await self.event())
        except EOFError:
            return events


class Parts:
    """The parts of an answer; each is read as soon as the boundary behind it is here."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def start(self) -> None:
        """Read the first boundary, which follows nothing."""
        assert await self.response.content.readexactly(len(BOUNDARY)) == BOUNDARY

    async def next(self) -> Any:
        """What the next part holds. Raises EOFError at the last boundary, behind which there is nothing."""
        async with asyncio.timeout(SECONDS):
            if await self.response.content.readexactly(2) == b"--":
                assert await self.response.content.read() == b""
                raise EOFError
            assert b"\r\n" + await self.response.content.readexactly(len(PART_HEAD) - 2) == PART_HEAD
            body = await self.response.content.readuntil(b"\r\n" + BOUNDARY)
        return json.loads(body.removesuffix(b"\r\n" + BOUNDARY))

    async def part(self) -> Any:
        """The next part that is no sign of life."""
        while not (part := await self.next()):
            pass
        return part

    async def rest(self) -> list[Any]:
        """All parts up to the last boundary, without signs of life."""
        parts = []
        try:
            while True:
                parts.append(await self.part())
        except EOFError:
            return parts


def asked(
    query: str, *, accept: str, token: str | None = None, headers: Mapping[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """What to give to `ClientSession.post`."""
    credentials = {} if token is None else {"Authorization": token}
    return {"json": {"query": query, **more}, "headers": {"Accept": accept, **credentials, **(headers or {})}}


@asynccontextmanager
async def events(
    gateway: Addressed, query: str, *, token: str | None = None, headers: Mapping[str, str] | None = None, **more: Any
) -> AsyncIterator[Events]:
    """Subscribe with a connection of its own, as server-sent events."""
    request = asked(query, accept=EVENT_STREAM, token=token, headers=headers, **more)
    async with ClientSession() as http, http.post(f"{gateway.url}/graphql", **request) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        yield Events(response)


@asynccontextmanager
async def parts(
    gateway: Addressed, query: str, *, token: str | None = None, headers: Mapping[str, str] | None = None, **more: Any
) -> AsyncIterator[Parts]:
    """Subscribe with a connection of its own, in parts without lengths: what all clients get but those of aiohttp."""
    request = asked(query, accept=MULTIPART, token=token, headers={"User-Agent": "test", **(headers or {})}, **more)
    async with ClientSession() as http, http.post(f"{gateway.url}/graphql", **request) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"
        reader = Parts(response)
        await reader.start()
        yield reader


def tasks() -> set[asyncio.Task[Any]]:
    """The tasks of this loop: the server's and the test's."""
    return asyncio.all_tasks()


async def until(condition: Any) -> None:
    """Wait until a condition holds of a server that tells nobody."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def unread(gateway: Addressed, query: str, accept: str, token: str | None = None) -> AsyncIterator[None]:
    """A client that asks and never reads; the system keeps little for it."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", urlsplit(gateway.url).port))
    body = json.dumps({"query": query}).encode()
    credentials = "" if token is None else f"Authorization: {token}\r\n"
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n{credentials}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    await loop.sock_sendall(raw, head.encode() + body)
    try:
        yield
    finally:
        raw.close()
