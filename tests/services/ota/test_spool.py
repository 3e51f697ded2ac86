"""The spool: what arrives there is hashed, locked, and gone or kept as it should be."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from pathlib import Path

import pytest

from models.ids import new_id
from services.spool import Digests, Occupied, Spool
from services.storage import CHUNK_BYTES

CONTENT = os.urandom(CHUNK_BYTES * 2 + 10)


def digests(content: bytes) -> Digests:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Digests(len(content), hashlib.sha256(content).hexdigest(), md5)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "incoming")


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "incoming").iterdir())


async def test_a_whole_file_is_hashed_as_it_comes(spool: Spool, tmp_path: Path) -> None:
    async with spool.whole() as arriving:
        for start in range(0, len(CONTENT), 1000):
            await arriving.write(CONTENT[start : start + 1000])
        assert await arriving.seal() == digests(CONTENT)
        assert arriving.path.read_bytes() == CONTENT
    assert names(tmp_path) == []


async def test_pieces_stay_and_are_hashed_together(spool: Spool, tmp_path: Path) -> None:
    key = new_id()
    with pytest.raises(ConnectionResetError):
        async with spool.part(key) as arriving:
            await arriving.write(CONTENT[:1000])
            raise ConnectionResetError
    assert await spool.offset(key) == 1000
    async with spool.part(key) as arriving:
        assert arriving.received == 1000
        await arriving.write(CONTENT[1000:])
        assert await arriving.seal() == digests(CONTENT)
    await spool.announce(key, len(CONTENT))
    assert await spool.announced(key) == len(CONTENT)
    await spool.drop(key)
    assert names(tmp_path) == []
    assert (await spool.offset(key), await spool.announced(key)) == (0, None)


async def test_one_writes_at_a_time(spool: Spool, tmp_path: Path) -> None:
    key = new_id()
    async with spool.part(key) as first:
        with pytest.raises(Occupied):
            async with Spool(tmp_path / "incoming").part(key):
                pytest.fail("two write to one file")
        await first.write(b"a")
    async with spool.part(key) as second:
        assert second.received == 1
        await spool.drop(key)
    assert names(tmp_path) == []


async def test_nothing_that_came_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    async with spool.part(new_id()):
        pass
    assert names(tmp_path) == []


HOLD = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from services.spool import Spool

async def hold():
    async with Spool(Path(sys.argv[1])).part(UUID(sys.argv[2])) as arriving:
        await arriving.write(b"x" * 1000)
        await arriving.flush()
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


async def test_a_killed_process_lets_go_of_what_it_wrote(spool: Spool, tmp_path: Path) -> None:
    key = new_id()
    command = (sys.executable, "-c", HOLD, str(tmp_path / "incoming"), key.hex)
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=root)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        with pytest.raises(Occupied):
            async with spool.part(key):
                pytest.fail("the other process has it")
    finally:
        process.kill()
        await process.wait()
    async with spool.part(key) as arriving:
        assert arriving.received == 1000


async def test_clean_leaves_what_is_new_or_being_written(spool: Spool, tmp_path: Path) -> None:
    old, new, held = new_id(), new_id(), new_id()
    for key in (old, new, held):
        async with spool.part(key) as arriving:
            await arriving.write(b"a")
    await spool.announce(old, 10)
    for path in (tmp_path / "incoming").iterdir():
        if new.hex not in path.name:
            os.utime(path, (time.time() - 90_000,) * 2)
    async with spool.part(held):
        os.utime(tmp_path / "incoming" / f"{held.hex}.part", (time.time() - 90_000,) * 2)
        assert await spool.clean() == 2
    assert names(tmp_path) == sorted([f"{new.hex}.part", f"{held.hex}.part"])
