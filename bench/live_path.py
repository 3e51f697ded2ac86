"""Measure the live path: `make bench-live`, or for a quick look

    python bench/live_path.py --rounds 1 --seconds 1 --many 1000 [--only deliveries memory many subscribe]

The gateway on PostgreSQL against Strawberry's own WebSocket handler, fed from memory: deliveries a second, memory for
each idle subscription, what subscribing costs; and the gateway alone with many subscribers. Servers share one core; the
clients, the database and the writer of events have the other. Every delivery is checked. Prints tables and lines
`RATIO <what> strawberry <ours divided by theirs>`. How it is done stands in bench/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cores import Cores, cpu_seconds, pinned, two_cores
from bench.fleets import Fleet, build_on_server, pinned_server, run_sql
from bench.live_clients import Group, WrongDelivery
from bench.live_events import BroadcastFeed, DatabaseFeed, Feed, draw_things, give_keys
from bench.live_measures import (
    Delivered,
    Subject,
    Subscribed,
    calm,
    connected,
    deliver,
    deliver_at_once,
    deliver_steadily,
    resident,
    subscribe,
    touch,
    weigh,
)
from bench.servers import OURS_QUIET, Server, gateway, run
from bench.tables import ratio_line, say

MANY_SOCKETS: Final = "20000"
OURS: Final = replace(
    OURS_QUIET,
    name="fleetgraph",
    environment=gateway(
        FLEETGRAPH_LOG_LEVEL="warning",
        FLEETGRAPH_MAX_SOCKETS=MANY_SOCKETS,
        FLEETGRAPH_MAX_SOCKETS_PER_PRINCIPAL=MANY_SOCKETS,
        FLEETGRAPH_MAX_ANONYMOUS_SOCKETS=MANY_SOCKETS,
    ),
)
"""One person has all sockets here, which is more than a person may have."""
THEIRS: Final = Server(
    "strawberry",
    (sys.executable, "-m", "bench.live_strawberry"),
    lambda _, port: dict(os.environ) | {"PORT": str(port)},
)
MEASURES: Final = ("deliveries", "memory", "subscribe", "many")
WATCHERS: Final = 20
"""Subscribers of each thing where many are spread."""


@dataclass(frozen=True)
class Bench:
    """The fleet that is measured on, and the command line."""

    fleet: Fleet
    chosen: argparse.Namespace
    cores: Cores

    @asynccontextmanager
    async def started(self, server: Server) -> AsyncIterator[Subject]:
        """A server of its own, for the time of the block."""
        async with AsyncExitStack() as stack:
            with pinned(self.cores.servers):
                running = stack.enter_context(run(server, self.fleet))
            things = await draw_things(self.fleet.url, self.chosen.things)
            feed: Feed
            if server is THEIRS:
                feed = await BroadcastFeed.open(running.port)
            else:
                feed = await DatabaseFeed.open(self.fleet.url)
            stack.push_async_callback(feed.close)
            yield Subject(running, feed, things)


async def measure_deliveries(bench: Bench) -> None:
    """All subscribers in one class; both servers in turns."""
    chosen = bench.chosen
    bursts: dict[str, list[Delivered]] = {OURS.name: [], THEIRS.name: []}
    singles: dict[str, list[Delivered]] = {OURS.name: [], THEIRS.name: []}
    async with AsyncExitStack() as stack:
        ready = []
        for server in (OURS, THEIRS):
            subject = await stack.enter_async_context(bench.started(server))
            crowd = await stack.enter_async_context(connected(subject, [Group({})], chosen.subscribers))
            ready.append((subject, crowd))
        for number in range(chosen.rounds + 1):
            for subject, crowd in ready:
                say(f"deliveries of {subject.name}, round {number} of {chosen.rounds}")
                burst = await deliver(subject, crowd, chosen.burst, chosen.seconds)
                single = await deliver(subject, crowd, 1, chosen.seconds)
                if number:  # the first one warms up
                    bursts[subject.name].append(burst)
                    singles[subject.name].append(single)
    print_deliveries(f"{chosen.subscribers:,} subscribers of one class, bursts of {chosen.burst} events", bursts)
    print_deliveries(f"{chosen.subscribers:,} subscribers of one class, event by event", singles)
    for what, results in (("deliveries", bursts), ("deliveries-singly", singles)):
        # Round by round, so that what the machine does besides cancels out.
        turns = zip(results[OURS.name], results[THEIRS.name], strict=True)
        print(ratio_line(what, THEIRS.name, median(ours.rate / theirs.rate for ours, theirs in turns)), flush=True)


def print_deliveries(title: str, results: dict[str, list[Delivered]]) -> None:
    """A row for each server."""
    print(f"\n### {title}\n")
    print("| server | deliveries/s | lowest to highest | server for 1 | busy | clients busy | p50 | p99 |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, rounds in results.items():
        rates = [each.rate for each in rounds]
        print(
            f"| {name} | {median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} "
            f"| {median(each.cost for each in rounds):.2f} us "
            f"| {median(each.server / each.seconds for each in rounds):.0%} "
            f"| {median(each.clients / each.seconds for each in rounds):.0%} "
            f"| {median(each.within(50) for each in rounds):.0f} ms "
            f"| {median(each.within(99) for each in rounds):.0f} ms |",
            flush=True,
        )


async def measure_memory(bench: Bench) -> None:
    """Every figure is of a server that was just started."""
    seen: dict[str, list[float]] = {OURS.name: [], THEIRS.name: []}
    for number in range(bench.chosen.rounds):
        for server in (OURS, THEIRS):
            say(f"memory of {server.name}, round {number + 1} of {bench.chosen.rounds}")
            async with bench.started(server) as subject:
                seen[server.name].append(await weigh(subject, bench.chosen.idle))
    print(f"\n### memory of an idle subscription, {bench.chosen.idle:,} sockets with one each\n")
    print("| server | KB each | lowest to highest |")
    print("|---|--:|--:|")
    for name, each in seen.items():
        print(f"| {name} | {median(each):.1f} | {min(each):.1f} to {max(each):.1f} |")
    ours, theirs = (median(seen[server.name]) for server in (OURS, THEIRS))
    print(ratio_line("memory", THEIRS.name, ours / theirs), flush=True)


async def measure_subscribe(bench: Bench) -> None:
    """By a document that was seen before; both servers in turns."""
    seen: dict[str, list[Subscribed]] = {OURS.name: [], THEIRS.name: []}
    async with AsyncExitStack() as stack:
        subjects = [await stack.enter_async_context(bench.started(server)) for server in (OURS, THEIRS)]
        for number in range(bench.chosen.rounds):
            for subject in subjects:
                say(f"subscribing to {subject.name}, round {number + 1} of {bench.chosen.rounds}")
                seen[subject.name].append(await subscribe(subject, 100, 20))
    print("\n### time on a core to subscribe, for a document that was seen before\n")
    print("| server | a subscription | a socket with its first subscription |")
    print("|---|--:|--:|")
    for name, each in seen.items():
        alone, first = median(one.alone for one in each), median(one.with_socket for one in each)
        print(f"| {name} | {alone:.3f} ms | {first:.3f} ms |")
    ours, theirs = (median(one.alone for one in seen[server.name]) for server in (OURS, THEIRS))
    print(ratio_line("subscribe", THEIRS.name, ours / theirs), flush=True)


async def measure_many(bench: Bench) -> None:
    """The gateway alone: a few subscribers for each thing, things that watch themselves, all in one class."""
    chosen = bench.chosen
    async with bench.started(OURS) as started:
        subject = replace(started, things=started.things[: chosen.many // WATCHERS])
        groups = [
            Group({"scope": {"thingIds": [thing.global_id]}}, frozenset((thing.global_id,))) for thing in subject.things
        ]
        shape = f"{chosen.many:,} subscribers, {WATCHERS} for each of {len(groups):,} things"
        # A burst is a transaction; 50 of them a second make 20,000 deliveries.
        await _measure_crowd(subject, groups, WATCHERS, 1_000, (20_000 // 50 // WATCHERS, 50.0), shape)
    async with bench.started(OURS) as subject:
        each = max(1, chosen.many // len(subject.things))
        keys = await give_keys(bench.fleet.url, subject.things)
        groups = [
            Group({}, frozenset((thing.global_id,)), f"Thing {key}")
            for thing, key in zip(subject.things, keys, strict=True)
        ]
        shape = f"{chosen.many:,} sockets of {len(groups):,} things, each with its own key and its own events"
        await _measure_crowd(subject, groups, each, 1_000, (20_000 // 50 // each, 50.0), shape)
    async with bench.started(OURS) as subject:
        shape = f"{chosen.many:,} subscribers of one class"
        await _measure_crowd(subject, [Group({})], chosen.many, 100, (1, 20_000 / chosen.many), shape)


async def _measure_crowd(
    subject: Subject, groups: Sequence[Group], each: int, events: int, steady: tuple[int, float], shape: str
) -> None:
    """Connect them all, send a burst of events, then events at a steady pace."""
    say(shape)
    pid, crowd = subject.running.pid, subject.crowd()
    memory, spent, loop = resident(pid), cpu_seconds(pid), asyncio.get_running_loop()
    try:
        started = loop.time()
        await crowd.join((group, each) for group in groups)
        acknowledged = loop.time() - started
        await calm(pid)
        live, spent = loop.time() - started, cpu_seconds(pid) - spent
        await touch(subject, crowd)
        number = each * len(groups)
        print(f"\n### {shape}\n")
        print(
            f"- all acknowledged after {acknowledged:.1f} s, the server idle again after {live:.1f} s; "
            f"{spent / number * 1000:.3f} ms on a core and {(resident(pid) - memory) / number / 1024:.1f} KB each",
            flush=True,
        )
        _print_run(f"a burst of {events:,} events", await deliver_at_once(subject, crowd, events))
        burst, pace = steady
        seen = await deliver_steadily(subject, crowd, burst, pace, 10.0)
        _print_run(f"{burst * pace:g} events a second for 10 s", seen)
    finally:
        await crowd.close()


def _print_run(title: str, seen: Delivered) -> None:
    print(
        f"- {title}: {seen.deliveries:,} deliveries, all complete after {seen.seconds:.2f} s ({seen.rate:,.0f}/s), "
        f"{seen.cost:.2f} us on a core each; commit to client p50 {seen.within(50):.0f} ms, "
        f"p99 {seen.within(99):.0f} ms; "
        f"server {seen.server / seen.seconds:.0%}, clients {seen.clients / seen.seconds:.0%} of a core",
        flush=True,
    )


async def measure_all(bench: Bench) -> None:
    """What was chosen."""
    measures = {
        "deliveries": measure_deliveries,
        "memory": measure_memory,
        "subscribe": measure_subscribe,
        "many": measure_many,
    }
    with pinned(bench.cores.load):
        for name in MEASURES:
            if name in bench.chosen.only:
                await measures[name](bench)


def choose(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="what is measured")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a turn is (2)")
    parser.add_argument("--things", type=int, default=1_000, help="the size of the demo fleet (1000)")
    parser.add_argument("--subscribers", type=int, default=1_000, help="subscribers that deliveries go to (1000)")
    parser.add_argument("--burst", type=int, default=20, help="events of one transaction (20)")
    parser.add_argument("--idle", type=int, default=2_000, help="subscribers whose memory is weighed (2000)")
    parser.add_argument("--many", type=int, default=10_000, help="subscribers of one process (10000)")
    parser.add_argument("--directory", type=Path, help="keep database and fleet here, and use what is there already")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, and print what was seen."""
    chosen = choose()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < chosen.many + 1_000:
        raise SystemExit(f"{chosen.many:,} sockets need as many open files; the limit is {soft:,} and may be {hard:,}")
    cores = two_cores()
    with pinned_server(cores.load, chosen.directory) as (server, directory):
        say(f"a demo fleet of {chosen.things:,} things")
        fleet = asyncio.run(build_on_server(server, chosen.things, directory))
        asyncio.run(run_sql(fleet.url, "VACUUM ANALYZE"))
        try:
            uvloop.run(measure_all(Bench(fleet, chosen, cores)))
        except WrongDelivery as error:
            raise SystemExit(f"stopped: {error}") from error


if __name__ == "__main__":
    main()
