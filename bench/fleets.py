"""Databases with demo fleets, and the gateways on them, each a process as in production."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import asyncpg

from bench.cores import pinned
from tests import postgres

ROOT = Path(__file__).resolve().parents[1]
SECONDS_TO_START = 60.0
DURABLE = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "log_min_messages": "warning",
}
"""PostgreSQL with its own defaults, durable as in production, but for more shared memory."""


@dataclass(frozen=True)
class Fleet:
    """A database with a demo fleet; `seconds` is what `gateway.py demo` took."""

    database: str
    things: int
    url: str
    data_dir: Path
    seconds: float

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the gateway on this fleet."""
        return _clean() | {"FLEETGRAPH_DATABASE_URL": self.url, "FLEETGRAPH_DATA_DIR": str(self.data_dir)}


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FLEETGRAPH_")}


def build(database: str, things: int, url: str, data_dir: Path) -> Fleet:
    """Migrate the database and build a demo fleet in it, by the commands that everybody has."""
    fleet = Fleet(database, things, url, data_dir, 0.0)
    _gateway(fleet, "migrate")
    started = time.perf_counter()
    _gateway(fleet, "demo", "--things", str(things))
    return Fleet(database, things, url, data_dir, time.perf_counter() - started)


@contextmanager
def sqlite_fleet(things: int) -> Iterator[Fleet]:
    """A demo fleet in an SQLite file of its own, for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="fleetgraph-bench-") as directory:
        data_dir = Path(directory)
        yield build("sqlite", things, f"sqlite:///{data_dir / 'fleet.db'}", data_dir)


async def build_on_server(server: str, things: int, directory: Path, name: str | None = None) -> Fleet:
    """A demo fleet in a database of its own on a PostgreSQL server; one that is there already is brought up to date."""
    name = name or f"fleet_{things}"
    data_dir = directory / name
    fleet = Fleet("postgresql", things, f"{server}/{name}", data_dir, 0.0)
    if data_dir.is_dir():
        _gateway(fleet, "migrate")
        return fleet
    await run_sql(f"{server}/postgres", f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    with tempfile.TemporaryDirectory(dir=directory) as making:
        built = build("postgresql", things, fleet.url, Path(making))
        shutil.copytree(making, data_dir)
    return replace(built, data_dir=data_dir)


async def run_sql(url: str, *scripts: str) -> None:
    """Run scripts of SQL on a PostgreSQL database, each in a transaction unless it is a single statement."""
    connection = await asyncpg.connect(url)
    try:
        for script in scripts:
            await connection.execute(script)
    finally:
        await connection.close()


def _gateway(fleet: Fleet, *arguments: str) -> None:
    command = [sys.executable, str(ROOT / "gateway.py"), *arguments]
    subprocess.run(command, cwd=ROOT, env=fleet.environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def serving(fleet: Fleet) -> Iterator[int]:
    """Run the gateway in the production profile; the port that it listens on."""
    port = postgres.free_port()
    command = [sys.executable, str(ROOT / "gateway.py"), "serve", "--port", str(port)]
    log = (fleet.data_dir / "gateway.log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, env=fleet.environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait(process, f"http://127.0.0.1:{port}/readyz", fleet.data_dir / "gateway.log")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        log.close()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit(f"the gateway did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def postgres_server(directory: Path, *, keep: bool = False) -> Iterator[str]:
    """A PostgreSQL server of our own; the address without the name of a database.

    With `keep`, its data stays in the directory, and is used again when the directory has some.
    """
    directory.chmod(0o711)
    data = directory / "postgres"
    with tempfile.TemporaryDirectory(prefix="fleetgraph-postgres-") as copies:
        Path(copies).chmod(0o711)
        binaries = postgres.readable_binaries(Path(copies))
        if not data.exists():
            postgres.make_cluster(binaries, data, "bench")
        server, port = postgres.serve(binaries, data, DURABLE)
        try:
            yield f"postgresql://postgres:bench@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    if not keep:
        shutil.rmtree(data)


def server_pid(directory: Path) -> int:
    """The process of the PostgreSQL server whose data lies in the directory."""
    return int((directory / "postgres" / "postmaster.pid").read_text().split()[0])


@contextmanager
def pinned_server(cores: frozenset[int], kept: Path | None) -> Iterator[tuple[str, Path]]:
    """A PostgreSQL server on these cores, and the directory of its data: `kept` or a temporary one."""
    with ExitStack() as stack:
        if kept is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetgraph-bench-")))
        else:
            directory = kept
            directory.mkdir(parents=True, exist_ok=True)
        with pinned(cores):
            server = stack.enter_context(postgres_server(directory, keep=kept is not None))
        yield server, directory


async def megabytes(fleet: Fleet) -> float:
    """How much the database takes on disk."""
    if fleet.database == "sqlite":
        return sum(path.stat().st_size for path in fleet.data_dir.glob("fleet.db*")) / 1e6
    connection = await asyncpg.connect(fleet.url)
    try:
        return float(await connection.fetchval("SELECT pg_database_size(current_database())")) / 1e6
    finally:
        await connection.close()
