"""Reports a second: one by one and in batches, answered when they are durable.

    python bench/reports.py [--database postgresql] [--connections 64] [--batch 1 --batch 100] [--rounds 5]

A gateway process on one core; the load, which checks every answer, and PostgreSQL on the other. The person who reports
may do so everywhere; with `--things`, each thing of the demo fleet that has a key reports for itself. All things report
in turn. After each run the database is read: every report that was answered must be there as an event and as a version.

The floor is what the database gives for the same rows without a gateway: the statements of `models.writers`, from a
process on the gateway's core, with a transaction for each report and one for each hundred.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import asyncpg
import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.answers import data_of, fetch
from bench.cores import cpu_seconds, pinned, two_cores
from bench.fleets import Fleet, build_on_server, pinned_server, server_pid, sqlite_fleet
from bench.load import Request, WrongAnswer, measure, post
from bench.servers import OURS_QUIET, Running, run
from bench.tables import describe, say
from bench.turns import Pace
from demo.keys import KEYS_FILE, read_keys
from models.store import Store, StoreSettings, open_store
from models.writers import Changes, NewEvent, NewState

ONE: Final = """
mutation Report($input: ReportThingStateInput!) {
  reportThingState(input: $input) { state { version } userErrors { code message } }
}
"""
MANY: Final = """
mutation ReportAll($input: ReportThingStatesInput!) {
  reportThingStates(input: $input) { taken results { userErrors { code message } } userErrors { code message } }
}
"""
DIGITS: Final = 6
"""A version may come to have so many digits more than in the first answer."""
THINGS: Final = "SELECT id FROM thing ORDER BY id"
KEPT: Final = """
SELECT (SELECT coalesce(sum(version), 0) FROM thing_state),
  count(*), count(DISTINCT occurred_at) FROM event WHERE kind = 'THING_STATE_CHANGED'
"""


@dataclass
class Figures:
    """What the rounds saw: reports a second, the time on cores that one took (ms), and the reports of one commit."""

    rates: list[float] = field(default_factory=list)
    gateway: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        """A row of the table."""
        return (
            f"| {name} | {median(self.rates):,.0f} | {min(self.rates):,.0f} to {max(self.rates):,.0f} "
            f"| {median(self.gateway) * 1000:.0f} | {median(self.database) * 1000:.0f} | {median(self.together):.1f} "
            f"| {median(self.p50):.1f} | {median(self.p99):.1f} |"
        )


def query(fleet: Fleet, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement, read past the gateway."""
    if fleet.database == "sqlite":
        connection = sqlite3.connect(fleet.data_dir / "fleet.db", timeout=30)
        try:
            return list(connection.execute(statement))
        finally:
            connection.close()
    return asyncio.run(_query_server(fleet.url, statement))


