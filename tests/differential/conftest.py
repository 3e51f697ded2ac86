"""The world of the differential tests: written once per worker and kind of database, since most tests only read it."""

from __future__ import annotations

import gc
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from engine.execution import Operations
from engine.limits import Limits
from resolvers.fleet_schema import build_schema
from tests.databases import a_database, make_once_on_sqlite, wait_for
from tests.differential.comparison import Sights, Stand, opened, stop_the_clock
from tests.differential.updates import World, build_world
from tests.run import Run

WIDE: Final = Limits(aliases=1_000, fields=10_000, directives=1_000)
"""What is generated is not to be refused for being odd."""


@dataclass(frozen=True)
class StoredWorld:
    """The world, the address of its database, and what copies are made of: a file, or the database's name."""

    world: World
    url: str
    source: Any
    sights: Sights = field(default_factory=dict)


@pytest.fixture(autouse=True)
def collected_in_turn() -> Iterator[None]:
    """Garbage is collected between operations only.

    When a root field fails, graphql-core cancels its siblings, and the coroutines that had not begun warn when they are
    collected. A warning needs `__import__`, and the constructor of a named tuple has no builtins: a collection that
    Python starts just there fails instead of warning, which no filter of warnings sees.
    """
    gc.disable()
    try:
        yield
        gc.collect()
    finally:
        gc.enable()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """As everywhere, but for all tests of a worker, so that they can share a database."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def stored(request: pytest.FixtureRequest, run: Run, database_kind: str) -> Iterator[StoredWorld]:
    """The world in a database of this worker; who changes something does so in a copy (`copy_world`)."""
    template: Any = request.getfixturevalue(f"{database_kind}_template")
    if database_kind == "sqlite":
        made = make_once_on_sqlite(run, f"world-{run.worker}", lambda _: None, source=template)
        url = f"sqlite:///{made}"
        yield StoredWorld(wait_for(build_world(url)), url, made)
    else:
        server: str = request.getfixturevalue("postgres_server")
        with a_database(run, server, "world", template) as (name, url):
            yield StoredWorld(wait_for(build_world(url)), url, name)


@pytest.fixture
def copy_world(
    request: pytest.FixtureRequest, stored: StoredWorld, run: Run, database_kind: str, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """`copy_world("name")` gives the address of a copy of the world's database, of this test alone."""
    with ExitStack() as copies:

        def copy(name: str) -> str:
            if database_kind == "sqlite":
                return f"sqlite:///{shutil.copyfile(stored.source, tmp_path / f'{name}.db')}"
            server: str = request.getfixturevalue("postgres_server")
            return copies.enter_context(a_database(run, server, f"world_{name}", stored.source))[1]

        yield copy


@pytest.fixture(scope="session")
def operations(database_kind: str) -> Operations:
    """Prepares and executes, as a gateway does; plans made on one database stay with it."""
    return Operations(build_schema(), WIDE)


@pytest.fixture(scope="session")
def reference() -> Operations:
    """The same by graphql-core alone."""
    return Operations(build_schema(), WIDE, planned=False)


@pytest.fixture
async def stand(
    operations: Operations,
    reference: Operations,
    stored: StoredWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stand]:
    """The world, to be asked and not to be changed; signed addresses are all made at one moment."""
    stop_the_clock(monkeypatch)
    async with opened(operations, reference, stored.url, stored.world, tmp_path) as made:
        made.sights = stored.sights
        yield made
