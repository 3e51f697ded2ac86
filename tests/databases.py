"""A fresh, migrated database for each test, on SQLite and on PostgreSQL.

The migrations run once per worker and kind of database; a test gets a copy of what they made (a file, or a database
from a template), so that it costs milliseconds. PostgreSQL is the server that FLEETGRAPH_TEST_DATABASE_URL names (its
user must be allowed to create databases) or one of the worker's own.
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
from tests.run import Run, only_one

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


def postgres_name(run: Run, what: object) -> str:
    """The name of a database of this worker."""
    return f"fleetgraph_{run.name}_{what}"


@contextmanager
def a_database(run: Run, server: str, what: object, source: str = "template0") -> Iterator[tuple[str, str]]:
    """The name and the address of a database for the time of the block, copied from another of the server."""
    name = postgres_name(run, what)
    on_server(server, f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        yield name, with_database(server, name)
    finally:
        on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


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
    return postgres.start(run.server, run.lock)


@pytest.fixture(scope="session")
def postgresql_template(run: Run, postgres_server: str) -> Iterator[str]:
    """The name of a migrated database without rows on that server."""
    with a_database(run, postgres_server, "migrated") as (name, url):
        wait_for(migrate.upgrade(url))
        yield name


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
        server: str = request.getfixturevalue("postgres_server")
        with a_database(request.getfixturevalue("run"), server, next(_numbers), source) as (_, url):
            yield url


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables: for tests of the migrations themselves."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: str = request.getfixturevalue("postgres_server")
        with a_database(request.getfixturevalue("run"), server, next(_numbers)) as (_, url):
            yield url
