"""Scaling: `serve --workers 2` against one worker, on two cores that have little else to do.

    python bench/workers.py [--things 10000] [--rounds 5] [--seconds 2]

A PostgreSQL would want its share of the two cores of a small machine. So this is measured on SQLite, whose work is done
inside the workers: what is left for others is the load generator, of whose share the output tells. The read is the list
of 100 things with two edges to one. Nothing is pinned. Prints a table and `RATIO workers 2-over-1 <ratio>`.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.agreement import agree, walk
from bench.answers import Differing
from bench.fleets import Fleet, sqlite_fleet
from bench.load import WrongAnswer
from bench.servers import OURS_QUIET, SERVE, run
from bench.tables import describe, print_operation, ratio_line, say
from bench.turns import Pace, Result, Subject, take_turns
from bench.workloads import Sample

ONE, TWO = (
    replace(OURS_QUIET, name=name, command=(*SERVE, "--workers", number))
    for name, number in (("one worker", "1"), ("two workers", "2"))
)


async def measure(fleet: Fleet, pace: Pace) -> dict[str, Result]:
    """Start both, let them agree, measure them."""
    with ExitStack() as stack:
        running = [stack.enter_context(run(server, fleet)) for server in (ONE, TWO)]
        cursors = {each.server.name: walk(each) for each in running}
        requests = await agree(running, "list", Sample([], [], []), cursors, fleet.url)
        subjects = [Subject(each.server.name, each.port, each.pid, requests[each.server.name]) for each in running]
        started, used = time.perf_counter(), time.process_time()
        results = await take_turns(subjects, pace)
        share = (time.process_time() - used) / (time.perf_counter() - started)
        print_operation("list, on SQLite", subjects, results)
        print(f"\nThe load generator had {share:.0%} of a core.")
    return results


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--things", type=int, default=10_000, help="the size of the demo fleet (10000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a turn is (2)")
    chosen = parser.parse_args()
    pace = Pace(chosen.rounds, chosen.seconds)
    say(f"a demo fleet of {chosen.things:,} things")
    with sqlite_fleet(chosen.things) as fleet:
        print(f"SQLite, {chosen.things:,} things, {describe(pace)}")
        try:
            results = uvloop.run(measure(fleet, pace))
        except (Differing, WrongAnswer) as error:
            raise SystemExit(f"stopped: {error}") from error
    print()
    print(ratio_line("workers", "2-over-1", results[TWO.name].rate / results[ONE.name].rate))


if __name__ == "__main__":
    main()
