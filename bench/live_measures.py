"""What is measured of a live server: deliveries, memory, many subscribers, what subscribing costs."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.cores import cpu_seconds
from bench.live_clients import Crowd, Group, WrongDelivery
from bench.live_events import Feed, Thing
from bench.servers import Running

DOCUMENT: Final = """
subscription Watch($scope: EventScopeInput, $after: String) {
  thingStateChanged(scope: $scope, after: $after) {
    cursor
    occurredAt
    side
    patch
    version
    thing { id name }
  }
}
"""
SECONDS_TO_CALM: Final = 60.0
SECONDS_FOR_DOUBLES: Final = 0.3
WARMING: Final = 20


@dataclass(frozen=True)
class Subject:
    """A running server, and how its subscribers are told something."""

    running: Running
    feed: Feed
    things: Sequence[Thing]

    @property
    def name(self) -> str:
        """What it is called in the tables."""
        return self.running.server.name

    def crowd(self, *, operations: int = 1) -> Crowd:
        """Subscribers, none of them connected."""
        return Crowd(self.running.port, DOCUMENT, self.running.headers.get("Authorization"), operations=operations)


@dataclass(frozen=True)
class Delivered:
    """One run: what arrived, in how many seconds, and the time on cores (seconds) of the server and of the clients."""

    deliveries: int
    seconds: float
    server: float
    clients: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.seconds

    @property
    def cost(self) -> float:
        """Time on a core that one delivery took of the server, in microseconds."""
        return self.server / self.deliveries * 1e6

    def within(self, percent: int) -> float:
        """The time (ms) from just before the commit within which this part of the deliveries arrived."""
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


@asynccontextmanager
async def connected(
    subject: Subject, groups: Sequence[Group], each: int, *, operations: int = 1
) -> AsyncIterator[Crowd]:
    """Subscribers that are connected and live: each of the groups has so many."""
    crowd = subject.crowd(operations=operations)
    try:
        await crowd.join((group, each) for group in groups)
        await calm(subject.running.pid)
        await touch(subject, crowd)
        yield crowd
    finally:
        await crowd.close()


async def calm(pid: int, *, seconds: float = SECONDS_TO_CALM) -> None:
    """Wait until a server has little to do, or as long as is said."""
    deadline = time.perf_counter() + seconds
    before, quiet = cpu_seconds(pid), 0
    while quiet < 3 and time.perf_counter() < deadline:
        await asyncio.sleep(0.1)
        now = cpu_seconds(pid)
        quiet = quiet + 1 if now - before <= 0.01 else 0
        before = now


async def touch(subject: Subject, crowd: Crowd) -> None:
    """Send every subscriber one event, which proves that it is live; then begin to count anew."""
    crowd.forget()
    wanted = {min(group.things) for group in crowd.groups if group.things is not None}
    things = [thing for thing in subject.things if thing.global_id in wanted] or subject.things[:1]
    await subject.feed.publish(things, crowd.expect)
    await crowd.wait()
    await verified(crowd)
    crowd.forget()


async def verified(crowd: Crowd) -> int:
    """Wait for what should not come, and hold what came against what was published; how many deliveries that is."""
    await asyncio.sleep(SECONDS_FOR_DOUBLES)
    return crowd.verify()


async def deliver(subject: Subject, crowd: Crowd, burst: int, seconds: float) -> Delivered:
    """Burst after burst for so long, the next when no more than one is under way, so that the server is never idle."""
    turns = rotation(subject.things, burst)
    ahead = burst * sum(1 for _ in crowd.clients)

    async def publish() -> None:
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            await subject.feed.publish(next(turns), crowd.expect)
            await crowd.wait(outstanding=ahead)

    return await observe(subject, crowd, publish)


async def deliver_steadily(
    subject: Subject, crowd: Crowd, burst: int, bursts_per_second: float, seconds: float
) -> Delivered:
    """Bursts at a rate, whether or not the last one has arrived."""
    turns = rotation(subject.things, burst)

    async def publish() -> None:
        started = time.perf_counter()
        for number in range(int(bursts_per_second * seconds)):
            await asyncio.sleep(max(0.0, started + number / bursts_per_second - time.perf_counter()))
            await subject.feed.publish(next(turns), crowd.expect)

    return await observe(subject, crowd, publish)


async def deliver_at_once(subject: Subject, crowd: Crowd, events: int) -> Delivered:
    """So many events without a pause, each thing once in a transaction."""

    async def publish() -> None:
        left = events
        while left:
            things = subject.things[:left]
            await subject.feed.publish(things, crowd.expect)
            left -= len(things)

    return await observe(subject, crowd, publish)


def rotation(things: Sequence[Thing], number: int) -> Iterator[Sequence[Thing]]:
    """The next so many things, again and again; those that are left over at the end have no turn."""
    while True:
        for start in range(0, len(things) - number + 1, number):
            yield things[start : start + number]


async def observe(subject: Subject, crowd: Crowd, publish: Callable[[], Awaitable[None]]) -> Delivered:
    """Publish, wait for all of it, verify it, and say what it took."""
    crowd.forget()
    before, own = cpu_seconds(subject.running.pid), time.process_time()
    started = time.perf_counter()
    with uncollected():
        await publish()
        await crowd.wait()
    server, clients = cpu_seconds(subject.running.pid) - before, time.process_time() - own
    seconds, latencies = crowd.last_arrival - started, crowd.latencies
    return Delivered(await verified(crowd), seconds, server, clients, latencies)


@contextmanager
def uncollected() -> Iterator[None]:
    """No pause of the clients for garbage inside the block."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def weigh(subject: Subject, subscribers: int) -> float:
    """Memory (KB) of the server for each idle subscriber: a socket with one subscription, which has had one event."""
    group = Group({})
    async with connected(subject, [group], WARMING) as crowd:
        before = resident(subject.running.pid)
        await crowd.join([(group, subscribers)])
        await calm(subject.running.pid)
        await touch(subject, crowd)
        return (resident(subject.running.pid) - before) / subscribers / 1024


@dataclass(frozen=True)
class Subscribed:
    """What subscribing took of the server, in milliseconds on a core: by itself, and with a new socket before it."""

    alone: float
    with_socket: float


async def subscribe(subject: Subject, sockets: int, operations: int) -> Subscribed:
    """Subscribe so often on each of so many sockets, by a document that the server has seen."""
    pid = subject.running.pid
    async with connected(subject, [Group({})], 1):
        before = cpu_seconds(pid)
        async with connected(subject, [Group({})], sockets):
            opened = cpu_seconds(pid) - before
        await calm(pid)
        before = cpu_seconds(pid)
        async with connected(subject, [Group({})], sockets, operations=operations):
            many = cpu_seconds(pid) - before
    return Subscribed((many - opened) / (sockets * (operations - 1)) * 1000, opened / sockets * 1000)


def resident(pid: int) -> int:
    """Bytes of memory that a process has resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise WrongDelivery(f"process {pid} has no resident memory")
