"""Cores: servers on the first, the load generator and the database on the second, so that neither takes from the other.

Needs Linux, and two cores that this process may use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cores:
    """The sets of cores by what runs on them."""

    servers: frozenset[int]
    load: frozenset[int]


def two_cores() -> Cores:
    """One core for the servers, another for load and database; raises SystemExit when there is only one."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise SystemExit("the benchmark needs two cores: one for the servers, one for the load and the database")
    return Cores(servers=frozenset(available[:1]), load=frozenset(available[1:2]))


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Run on these cores inside the block; processes that are started in it stay on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """The time on cores that a process and all that it has started have had so far, what has ended included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        # A child that ended just now; its time is its parent's from now on.
        return 0.0
    spent = sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return spent + sum(cpu_seconds(int(child)) for child in children)
