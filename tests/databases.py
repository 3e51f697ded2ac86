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
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from models import migrate
from tests import postgres
from tests.run import RUN_DIRECTORY, Run, only_one

NAMED_SERVER = "FLEETGRAPH_TEST_DATABASE_URL"
_numbers = itertools.count(1)


def wait_for(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine from a fixture that is not async, whatever loop the test has."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, coroutine).result()


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
    """Remove the template from a server that outlives the run."""
    run = config.stash.get(RUN_DIRECTORY, None)
    server = os.environ.get(NAMED_SERVER)
    if run is not None and run.owner is not None and server and (run.directory / "template.made").exists():
        on_server(server, f"DROP DATABASE IF EXISTS {template_name(run)} WITH (FORCE)")


def template_name(run: Run) -> str:
    """The migrated database that the databases of a run are copied from."""
    return f"fleetgraph_{run.name}_template"


@pytest.fixture(scope="session")
def postgres_server(run: Run) -> str:
    """The address (`postgresql://...`) of a database on a running PostgreSQL server, for making others."""
    named = os.environ.get(NAMED_SERVER)
    if named:
        return named
    with only_one(run, "postgres"):
        return postgres.start(run.directory)


@pytest.fixture(scope="session")
def postgres_template(run: Run, postgres_server: str) -> str:
    """The name of a migrated database without rows on that server."""
    name = template_name(run)
    with only_one(run, "template"):
        made = run.directory / "template.made"
        if not made.exists():
            on_server(postgres_server, f"CREATE DATABASE {name}")
            wait_for(migrate.upgrade(with_database(postgres_server, name)))
            made.touch()
    return name


@pytest.fixture(scope="session")
def sqlite_template(run: Run) -> Path:
    """A migrated SQLite file without rows."""
    path = run.directory / "template.db"
    with only_one(run, "sqlite-template"):
        if not path.exists():
            making = path.with_name("template-in-the-making.db")
            wait_for(migrate.upgrade(f"sqlite:///{making}"))
            making.rename(path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; every test that touches a database runs once for each."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database without rows, of this test alone: `sqlite:///...` or `postgresql://...`."""
    if database_kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "fleet.db"
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"
        return
    run: Run = request.getfixturevalue("run")
    server: str = request.getfixturevalue("postgres_server")
    source: str = request.getfixturevalue("postgres_template")
    name = f"fleetgraph_{run.name}_{os.getpid()}_{next(_numbers)}"
    on_server(server, f"CREATE DATABASE {name} TEMPLATE {source}")
    yield with_database(server, name)
    on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables: for tests of the migrations themselves."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    run: Run = request.getfixturevalue("run")
    server: str = request.getfixturevalue("postgres_server")
    name = f"fleetgraph_{run.name}_{os.getpid()}_{next(_numbers)}"
    on_server(server, f"CREATE DATABASE {name}")
    yield with_database(server, name)
    on_server(server, f"DROP DATABASE {name} WITH (FORCE)")
