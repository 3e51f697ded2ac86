"""Building a demo fleet: the same from the same seed, once only, all or nothing, with keys that work."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from demo.fleet import DemoFleetExists, build_fleet, has_demo_fleet
from demo.keys import KeysUnreadable, read_keys
from demo.kinds import KINDS
from models import migrate
from models.enums import Lifecycle
from models.store import Store, StoreSettings, open_store
from models.tables import (
    ARTIFACT,
    GROUP,
    ORGANIZATION,
    OTA_EXECUTION,
    OTA_JOB,
    THING,
    THING_ATTRIBUTE,
    THING_STATE,
    THING_TAG,
)
from services.passwords import Passwords
from services.storage import LocalStorage
from services.tokens import digest
from tests.demo.conftest import Build


async def content(store: Store) -> dict[str, Any]:
    """What a fleet consists of, without ids, keys and moments."""
    statements = {
        "groups": select(ORGANIZATION.c.name, GROUP.c.name, GROUP.c.kind, GROUP.c.metadata).join_from(
            GROUP, ORGANIZATION, ORGANIZATION.c.id == GROUP.c.organization_id
        ),
        "things": select(THING.c.external_id, THING.c.name, THING.c.type, THING.c.lifecycle, GROUP.c.name).outerjoin(
            GROUP, GROUP.c.id == THING.c.home_group_id
        ),
        "states": select(THING.c.external_id, THING_STATE.c.reported, THING_STATE.c.desired).join(
            THING, THING.c.id == THING_STATE.c.thing_id
        ),
        "attributes": select(THING.c.external_id, THING_ATTRIBUTE.c.name, THING_ATTRIBUTE.c.value).join(
            THING, THING.c.id == THING_ATTRIBUTE.c.thing_id
        ),
        "tags": select(THING.c.external_id, THING_TAG.c.tag).join(THING, THING.c.id == THING_TAG.c.thing_id),
        "executions": select(THING.c.external_id, OTA_JOB.c.name, OTA_EXECUTION.c.status, OTA_EXECUTION.c.progress)
        .join(THING, THING.c.id == OTA_EXECUTION.c.thing_id)
        .join(OTA_JOB, OTA_JOB.c.id == OTA_EXECUTION.c.job_id),
    }
    async with store.read() as connection:
        return {
            name: sorted(map(repr, (await connection.execute(statement)).all()))
            for name, statement in statements.items()
        }


@pytest.fixture
async def other_store(empty_database_url: str) -> AsyncIterator[Store]:
    """A second database in the same test."""
    await migrate.upgrade(empty_database_url)
    opened = open_store(StoreSettings(empty_database_url))
    yield opened
    await opened.close()


async def test_the_same_seed_gives_the_same_fleet(
    store: Store, other_store: Store, build: Build, storage: LocalStorage
) -> None:
    await build(things=120, seed=7)
    first = await content(store)
    assert all(first.values())
    await build_fleet(other_store, things=120, seed=7, passwords=Passwords(), storage=storage)
    assert await content(other_store) == first


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_another_seed_gives_another_fleet(
    store: Store, other_store: Store, build: Build, storage: LocalStorage
) -> None:
    await build(things=20, seed=7)
    await build_fleet(other_store, things=20, seed=8, passwords=Passwords(), storage=storage)
    assert (await content(other_store))["states"] != (await content(store))["states"]


async def test_progress_ends_at_the_number_of_things(build: Build) -> None:
    seen: list[tuple[int, int]] = []
    await build(things=1500, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1000, 1500), (1500, 1500)]


async def test_keys_are_stored_as_digests(store: Store, build: Build, tmp_path: Path) -> None:
    file = tmp_path / "data" / "demo-keys.json"
    summary = await build(things=120, keys_file=file)
    keys = read_keys(file)
    assert keys == list(summary.keys)
    assert [key.external_id for key in keys] == [f"demo-{number:04d}" for number in range(1, 51)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    statement = select(THING.c.id, THING.c.key_digest, THING.c.lifecycle, THING.c.connected)
    async with store.read() as connection:
        things = {row.id: row for row in await connection.execute(statement)}
    for key in keys:
        row = things[key.thing_id]
        assert (row.key_digest, row.lifecycle, row.connected) == (digest(key.key), Lifecycle.INSTALLED, True)
        assert key.kind in KINDS
    assert len({row.key_digest for row in things.values()}) == 120


async def test_files_of_artifacts_are_in_the_storage(store: Store, build: Build, storage: LocalStorage) -> None:
    summary = await build(things=1)
    async with store.read() as connection:
        artifacts = (await connection.execute(select(ARTIFACT.c.id, ARTIFACT.c.size, ARTIFACT.c.sha256))).all()
    assert len(artifacts) == summary.artifacts
    for row in artifacts:
        async with storage.open(row.id) as stored:
            content = b"".join([chunk async for chunk in stored.read(0, stored.size)])
        assert len(content) == row.size
        assert hashlib.sha256(content).hexdigest() == row.sha256


async def test_a_second_fleet_is_refused(store: Store, build: Build, tmp_path: Path) -> None:
    assert not await has_demo_fleet(store)
    await build(things=3)
    assert await has_demo_fleet(store)
    with pytest.raises(DemoFleetExists, match="already has a demo fleet"):
        await build(things=3, keys_file=tmp_path / "keys.json")
    assert await count_things(store) == 3
    assert not (tmp_path / "keys.json").exists()


async def test_a_broken_build_leaves_nothing(store: Store, build: Build, tmp_path: Path) -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="the terminal is gone"):
        await build(things=3, progress=fail)
    assert await count_things(store) == 0
    assert not await has_demo_fleet(store)
    assert [path for path in (tmp_path / "data" / "artifacts").rglob("*") if path.is_file()] == []
    await build(things=3)
    assert await count_things(store) == 3


@pytest.mark.parametrize("things", [0, -1, 5_000_001])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_fleet_has_a_number_of_things(store: Store, build: Build, things: int) -> None:
    with pytest.raises(ValueError, match="1 to 5,000,000 things"):
        await build(things=things)
    assert not await has_demo_fleet(store)


@pytest.mark.parametrize("written", [None, b"", b"{", b"[1]", b'[{"thingId": "x"}]', b"{}x", b"7"])
def test_a_file_without_keys_is_named(tmp_path: Path, written: bytes | None) -> None:
    file = tmp_path / "demo-keys.json"
    if written is not None:
        file.write_bytes(written)
    with pytest.raises(KeysUnreadable, match=r"demo-keys\.json holds no keys"):
        read_keys(file)


async def count_things(store: Store) -> int:
    async with store.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(THING))).scalar_one())


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_more_things_may_keep_their_keys(build: Build, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    summary = await build(things=80, keys_file=file, kept_keys=70)
    assert len(read_keys(file)) == len(summary.keys) == 70