async def _query_server(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def values(number: int) -> dict[str, Any]:
    """What a thing reports."""
    return {"benchSerial": number, "doorOpen": number % 2 == 0, "temperature": -18.4 + number % 10}


def requests(running: Running, things: Sequence[str], batch: int) -> list[Request]:
    """What is asked in turn: all things once. The first answer says how long they have to be."""
    reports = [{"thingId": f"thing_{key}", "reported": values(number)} for number, key in enumerate(things)]
    if batch == 1:
        bodies: list[dict[str, Any]] = [{"query": ONE, "variables": {"input": each}} for each in reports]
    else:
        last = len(reports) - len(reports) % batch
        parts = [reports[start : start + batch] for start in range(0, last, batch)]
        bodies = [{"query": MANY, "variables": {"input": {"reports": part}}} for part in parts]
    contents = [post("/graphql", orjson.dumps(body), running.headers) for body in bodies]
    return _expected(running, contents, batch)


def requests_of_things(running: Running, keys: Sequence[str]) -> list[Request]:
    """The same for things that report for themselves, each signed in with its key."""
    contents = []
    for number, key in enumerate(keys):
        body = orjson.dumps({"query": ONE, "variables": {"input": {"reported": values(number)}}})
        contents.append(post("/graphql", body, {"Authorization": f"Thing {key}"}))
    return _expected(running, contents, 1)


def _expected(running: Running, contents: Sequence[bytes], batch: int) -> list[Request]:
    answer = fetch(running.port, contents[0])
    (payload,) = data_of(answer).values()
    if payload["userErrors"] or payload.get("taken", 1) != batch:
        raise SystemExit(f"the report was not taken: {answer[:400]!r}")
    # A refusal is longer than all digits together; of a batch the length is the same to the byte.
    length, slack = (len(answer), 0) if batch > 1 else (len(answer) - DIGITS, 2 * DIGITS)
    return [Request(content, length, slack) for content in contents]


async def floor(open_writers: Callable[[], Store], things: Sequence[str], batch: int, tasks: int, pace: Pace) -> float:
    """Reports a second of the database itself: the statements of the writers, without anything around them."""
    store = open_writers()
    rates = []
    try:
        for _ in range(pace.rounds):
            until = time.perf_counter() + pace.seconds
            started = time.perf_counter()
            tasks_done = (_write_until(store, things[task::tasks], batch, until) for task in range(tasks))
            done = await asyncio.gather(*tasks_done)
            rates.append(sum(done) / (time.perf_counter() - started))
    finally:
        await store.close()
    return median(rates)


async def _write_until(store: Store, things: Sequence[str], batch: int, until: float) -> int:
    done = 0
    while time.perf_counter() < until:
        keys = sorted(things[(done + place) % len(things)] for place in range(batch))
        async with store.writers.transaction() as writing:
            changes = Changes()
            for thing in await writing.lock(keys):
                reported = orjson.dumps(orjson.loads(thing.reported) | values(done)).decode()
                detail = orjson.dumps({"side": "REPORTED", "patch": values(done), "version": thing.version + 1})
                about = (thing.organization_id, thing.group_id, thing.id)
                changes.states.append(NewState(thing.id, reported, thing.version + 1))
                changes.events.append(NewEvent("THING_STATE_CHANGED", *about, detail.decode()))
            await writing.apply(changes, datetime.now(UTC))
        done += batch
    return done


def measure_round(
    fleet: Fleet, running: Running, asked: Sequence[Request], batch: int, pace: Pace, database_pid: int | None
) -> Iterator[tuple[str, float]]:
    """One run, and what the database holds of it; raises SystemExit when an answered report is not there."""
    versions, events, moments = query(fleet, KEPT)[0]
    spent = cpu_seconds(running.pid), 0.0 if database_pid is None else cpu_seconds(database_pid)
    seen = uvloop.run(measure(running.port, asked, pace.connections, pace.seconds))
    now = cpu_seconds(running.pid), 0.0 if database_pid is None else cpu_seconds(database_pid)
    reports = seen.answers * batch
    more_versions, more_events, more_moments = query(fleet, KEPT)[0]
    if (more_versions - versions, more_events - events) != (reports, reports):
        raise SystemExit(f"{reports} reports were answered, {more_events - events} are in the database")
    yield "rates", reports / seen.seconds
    yield "gateway", (now[0] - spent[0]) / reports * 1000
    yield "database", (now[1] - spent[1]) / reports * 1000
    yield "together", reports / (more_moments - moments)
    yield "p50", seen.percentile(50)
    yield "p99", seen.percentile(99)


def measure_all(fleet: Fleet, sizes: Sequence[int], pace: Pace, database_pid: int | None, *, by_things: bool) -> None:
    """Start the gateway, let all kinds of reports take turns, and print a table."""
    cores = two_cores()
    things = [str(key).replace("-", "") for (key,) in query(fleet, THINGS)]
    with pinned(cores.servers), run(OURS_QUIET, fleet) as running, pinned(cores.load):
        kinds = {("one by one" if size == 1 else f"batches of {size}"): size for size in sizes}
        asked = {name: requests(running, things, size) for name, size in kinds.items()}
        if by_things:
            keys = [each.key for each in read_keys(fleet.data_dir / KEYS_FILE)]
            kinds["one by one, by things"] = 1
            asked["one by one, by things"] = requests_of_things(running, keys)
        figures = {name: Figures() for name in kinds}
        for name, size in kinds.items():
            list(measure_round(fleet, running, asked[name], size, Pace(1, 1.0, pace.connections), database_pid))
        for _ in range(pace.rounds):
            for name, size in kinds.items():
                for figure, value in measure_round(fleet, running, asked[name], size, pace, database_pid):
                    getattr(figures[name], figure).append(value)
    print("| reports | a second | lowest to highest | gateway us | database us | in a commit | p50 ms | p99 ms |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, result in figures.items():
        print(result.row(name), flush=True)
    for batch, tasks in ((1, 1), (1, 8), (100, 1), (100, 2)):
        if fleet.database == "sqlite" and tasks > 1:
            continue
        with pinned(cores.servers):
            rate = uvloop.run(floor(lambda: open_store(StoreSettings(fleet.url)), things, batch, tasks, pace))
        print(f"The floor: {rate:,.0f} a second, {batch} in a transaction, {tasks} at a time.", flush=True)


@contextmanager
def fleet_on(database: str, things: int, directory: Path | None) -> Iterator[tuple[Fleet, int | None]]:
    """A demo fleet, and the process of its database unless that is the gateway's own."""
    if database == "sqlite":
        with sqlite_fleet(things) as fleet:
            yield fleet, None
        return
    with pinned_server(two_cores().load, directory) as (server, place):
        yield asyncio.run(build_on_server(server, things, place)), server_pid(place)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--connections", type=int, default=64, help="connections of the load (64)")
    parser.add_argument("--batch", type=int, action="append", help="reports in a request; may be repeated (1, 100)")
    parser.add_argument("--fleet", type=int, default=10_000, help="the size of the demo fleet (10000)")
    parser.add_argument("--things", action="store_true", help="let things report for themselves, too")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a turn is (3)")
    parser.add_argument("--directory", type=Path, help="keep the PostgreSQL here, and use what is there already")
    chosen = parser.parse_args()
    pace = Pace(chosen.rounds, chosen.seconds, chosen.connections)
    say(f"a demo fleet of {chosen.fleet:,} things")
    with fleet_on(chosen.database, chosen.fleet, chosen.directory) as (fleet, database_pid):
        print(f"{chosen.database}, {chosen.fleet:,} things, {describe(pace)}\n")
        try:
            measure_all(fleet, chosen.batch or [1, 100], pace, database_pid, by_things=chosen.things)
        except WrongAnswer as error:
            raise SystemExit(f"stopped: {error}") from error


if __name__ == "__main__":
    main()
