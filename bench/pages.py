"""Pages of large lists: the first at 10,000 and at 1,000,000 things, and the ten-thousandth against the first.

    python bench/pages.py [--few 10000] [--many 1000000] [--rounds 15] [--seconds 0.6]

PostgreSQL. Each database starts as a demo fleet of 1,000 things; the others are inserted by statements over sets,
evenly into its groups. Asked is LIST of `workloads.py`, 100 things a page; the last page of the large list, which is
its ten-thousandth, is reached by its cursor. Prints a table, then `RATIO first-page 1000000-over-10000 <ratio>` and
`RATIO deep-page 10000th-over-first <ratio>`: the medians over the rounds of time divided by time, over one connection.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.answers import data_of, fetch
from bench.cores import pinned, two_cores
from bench.fleets import Fleet, build_on_server, pinned_server, server_pid
from bench.load import Request, WrongAnswer, post
from bench.servers import OURS_QUIET, Running, run
from bench.tables import describe, print_operation, ratio_line, say
from bench.turns import Pace, Result, Subject, take_turns
from bench.workloads import PAGE

DEMO_THINGS = 1_000
LAST = f"{{ things(last: {PAGE}) {{ pageInfo {{ startCursor }} nodes {{ id }} }} }}"
BEFORE = "query Before($before: String!) { things(last: 1, before: $before) { pageInfo { endCursor } } }"
INSERT = """
INSERT INTO thing (
  id, version, created_at, updated_at, organization_id, home_group_id, name, type, external_id, key_digest, lifecycle,
  connected, last_seen_at, metadata)
SELECT uuidv7(), 1, now(), now(), home.organization_id, home.id, 'Added thing ' || lpad(number::text, 7, '0'),
  (ARRAY['DEVICE', 'SENSOR', 'ACTUATOR', 'CONTROLLER', 'GATEWAY'])[1 + number % 5], 'added-' || number,
  sha256(convert_to('added-' || number, 'UTF8')), 'INSTALLED', number % 4 > 0,
  now() - number * interval '1 second', '{{}}'
FROM generate_series({first}, {last}) number JOIN (
  SELECT id, organization_id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS places FROM thing_group
) home ON home.place = number % home.places
"""
FOLLOW = """
INSERT INTO thing_group_thing (group_id, thing_id, is_home, created_at)
SELECT home_group_id, id, true, created_at FROM thing WHERE external_id LIKE 'added-%';
INSERT INTO thing_state (thing_id, reported, desired, version)
SELECT id, '{"on": true}', '{}', 1 FROM thing WHERE external_id LIKE 'added-%';
"""


async def build(server: str, things: int, directory: Path) -> Fleet:
    """A fleet of so many things in a database of its own; one that is there already is used as it is."""
    fleet = await build_on_server(server, DEMO_THINGS, directory, f"pages_{things}")
    connection = await asyncpg.connect(fleet.url)
    try:
        if await connection.fetchval("SELECT count(*) FROM thing") == DEMO_THINGS:
            # One script is one transaction: all of it is there, or nothing.
            await connection.execute(INSERT.format(first=DEMO_THINGS + 1, last=things) + ";" + FOLLOW)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return fleet


def ask(server: Running, document: str, **variables: Any) -> dict[str, Any]:
    """The connection `things` of an operation."""
    content = orjson.dumps({"query": document, "variables": variables})
    things: dict[str, Any] = data_of(fetch(server.port, post("/graphql", content, server.headers)))["things"]
    return things


def page(server: Running, after: str | None, *, is_last: bool) -> Request:
    """The request of one page, which must be full."""
    content = server.request("list", {"first": PAGE, "after": after})
    body = fetch(server.port, content)
    found = data_of(body)["things"]
    if len(found["nodes"]) != PAGE or found["pageInfo"]["hasNextPage"] is is_last:
        raise SystemExit(f"not the page that was looked for: {body[:400]!r}")
    return Request(content, len(body))


def deep_page(server: Running) -> Request:
    """The request of the last page, which goes on behind the cursor of the item before it."""
    last = ask(server, LAST)
    before = ask(server, BEFORE, before=last["pageInfo"]["startCursor"])
    return page(server, before["pageInfo"]["endCursor"], is_last=True)


async def measure(fleets: Sequence[Fleet], database_pid: int, pace: Pace) -> dict[str, Result]:
    """Start a gateway over each fleet, and let the pages take turns."""
    cores = two_cores()
    with ExitStack() as stack:
        with pinned(cores.servers):
            running = [stack.enter_context(run(replace(OURS_QUIET, name="pages"), fleet)) for fleet in fleets]
        stack.enter_context(pinned(cores.load))
        small, large = running
        subjects = [
            Subject("first of few", small.port, small.pid, [page(small, None, is_last=False)], database_pid),
            Subject("first of many", large.port, large.pid, [page(large, None, is_last=False)], database_pid),
            Subject("last of many", large.port, large.pid, [deep_page(large)], database_pid),
        ]
        results = await take_turns(subjects, pace)
        print_operation("a page of 100", subjects, results)
    return results


def slowdown(result: Result, reference: Result) -> float:
    """How many times longer an answer takes: in each round, where both are neighbours, and the median of these."""
    return median(mine / other for mine, other in zip(result.p50, reference.p50, strict=True))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10_000, help="things in the small fleet (10000)")
    parser.add_argument("--many", type=int, default=1_000_000, help="things in the large fleet (1000000)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each page (15)")
    parser.add_argument("--seconds", type=float, default=0.6, help="how long a turn is (0.6)")
    parser.add_argument("--directory", type=Path, help="keep the databases here, and use what is there already")
    chosen = parser.parse_args()
    pace = Pace(chosen.rounds, chosen.seconds)
    with pinned_server(two_cores().load, chosen.directory) as (server, directory):
        fleets = []
        for things in (chosen.few, chosen.many):
            say(f"a fleet of {things:,} things")
            fleets.append(asyncio.run(build(server, things, directory)))
        print(f"{chosen.few:,} (few) and {chosen.many:,} (many) things, {describe(pace)}")
        try:
            results = uvloop.run(measure(fleets, server_pid(directory), pace))
        except WrongAnswer as error:
            raise SystemExit(f"stopped: {error}") from error
    first_of_few, first_of_many, last_of_many = results.values()
    print()
    print(ratio_line("first-page", f"{chosen.many}-over-{chosen.few}", slowdown(first_of_many, first_of_few)))
    print(ratio_line("deep-page", f"{chosen.many // PAGE}th-over-first", slowdown(last_of_many, first_of_many)))


if __name__ == "__main__":
    main()
