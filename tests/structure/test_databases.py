"""The databases that the tests stand on are what they say."""

from __future__ import annotations

from sqlalchemy import text

from models import migrate
from models.store import StoreSettings, open_store
from tests.statements import Recorder


async def test_database_has_every_migration(database_url: str) -> None:
    store = open_store(StoreSettings(database_url))
    try:
        assert await migrate.is_current(store.reader)
    finally:
        await store.close()


async def test_migrations_make_the_tables_of_the_models(database_url: str) -> None:
    """What `alembic check` asks: the models ask for nothing that no migration makes."""
    assert await migrate.check(database_url) == []


async def test_migrations_start_from_nothing(empty_database_url: str) -> None:
    await migrate.upgrade(empty_database_url)
    assert await migrate.check(empty_database_url) == []


async def test_statements_are_counted(database_url: str, statements: Recorder) -> None:
    store = open_store(StoreSettings(database_url))
    try:
        async with store.read() as connection:
            with statements() as seen:
                await connection.execute(text("SELECT 1"))
                await connection.execute(text("SELECT 2 FROM organization"))
    finally:
        await store.close()
    assert seen.texts == ["SELECT 1", "SELECT 2 FROM organization"]
    assert seen.reading("organization") == ["SELECT 2 FROM organization"]
