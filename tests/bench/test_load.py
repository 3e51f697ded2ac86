"""The load generator counts only answers that are right, and ends with the first that is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from bench.load import Measurement, Request, WrongAnswer, measure, post

BODY = b'{"data":{"thing":null}}'
END = b"\r\n\r\n"
Answer = Callable[[asyncio.WriteTransport], None]


def framed(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nServer: a test\r\ncontent-length: {len(body)}".encode() + END + body


class Server(asyncio.Protocol):
    """Gives one answer to every request, each of which has the body `{}`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.received.endswith(END + b"{}"):
            self.received = b""
            self.answer(self.transport)


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[int]:
    """A server that gives one answer to everything; its port."""
    server = await asyncio.get_running_loop().create_server(lambda: Server(answer), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(answer: Answer, *, length: int = len(BODY), slack: int = 0, connections: int = 2) -> Measurement:
    request = Request(post("/graphql", b"{}", {"Authorization": "none"}), length, slack)
    async with answering(answer) as port:
        return await measure(port, [request, request], connections, 0.05)


async def run(content: bytes, *, length: int = len(BODY), slack: int = 0) -> Measurement:
    return await ask(lambda transport: transport.write(content), length=length, slack=slack)


async def test_right_answers_are_counted_and_timed() -> None:
    seen = await run(framed(BODY))
    assert seen.answers == len(seen.latencies) >= 2
    assert seen.rate == seen.answers / seen.seconds > 0
    assert 0 < seen.percentile(50) <= seen.percentile(99)


async def test_an_answer_may_come_in_pieces() -> None:
    loop = asyncio.get_running_loop()
    pieces = [framed(BODY)[start : start + 7] for start in range(0, len(framed(BODY)), 7)]

    def write(transport: asyncio.WriteTransport, number: int = 0) -> None:
        transport.write(pieces[number])
        if number + 1 < len(pieces):
            loop.call_soon(write, transport, number + 1)

    assert (await ask(write)).answers >= 2


async def test_another_length_ends_the_run() -> None:
    with pytest.raises(WrongAnswer, match=r"23 bytes in place of 22: \{\"data\""):
        await run(framed(BODY), length=len(BODY) - 1)


async def test_an_answer_may_grow_by_its_slack_and_never_shrink() -> None:
    assert (await run(framed(BODY), length=len(BODY) - 2, slack=2)).answers >= 2
    with pytest.raises(WrongAnswer, match="23 bytes in place of 24"):
        await run(framed(BODY), length=len(BODY) + 1, slack=2)


async def test_errors_with_status_200_end_the_run() -> None:
    body = b'{"data":null,"errors":[{"message":"too expensive"}]}'
    with pytest.raises(WrongAnswer, match="too expensive"):
        await run(framed(body), length=len(body))


async def test_another_status_ends_the_run() -> None:
    with pytest.raises(WrongAnswer, match="429"):
        await run(framed(BODY, "429 Too Many Requests"))


async def test_an_answer_must_say_its_length() -> None:
    with pytest.raises(WrongAnswer, match="no Content-Length"):
        await run(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


async def test_a_closed_connection_ends_the_run() -> None:
    with pytest.raises(ConnectionError, match="closed a connection"):
        await ask(lambda transport: transport.close())
