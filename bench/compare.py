"""Compare the gateway with what users would pick instead: `make bench`, or for a quick run

    python bench/compare.py --things 1000 --rounds 1 --seconds 1 [--peers mercurius --peers floor] [--operations list]

One PostgreSQL, one demo fleet, the same answers (compared first; their lengths are held under load). Servers share one
core, the load generator and the database the other; they take turns, round by round. Prints a table for each operation,
then lines `RATIO <operation> <peer> <ours divided by theirs>`, from the medians of the answers a second. What the peers
are stands in bench/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.agreement import agree, walk
from bench.answers import Differing
from bench.cores import pinned, two_cores
from bench.fleets import Fleet, build_on_server, pinned_server, run_sql, server_pid
from bench.load import WrongAnswer
from bench.servers import NODE, OURS, OURS_QUIET, PEERS, Server, run
from bench.tables import describe, print_operation, ratio_line, say
from bench.turns import Pace, Result, Subject, take_turns
from bench.workloads import DOCUMENTS, draw_sample


async def measure_all(
    fleet: Fleet, database_pid: int, servers: Sequence[Server], operations: Sequence[str], pace: Pace
) -> dict[str, dict[str, Result]]:
    """Start the servers, let them agree, measure them; prints each operation as soon as it is known."""
    cores = two_cores()
    results: dict[str, dict[str, Result]] = {}
    with ExitStack() as stack:
        with pinned(cores.servers):
            running = []
            for server in servers:
                if server.functions is not None:
                    await run_sql(fleet.url, server.functions.read_text())
                say(f"starting {server.name}")
                running.append(stack.enter_context(run(server, fleet)))
        stack.enter_context(pinned(cores.load))
        say("comparing the answers")
        sample = await draw_sample(fleet.url)
        cursors = {each.server.name: walk(each) for each in running}
        agreed = {
            operation: await agree(running, operation, sample, cursors, fleet.url)
            for operation in operations
            if operation != "mutation"
        }
        for operation in operations:
            say(f"measuring {operation}")
            # Compared only now, because it changes what the others answer.
            requests = agreed.get(operation) or await agree(running, operation, sample, cursors, fleet.url)
            subjects = [
                Subject(each.server.name, each.port, each.pid, requests[each.server.name], database_pid)
                for each in running
            ]
            results[operation] = await take_turns(subjects, pace)
            print_operation(operation, subjects, results[operation])
    return results


def choose(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [peer.name for peer in PEERS]
    parser.add_argument("--things", type=int, default=100_000, help="the size of the demo fleet (100000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server in each operation (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a turn is (2)")
    parser.add_argument("--connections", type=int, default=16, help="connections of the load (16)")
    parser.add_argument("--peers", nargs="+", choices=names, default=names, help="which peers; all unless given")
    parser.add_argument("--operations", nargs="+", choices=list(DOCUMENTS), default=list(DOCUMENTS), help="which")
    parser.add_argument(
        "--logged", action="store_true", help="take the ratios of the gateway as shipped, which logs each request"
    )
    parser.add_argument("--directory", type=Path, help="keep database and fleet here, and use what is there already")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, and print what was seen."""
    chosen = choose()
    peers = [peer for peer in PEERS if peer.name in chosen.peers]
    if any(peer.command[0] == str(NODE) for peer in peers) and not NODE.exists():
        raise SystemExit("the peers from npm are not installed; run: make bench, or npm ci in bench/peers")
    # In the order of the workloads whatever the command line says: the mutation changes what the others read.
    operations = [operation for operation in DOCUMENTS if operation in chosen.operations]
    pace = Pace(chosen.rounds, chosen.seconds, chosen.connections)
    with pinned_server(two_cores().load, chosen.directory) as (server, directory):
        say(f"a demo fleet of {chosen.things:,} things")
        fleet = asyncio.run(build_on_server(server, chosen.things, directory))
        asyncio.run(run_sql(fleet.url, "VACUUM ANALYZE"))
        print(f"{chosen.things:,} things, {describe(pace)}")
        try:
            results = uvloop.run(
                measure_all(fleet, server_pid(directory), [OURS, OURS_QUIET, *peers], operations, pace)
            )
        except (Differing, WrongAnswer) as error:
            raise SystemExit(f"stopped: {error}") from error
    ours = OURS if chosen.logged else OURS_QUIET
    print()
    for operation in operations:
        for peer in peers:
            measured = results[operation]
            print(ratio_line(operation, peer.name, measured[ours.name].rate / measured[peer.name].rate))


if __name__ == "__main__":
    main()
