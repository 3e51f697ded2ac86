"""Bring a database to the shape that this version needs, and tell whether it has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel

import models
from models.store import require_directory

SCRIPTS = Path(__file__).parent / "migrations"
TABLES = models.__all__


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


async def upgrade(url: str) -> None:
    """Apply every migration that the database at `url` still lacks."""

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    await _run(url, run)


async def check(url: str) -> list[Any]:
    """Compare the migrated database with the tables of this version; an empty list when they agree."""
    differences: list[Any] = []

    def run(connection: Connection) -> None:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences.extend(compare_metadata(context, SQLModel.metadata))

    await _run(url, run)
    return differences


async def is_current(engine: AsyncEngine) -> bool:
    """Whether the newest migration has been applied."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    async with engine.connect() as connection:
        return await connection.run_sync(_revision) == head


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _run(url: str, step: Any) -> None:
    engine = create_async_engine(_driver(url))
    if engine.dialect.name == "sqlite":
        require_directory(engine.url)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(step)
    finally:
        await engine.dispose()


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _driver(url: str) -> str:
    address = make_url(url)
    driver = "sqlite+aiosqlite" if address.get_backend_name() == "sqlite" else "postgresql+asyncpg"
    return address.set(drivername=driver).render_as_string(hide_password=False)
