"""Measuring several servers in turns, round by round, so that what else the machine does hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.cores import cpu_seconds
from bench.load import Request, measure

WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Pace:
    """How many rounds, how long each server is asked in one (seconds), and over how many connections."""

    rounds: int
    seconds: float
    connections: int = 16


@dataclass(frozen=True)
class Subject:
    """A running server, what it is asked, and the process of its database unless that is inside of it."""

    name: str
    port: int
    pid: int
    requests: Sequence[Request]
    database_pid: int | None = None

    @property
    def cpu_seconds(self) -> tuple[float, float]:
        """The time on cores that the server and its database have had so far."""
        return cpu_seconds(self.pid), 0.0 if self.database_pid is None else cpu_seconds(self.database_pid)


@dataclass
class Result:
    """What the rounds saw of one server.

    Over all connections: answers a second, the part of its core that it had, and the time on cores that one answer took
    of the server and of the database (ms). Over one connection: the times to an answer (ms).
    """

    rates: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    database_cost: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)


async def take_turns(subjects: Sequence[Subject], pace: Pace) -> dict[str, Result]:
    """Warm everybody up; then, in each round, ask each over all connections, and over one for half the time."""
    results = {subject.name: Result() for subject in subjects}
    for subject in subjects:
        await measure(subject.port, subject.requests, pace.connections, min(WARM_UP_SECONDS, pace.seconds))
    for _ in range(pace.rounds):
        for subject in subjects:
            result = results[subject.name]
            before = subject.cpu_seconds
            together = await measure(subject.port, subject.requests, pace.connections, pace.seconds)
            result.rates.append(together.rate)
            server, database = (after - since for after, since in zip(subject.cpu_seconds, before, strict=True))
            result.busy.append(server / together.seconds)
            result.cost.append(server / together.answers * 1000)
            result.database_cost.append(database / together.answers * 1000)
            alone = await measure(subject.port, subject.requests, 1, pace.seconds / 2)
            result.p50.append(alone.percentile(50))
            result.p99.append(alone.percentile(99))
    return results
