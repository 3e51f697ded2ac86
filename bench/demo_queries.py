"""Measure the demo queries at several sizes of the fleet, on SQLite and on PostgreSQL.

    python bench/demo_queries.py [--things 1000 --things 100000] [--database sqlite] [--rounds 40]

For each database and size: build a demo fleet with the gateway's own commands, start the gateway as a process in the
production profile, and ask it over HTTP on one kept connection, one request after the other. The sizes take turns,
round by round, so that what else the machine does hits all alike. The SQL statements of each operation are counted on
the same database in this process. Prints Markdown tables; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.counting import count_statements
from bench.fleets import Fleet, build, build_on_server, megabytes, postgres_server, serving
from bench.operations import FIND, LOGIN, Operation, operations
from bench.tables import say
from demo.keys import KEYS_FILE, read_keys
from demo.people import DEMO_EMAIL, DEMO_PASSWORD
from endpoints.logs import configure_logs

WARM_UP = 5


@dataclass
class Subject:
    """One gateway that is measured: its fleet, a connection, the operations with its ids, and what they took (ms)."""

    fleet: Fleet
    connection: HTTPConnection
    thing_key: str
    token: str = ""
    asked: list[Operation] = field(default_factory=list)
    took: dict[str, list[float]] = field(default_factory=dict)
    statements: dict[str, int] = field(default_factory=dict)
    size: float = 0.0

    def ask(self, document: str, variables: dict[str, Any], authorization: str | None) -> tuple[float, Any]:
        """Post an operation; milliseconds until the whole answer was here, and its data."""
        headers = {"Content-Type": "application/json", "Accept": "application/graphql-response+json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        body = orjson.dumps({"query": document, "variables": variables})
        started = time.perf_counter()
        self.connection.request("POST", "/graphql", body, headers)
        content = self.connection.getresponse().read()
        took = (time.perf_counter() - started) * 1000
        answer = orjson.loads(content)
        if "errors" in answer:
            raise SystemExit(f"{document.strip()}\n{answer['errors']}")
        return took, answer["data"]

    def sign_in(self) -> None:
        """Get an access token, which is good for a quarter of an hour."""
        _, data = self.ask(LOGIN, {"input": {"email": DEMO_EMAIL, "password": DEMO_PASSWORD}}, None)
        self.token = data["login"]["session"]["accessToken"]

    def authorization(self, operation: Operation) -> str | None:
        """Who asks."""
        return f"Thing {self.thing_key}" if operation.as_thing else f"Bearer {self.token}"

    def prepare(self) -> None:
        """Find the ids that the operations are about."""
        self.sign_in()
        _, data = self.ask(FIND, {"externalId": "demo-0001"}, f"Bearer {self.token}")
        [node] = data["things"]["nodes"]
        self.asked = operations(node["id"], node["organization"]["id"], DEMO_EMAIL, DEMO_PASSWORD)

    def measure(self, number: int) -> float:
        """Ask the operation with this number once."""
        operation = self.asked[number]
        took, _ = self.ask(operation.document, operation.variables, self.authorization(operation))
        return took


async def build_fleets(database: str, sizes: list[int], directory: Path, server: str | None) -> list[Fleet]:
    """A fleet of each size, each in a database of its own."""
    fleets = []
    for things in sizes:
        say(f"{database}: building {things:,} things")
        if server is not None:
            fleets.append(await build_on_server(server, things, directory))
            continue
        data_dir = directory / f"{database}-{things}"
        data_dir.mkdir()
        fleets.append(build(database, things, f"sqlite:///{data_dir / 'fleet.db'}", data_dir))
    return fleets


def measure(fleets: list[Fleet], rounds: int) -> list[Subject]:
    """Time every operation on every fleet, round by round in turns."""
    with ExitStack() as running:
        subjects = []
        for fleet in fleets:
            port = running.enter_context(serving(fleet))
            key = read_keys(fleet.data_dir / KEYS_FILE)[0].key
            subject = Subject(fleet, HTTPConnection("127.0.0.1", port, timeout=120), key)
            running.callback(subject.connection.close)
            subject.prepare()
            subjects.append(subject)
        for number, operation in enumerate(subjects[0].asked):
            say(f"{fleets[0].database}: {operation.name}")
            for subject in subjects:
                subject.sign_in()
                subject.took[operation.name] = []
                for _ in range(WARM_UP):
                    subject.measure(number)
            for _ in range(rounds):
                for subject in subjects:
                    subject.took[operation.name].append(subject.measure(number))
    return subjects


async def measure_database(database: str, sizes: list[int], rounds: int) -> list[Subject]:
    """Build, measure and count on one kind of database."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetgraph-bench-")))
        server = stack.enter_context(postgres_server(directory)) if database == "postgresql" else None
        fleets = await build_fleets(database, sizes, directory, server)
        subjects = measure(fleets, rounds)
        for subject in subjects:
            subject.size = await megabytes(subject.fleet)
            for operation in subject.asked:
                authorization = subject.authorization(operation)
                subject.statements[operation.name] = await count_statements(subject.fleet, operation, authorization)
    return subjects


def print_builds(subjects: list[Subject]) -> None:
    """How long the demo fleets took."""
    print("| database | things | `demo` took | things a second | on disk |")
    print("|---|--:|--:|--:|--:|")
    for subject in subjects:
        fleet = subject.fleet
        rate = fleet.things / fleet.seconds
        print(f"| {fleet.database} | {fleet.things:,} | {fleet.seconds:.1f} s | {rate:,.0f} | {subject.size:,.0f} MB |")


def print_queries(subjects: list[Subject]) -> None:
    """Statements and medians of one kind of database, and how the largest fleet compares with the smallest."""
    sizes = " | ".join(f"{subject.fleet.things:,} things" for subject in subjects)
    print(f"| operation | statements | {sizes} | ratio |")
    print("|---|--:|" + "--:|" * len(subjects) + "--:|")
    for operation in subjects[0].asked:
        took = [subject.took[operation.name] for subject in subjects]
        medians = [statistics.median(each) for each in took]
        counts = sorted({subject.statements[operation.name] for subject in subjects})
        cells = " | ".join(
            f"{statistics.median(each):.1f} ms ({min(each):.1f} to {statistics.quantiles(each, n=20)[-1]:.1f})"
            for each in took
        )
        print(f"| {operation.name} | {' or '.join(map(str, counts))} | {cells} | {medians[-1] / medians[0]:.1f} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--things", type=int, action="append", help="a size; 1000 and 100000 unless given")
    parser.add_argument("--database", action="append", choices=("sqlite", "postgresql"), help="both unless given")
    parser.add_argument("--rounds", type=int, default=40, help="measured requests of each operation on each fleet")
    chosen = parser.parse_args()
    configure_logs("console", "warning")
    sizes = sorted(set(chosen.things or [1000, 100_000]))
    print(
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{chosen.rounds} rounds. Load before: {os.getloadavg()[0]:.1f}."
    )
    for database in chosen.database or ["sqlite", "postgresql"]:
        subjects = asyncio.run(measure_database(database, sizes, chosen.rounds))
        print(f"\n### {database}\n")
        print_builds(subjects)
        print("\nMedian, and in brackets the fastest and the 95th percentile:\n")
        print_queries(subjects)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
