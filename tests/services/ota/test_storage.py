"""Files in a directory: whole or not at all, under no name that a caller wrote."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from models.ids import new_id
from services.storage import ABANDONED_AFTER_SECONDS, CHUNK_BYTES, FileMissing, LocalStorage


def files_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def test_a_file_comes_back_in_pieces(storage: LocalStorage) -> None:
    key = new_id()
    content = os.urandom(CHUNK_BYTES * 2 + 10)
    async with storage.receive(key) as incoming:
        await incoming.write(content[:7])
        await incoming.write(content[7:])
        assert incoming.received == len(content)
        assert await incoming.seal() == hashlib.sha256(content).hexdigest()
        await incoming.keep()
    async with storage.open(key) as stored:
        assert stored.size == len(content)
        assert b"".join([chunk async for chunk in stored.read(0, stored.size)]) == content
        assert b"".join([chunk async for chunk in stored.read(5, 100)]) == content[5:105]
        assert [chunk async for chunk in stored.read(5, 0)] == []
        with pytest.raises(FileMissing):
            [chunk async for chunk in stored.read(0, stored.size + 1)]


async def test_what_is_not_kept_is_gone(storage: LocalStorage, tmp_path: Path) -> None:
    key = new_id()
    with pytest.raises(ConnectionResetError):
        async with storage.receive(key) as incoming:
            await incoming.write(b"half")
            assert len(files_in(tmp_path / "files")) == 1
            raise ConnectionResetError
    assert files_in(tmp_path / "files") == []
    with pytest.raises(FileMissing):
        async with storage.open(key):
            pytest.fail("there is no such file")


async def test_a_later_file_replaces_an_earlier_one(storage: LocalStorage, tmp_path: Path) -> None:
    key = new_id()
    for content in (b"first", b"second"):
        async with storage.receive(key) as incoming:
            await incoming.write(content)
            await incoming.seal()
            await incoming.keep()
    async with storage.open(key) as stored:
        assert [chunk async for chunk in stored.read(0, stored.size)] == [b"second"]
    assert [path.name for path in files_in(tmp_path / "files")] == [key.hex]


async def test_only_its_owner_reads_it(storage: LocalStorage, tmp_path: Path) -> None:
    async with storage.receive(new_id()) as incoming:
        await incoming.keep()
    (path,) = files_in(tmp_path / "files")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_removed_file_stays_readable_to_the_end(storage: LocalStorage, tmp_path: Path) -> None:
    key = new_id()
    async with storage.receive(key) as incoming:
        await incoming.write(b"content")
        await incoming.keep()
    async with storage.open(key) as stored:
        await storage.remove(key)
        assert [chunk async for chunk in stored.read(0, 7)] == [b"content"]
    assert files_in(tmp_path / "files") == []
    await storage.remove(key)


async def test_clean_takes_what_nobody_writes_to(storage: LocalStorage, tmp_path: Path) -> None:
    folder = tmp_path / "files" / "ab"
    folder.mkdir(parents=True)
    for name, age in (("incoming-old", ABANDONED_AFTER_SECONDS + 60), ("incoming-new", 60), (new_id().hex, 10**6)):
        path = folder / name
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    assert await storage.clean() == 1
    left = {path.name for path in files_in(folder)}
    assert len(left) == 2
    assert "incoming-new" in left
