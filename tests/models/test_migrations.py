"""What a migration makes of the rows that were there before it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alembic import command
from sqlalchemy import Connection, MetaData, Table, select
from sqlalchemy.sql import sqltypes

from models import migrate
from models.ids import new_id
from models.store import StoreSettings, open_store
from models.tables import DEPLOYMENT, ORGANIZATION, OTA_JOB
from sql.moments import UtcDateTime

STARTED = datetime(2026, 5, 1, tzinfo=UTC)
ENDED = datetime(2026, 5, 2, tzinfo=UTC)


def _filler(kind: sqltypes.TypeEngine[Any]) -> Any:
    if isinstance(kind, sqltypes.Boolean):
        return False
    if isinstance(kind, sqltypes.Integer | sqltypes.Numeric):
        return 0
    if isinstance(kind, sqltypes.DateTime):
        return STARTED
    return {} if isinstance(kind, sqltypes.JSON) else ""


def _add(connection: Connection, table: Table, **values: Any) -> UUID:
    """Insert a row of the shape that the database has now, with something in every column that must have a value."""
    key = new_id()
    given = {"id": key, **values}
    row = {
        column.name: given.get(column.name, None if column.nullable else _filler(column.type))
        for column in table.columns
    }
    text = connection.dialect.name == "sqlite"
    written = UtcDateTime().bind_processor(connection.dialect)
    for name, value in row.items():
        if isinstance(value, UUID) and text:
            row[name] = value.hex
        elif isinstance(value, datetime) and written is not None:
            row[name] = written(value)
        elif value == "" and name == "email":
            row[name] = "somebody@example.com"
    connection.execute(table.insert().values(row))
    return key


async def test_what_is_counted_from_the_fifth_on_starts_with_what_is_there(empty_database_url: str) -> None:
    keys: dict[str, UUID] = {}

    def before(connection: Connection) -> None:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        metadata = MetaData()
        metadata.reflect(connection)
        tables = metadata.tables
        owner = {"organization_id": (organization := _add(connection, tables["organization"], name="Alder"))}
        release = _add(connection, tables["release"], name="1.0", **owner)
        for size, uploaded_at in ((300, STARTED), (40, STARTED), (5, None)):
            _add(connection, tables["artifact"], release_id=release, size=size, uploaded_at=uploaded_at, **owner)
        thing = _add(connection, tables["thing"], key_digest=b"1" * 32, **owner)
        deployment = _add(connection, tables["deployment"], release_id=release, **owner)
        job = {"deployment_id": deployment, "starts_at": STARTED, "finished_at": ENDED}
        cancelled = _add(connection, tables["ota_job"], status="CANCELLED", **job, **owner)
        waiting = _add(connection, tables["ota_job"], status="SCHEDULED", **(job | {"finished_at": None}), **owner)
        _add(connection, tables["ota_execution"], job_id=cancelled, deployment_id=deployment, thing_id=thing, **owner)
        keys.update(organization=organization, deployment=deployment, cancelled=cancelled, waiting=waiting)

    await migrate._run(empty_database_url, before)
    await migrate.upgrade(empty_database_url)
    store = open_store(StoreSettings(url=empty_database_url))
    try:
        async with store.read() as connection:
            used = select(ORGANIZATION.c.storage_used).where(ORGANIZATION.c.id == keys["organization"])
            assert (await connection.execute(used)).scalar_one() == 340
            columns = (OTA_JOB.c.begun_at, OTA_JOB.c.cancelled_at, OTA_JOB.c.planned_count)
            jobs = {
                name: tuple((await connection.execute(select(*columns).where(OTA_JOB.c.id == keys[name]))).one())
                for name in ("cancelled", "waiting")
            }
            assert jobs == {"cancelled": (STARTED, ENDED, 1), "waiting": (None, None, 0)}
            initial = select(DEPLOYMENT.c.initial_thing_count).where(DEPLOYMENT.c.id == keys["deployment"])
            assert (await connection.execute(initial)).scalar_one() == 1
    finally:
        await store.close()
