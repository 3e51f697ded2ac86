"""A store and the demo fleets in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from demo.fleet import FleetSummary, build_fleet
from models.store import Store, StoreSettings, open_store
from services.passwords import Passwords
from services.storage import LocalStorage

Build = Callable[..., Awaitable[FleetSummary]]


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
