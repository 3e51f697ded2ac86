"""The load of polls keeps its timetable, counts from when a question was due, and ends with the first wrong answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from bench.load import WrongAnswer
from bench.polls import Asking

NOTHING = b"HTTP/1.1 204 No Content\r\nServer: a test\r\n\r\n"
REQUESTS = [b"one\n", b"two\n", b"three\n"]


class Server(asyncio.Protocol):
    """Answers each line."""

    def __init__(self, heard: list[bytes], answer: bytes) -> None:
        self.heard = heard
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        for line in data.splitlines(keepends=True):
            self.heard.append(line)
            self.transport.write(self.answer[:9])
            self.transport.write(self.answer[9:])


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []
    make: Callable[[], Server] = lambda: Server(heard, answer)  # noqa: E731
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await server.wait_closed()


async def test_a_timetable_puts_as_many_as_it_says() -> None:
    async with serving(NOTHING) as (port, heard):
        seen = await Asking(REQUESTS, 0.005).run(port, 2, 0.2)
    assert len(seen.latencies) == len(heard) == 40
    assert heard[:6] == REQUESTS * 2
    assert min(seen.latencies) >= 0


async def test_without_a_timetable_each_connection_asks_again() -> None:
    async with serving(NOTHING) as (port, heard):
        seen = await Asking(REQUESTS, 0.0).run(port, 2, 0.1)
    assert len(seen.latencies) == len(heard) > 2
    assert set(heard) == set(REQUESTS)


@pytest.mark.parametrize("pause", [0.0, 0.005])
async def test_another_answer_ends_the_run(pause: float) -> None:
    async with serving(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n") as (port, _):
        with pytest.raises(WrongAnswer, match="401"):
            await Asking(REQUESTS, pause).run(port, 2, 0.1)
