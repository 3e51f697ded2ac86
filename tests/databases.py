"""A fresh, migrated database for each test, on SQLite and on PostgreSQL.

The migrations run once per run and kind of database; a test gets a copy of what they made (a file, or a database from a
template), so that it costs milliseconds. PostgreSQL is the server that FLEETGRAPH_TEST_DATABASE_URL names (its user
must be allowed to create databases) or the run's own one.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from models import migrate
from tests import postgres
from tests.run import RUN_DIRECTORY, Run, only_one

NAMED_SERVER = "FLEETGRAPH_TEST_DATABASE_URL"
Given = TypeVar("Given")
_numbers = itertools.count(1)


def wait_for(coroutine: Coroutine[Any, Any, Given]) -> Given:
    """Run a coroutine from a fixture that is not async, whatever loop the test has."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def on_server(server: str, *statements: str) -> None:
    """Run statements outside any transaction on a server's database."""

    async def execute() -> None:
        connection = await asyncpg.connect(server)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    wait_for(execute())


def with_database(server: str, name: str) -> str:
    """The address of another database on the same server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the templates from a server that outlives the run."""
    run = config.stash.get(RUN_DIRECTORY, None)
    server = os.environ.get(NAMED_SERVER)
    if run is None or run.owner is None or not server:
        return
    for made in run.directory.glob("*.made"):
        on_server(server, f"DROP DATABASE IF EXISTS {postgres_name(run, made.stem)} WITH (FORCE)")


def postgres_name(run: Run, what: object) -> str:
    """The name of a database of this run."""
    return f"fleetgraph_{run.name}_{what}"


def make_once_on_postgres(
    run: Run, server: str, what: str, make: Callable[[str], None], *, source: str = "template0"
) -> str:
    """Make a database for copying, by the first worker that asks: a copy of `source`, then `make(address)`."""
    name = postgres_name(run, what)
    with only_one(run, f"postgres-{what}"):
        made = run.directory / f"{what}.made"
        if not made.exists():
            on_server(server, f"CREATE DATABASE {name} TEMPLATE {source}")
            make(with_database(server, name))
            made.touch()
    return name


def make_once_on_sqlite(run: Run, what: str, make: Callable[[str], None], *, source: Path | None = None) -> Path:
    """The same as a file."""
    path = run.directory / f"{what}.db"
    with only_one(run, f"sqlite-{what}"):
        if not path.exists():
            making = path.with_suffix(".making")
            if source is not None:
                shutil.copyfile(source, making)
            make(f"sqlite:///{making}")
            making.rename(path)
    return path


@pytest.fixture(scope="session")
def postgres_server(run: Run) -> str:
    """The address (`postgresql://...`) of a database on a running PostgreSQL server, for making others."""
    named = os.environ.get(NAMED_SERVER)
    if named:
        return named
    with only_one(run, "postgres"):
        return postgres.start(run.directory)


@pytest.fixture(scope="session")
def postgresql_template(run: Run, postgres_server: str) -> str:
    """The name of a migrated database without rows on that server."""
    return make_once_on_postgres(run, postgres_server, "migrated", lambda url: wait_for(migrate.upgrade(url)))


@pytest.fixture(scope="session")
def sqlite_template(run: Run) -> Path:
    """A migrated SQLite file without rows."""
    return make_once_on_sqlite(run, "migrated", lambda url: wait_for(migrate.upgrade(url)))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; every test that touches a database runs once for each."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database of this test alone: `sqlite:///...` or `postgresql://...`.

    It has no rows, or those of the fleet when the test asks for `fleet` (tests/fleets.py).
    """
    template = "fleet" if "built_fleet" in request.fixturenames else "template"
    source: Any = request.getfixturevalue(f"{database_kind}_{template}")
    if database_kind == "sqlite":
        shutil.copyfile(source, tmp_path / "fleet.db")
        yield f"sqlite:///{tmp_path / 'fleet.db'}"
    else:
        with a_database(request, source) as url:
            yield url


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables: for tests of the migrations themselves."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        with a_database(request, "template0") as url:
            yield url


@contextmanager
def a_database(request: pytest.FixtureRequest, source: str) -> Iterator[str]:
    """A database on the run's PostgreSQL server, copied from another, for the time of the block."""
    server: str = request.getfixturevalue("postgres_server")
    name = postgres_name(request.config.stash[RUN_DIRECTORY], f"{os.getpid()}_{next(_numbers)}")
    on_server(server, f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        yield with_database(server, name)
    finally:
        on_server(server, f"DROP DATABASE {name} WITH (FORCE)")
