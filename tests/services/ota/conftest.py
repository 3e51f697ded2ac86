"""A small fleet for the services of updates: rows written directly, so that each test names only what it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from models.enums import Role
from models.store import Store, StoreSettings, open_store
from services.access import Access
from services.offers import Offers
from services.storage import LocalStorage
from services.unit_of_work import unit_of_work
from tests.services.ota.fleet import Fleet, Working, make_fleet


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(database_url, readers=4))
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def fleet(store: Store) -> Fleet:
    return await make_fleet(store)


@pytest.fixture
def working(store: Store) -> Working:
    """`async with working(access) as work: ...`: one unit of work, committed at the end of the block."""
    return lambda access: unit_of_work(store, access, lambda: None)


@pytest.fixture
def editor(fleet: Fleet) -> Access:
    return fleet.member(Role.EDITOR)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


@pytest.fixture
def offers(fleet: Fleet) -> Offers:
    return Offers(fleet.store, lambda: None)


@pytest.fixture
async def thing(fleet: Fleet) -> UUID:
    """The first thing of the fleet."""
    (made,) = await fleet.add_things(1)
    return made
