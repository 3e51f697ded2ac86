"""What was measured, as text."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from statistics import median

from bench.turns import Pace, Result, Subject


def say(text: str) -> None:
    """Show progress without touching the tables."""
    print(text, file=sys.stderr, flush=True)


def describe(pace: Pace) -> str:
    """How it is measured, and on what."""
    return (
        f"{pace.connections} connections, {pace.rounds} rounds of {pace.seconds:g} s; "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"load before {os.getloadavg()[0]:.1f}"
    )


def print_operation(operation: str, subjects: Sequence[Subject], results: Mapping[str, Result]) -> None:
    """One operation: a row for each server."""
    requests = subjects[0].requests
    length = sum(request.length for request in requests) / len(requests)
    print(f"\n### {operation} ({len(requests)} variables in turn, answers of {length:,.0f} bytes)\n")
    print("| server | answers/s | lowest to highest | p50, alone | p99, alone | busy | server for 1 | database for 1 |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for subject in subjects:
        result = results[subject.name]
        print(
            f"| {subject.name} | {result.rate:,.1f} | {min(result.rates):,.1f} to {max(result.rates):,.1f} "
            f"| {median(result.p50):.2f} ms | {median(result.p99):.2f} ms "
            f"| {median(result.busy):.0%} | {median(result.cost):.3f} ms | {median(result.database_cost):.3f} ms |",
            flush=True,
        )


def ratio_line(what: str, against: str, ratio: float) -> str:
    """One result for programs to read."""
    return f"RATIO {what} {against} {ratio:.2f}"
