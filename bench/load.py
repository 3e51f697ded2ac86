"""The load generator: prebuilt requests over kept connections, every answer checked, as little work as that takes.

Each connection sends its next request when the answer to the last one is complete. An answer must have status 200, the
length that is expected of it, and no errors (GraphQL tells of errors with status 200); the first one that has not ends
the run.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

HOST: Final = "127.0.0.1"
ERRORS: Final = b'"errors"'
END_OF_HEAD: Final = b"\r\n\r\n"
LENGTH: Final = b"\r\ncontent-length:"
SECONDS_TO_FINISH: Final = 60.0
SHOWN: Final = 400


class WrongAnswer(Exception):
    """An answer was not what it had to be; the message says how, and shows its beginning."""


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes of one request, and how long the body of its answer has to be.

    `slack` allows for numbers that grow: the answer may be longer by that many bytes, never shorter.
    """

    content: bytes
    length: int
    slack: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run saw: answers, seconds from the first request to the last answer, and the time of each (seconds)."""

    answers: int
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def percentile(self, percent: int) -> float:
        """The time, in milliseconds, within which this part of the answers came."""
        if len(self.latencies) == 1:
            return self.latencies[0] * 1000
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a POST of JSON over a kept connection."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {HOST}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def measure(port: int, requests: Sequence[Request], connections: int, seconds: float) -> Measurement:
    """Ask for `seconds`, over so many connections; raises WrongAnswer, or ConnectionError when one is closed.

    The connections start at different requests, so that they ask for the same only when one overtakes another. Requests
    that are under way when the time is over are waited for, and count.
    """
    run = _Run(connections)
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: _Connection(run), HOST, port) for _ in range(connections)]
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter()
        run.deadline = started + seconds
        for number, (_, connection) in enumerate(opened):
            connection.start(requests, number * len(requests) // connections)
        async with asyncio.timeout(seconds + SECONDS_TO_FINISH):
            await run.finished
    finally:
        gc.enable()
        for transport, _ in opened:
            transport.close()
    return Measurement(len(run.latencies), run.ended - started, run.latencies)


class _Run:
    """What the connections of one run share."""

    def __init__(self, connections: int) -> None:
        self.deadline = 0.0
        self.ended = 0.0
        self.latencies: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asking = connections

    def stop_one(self, now: float) -> None:
        """One connection has its last answer."""
        self._asking -= 1
        if self._asking == 0 and not self.finished.done():
            self.ended = now
            self.finished.set_result(None)

    def fail(self, error: Exception) -> None:
        """The run is void."""
        self.deadline = 0.0
        if not self.finished.done():
            self.finished.set_exception(error)


class _Connection(asyncio.Protocol):
    """One connection: sends, reads until the announced length is here, checks, sends the next."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._requests: Sequence[Request] = ()
        self._next = 0
        self._sent = 0.0
        self._answer = b""
        self._end = 0
        self._write: Callable[[bytes], None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._write = cast(asyncio.WriteTransport, transport).write

    def start(self, requests: Sequence[Request], first: int) -> None:
        """Send the first request."""
        self._requests, self._next = requests, first
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._write(self._requests[self._next].content)

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is complete; then check it and go on."""
        answer = self._answer + data if self._answer else data
        try:
            if not self._end:
                self._end = end_of_answer(answer)
            if not self._end or len(answer) < self._end:
                self._answer = answer
                return
            now = time.perf_counter()
            check(answer, self._requests[self._next])
        except WrongAnswer as error:
            self._run.fail(error)
            return
        self._answer, self._end = b"", 0
        self._run.latencies.append(now - self._sent)
        self._next = (self._next + 1) % len(self._requests)
        if now < self._run.deadline:
            self._send()
        else:
            self._run.stop_one(now)

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that closes a connection in the middle of a run has failed; afterwards it means nothing."""
        self._run.fail(ConnectionError(f"the server closed a connection: {exc}"))


def end_of_answer(answer: bytes) -> int:
    """How many bytes the answer has, head included; 0 as long as the head is not complete.

    Raises WrongAnswer for another status than 200, and for an answer that does not say its length.
    """
    head = answer.find(END_OF_HEAD)
    if head < 0:
        return 0
    if not answer.startswith(b"HTTP/1.1 200"):
        raise WrongAnswer(f"status is not 200: {_shown(answer)}")
    fields = answer[: head + 2].lower()
    field = fields.find(LENGTH)
    if field < 0:
        raise WrongAnswer(f"no Content-Length: {_shown(answer)}")
    return head + len(END_OF_HEAD) + int(fields[field + len(LENGTH) : fields.index(b"\r", field + 2)])


def check(answer: bytes, request: Request) -> None:
    """Raise WrongAnswer unless the body of a complete answer has the expected length and tells of no errors."""
    body = answer.index(END_OF_HEAD) + len(END_OF_HEAD)
    length = len(answer) - body
    if ERRORS in answer:
        raise WrongAnswer(f"errors: {_shown(answer[body:])}")
    if not request.length <= length <= request.length + request.slack:
        raise WrongAnswer(f"{length} bytes in place of {request.length}: {_shown(answer[body:])}")


def _shown(text: bytes) -> str:
    return text[:SHOWN].decode(errors="replace")
