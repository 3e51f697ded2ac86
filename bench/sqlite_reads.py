"""The nested read on SQLite: the gateway against the ordinary Strawberry way, both on the same file.

    python bench/sqlite_reads.py [--things 10000] [--rounds 5] [--seconds 2]

The servers share one core and take turns; the load generator has the other. The database is inside the servers. Prints
a table and `RATIO sqlite-nested strawberry <ours divided by theirs>`.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.agreement import agree
from bench.answers import Differing, data_of, fetch
from bench.cores import pinned, two_cores
from bench.fleets import Fleet, sqlite_fleet
from bench.load import WrongAnswer, post
from bench.servers import OURS, OURS_QUIET, STRAWBERRY, Running, run
from bench.tables import describe, print_operation, ratio_line, say
from bench.turns import Pace, Result, Subject, take_turns
from bench.workloads import Sample

ORGANIZATIONS = "{ organizations(first: 100) { nodes { id } } }"


async def measure(fleet: Fleet, pace: Pace) -> dict[str, Result]:
    """Start the servers, let them agree, measure them."""
    cores = two_cores()
    with ExitStack() as stack:
        with pinned(cores.servers):
            running = [stack.enter_context(run(server, fleet)) for server in (OURS, OURS_QUIET, STRAWBERRY)]
        stack.enter_context(pinned(cores.load))
        first_pages: dict[str, list[str | None]] = {each.server.name: [None] for each in running}
        requests = await agree(running, "nested", find_organizations(running[0]), first_pages, fleet.url)
        subjects = [Subject(each.server.name, each.port, each.pid, requests[each.server.name]) for each in running]
        results = await take_turns(subjects, pace)
        print_operation("nested, on SQLite", subjects, results)
    return results


def find_organizations(server: Running) -> Sample:
    """The ids of all organizations, as the gateway gives them."""
    body = fetch(server.port, post("/graphql", orjson.dumps({"query": ORGANIZATIONS}), server.headers))
    return Sample([], [], [node["id"] for node in data_of(body)["organizations"]["nodes"]])


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
    print(ratio_line("sqlite-nested", STRAWBERRY.name, results[OURS_QUIET.name].rate / results[STRAWBERRY.name].rate))


if __name__ == "__main__":
    main()
