"""A store and the demo fleets in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select
from sqlmodel import SQLModel

from demo.fleet import FleetSummary, build_fleet
from models.store import Store, StoreSettings, open_store
from services.passwords import Passwords
from services.storage import LocalStorage

THINGS = 400
Build = Callable[..., Awaitable[FleetSummary]]


@dataclass(frozen=True)
class BuiltFleet:
    """All rows of a demo fleet of 400 things, as the database gave them back."""

    summary: FleetSummary
    rows: dict[Table, Sequence[Any]]

    def __getitem__(self, table: Table) -> Sequence[Any]:
        return self.rows[table]


_built: dict[str, BuiltFleet] = {}


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """The test's database, open."""
    opened = open_store(StoreSettings(database_url))
    yield opened
    await opened.close()


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """Where the gateway of the test keeps artifacts."""
    return LocalStorage(tmp_path / "data" / "artifacts")


@pytest.fixture
def build(store: Store, storage: LocalStorage) -> Build:
    """`await build(things=...)`: a demo fleet in the test's database."""

    async def building(**options: Any) -> FleetSummary:
        return await build_fleet(store, passwords=Passwords(), storage=storage, **options)

    return building


@pytest.fixture
async def fleet(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> BuiltFleet:
    """The rows of one fleet, built once for all tests that only look at it."""
    if database_kind not in _built:
        opened = open_store(StoreSettings(request.getfixturevalue("database_url")))
        try:
            storage = LocalStorage(tmp_path / "artifacts")
            summary = await build_fleet(opened, things=THINGS, passwords=Passwords(), storage=storage)
            async with opened.read() as connection:
                rows = {
                    table: (await connection.execute(select(table))).all() for table in SQLModel.metadata.sorted_tables
                }
        finally:
            await opened.close()
        _built[database_kind] = BuiltFleet(summary, rows)
    return _built[database_kind]
