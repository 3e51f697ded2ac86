"""Files in a directory: whole or not at all, under no name that a caller wrote."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from models.ids import new_id
from services import storage as storages
from services.storage import CHUNK_BYTES, FileMissing, LocalStorage


def files_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def numbers_of(*paths: Path) -> set[int]:
    return {path.stat().st_ino for path in paths}


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "made"
    path.write_bytes(os.urandom(CHUNK_BYTES * 2 + 10))
    return path


async def test_a_file_comes_back_in_pieces(storage: LocalStorage, made: Path) -> None:
    key = new_id()
    content = content_of(made)
    async with storage.bring(key, made, "made.bin") as placement:
        await placement.keep()
    assert content_of(made) == content
    async with storage.open(key) as stored:
        assert stored.size == len(content)
        assert b"".join([chunk async for chunk in stored.read(0, stored.size)]) == content
        assert b"".join([chunk async for chunk in stored.read(5, 100)]) == content[5:105]
        assert [chunk async for chunk in stored.read(5, 0)] == []
        with pytest.raises(FileMissing):
            [chunk async for chunk in stored.read(0, stored.size + 1)]
    async with storage.fetch(key) as path:
        assert content_of(path) == content


async def test_what_is_not_kept_is_gone(storage: LocalStorage, made: Path, tmp_path: Path) -> None:
    key = new_id()
    with pytest.raises(ConnectionResetError):
        async with storage.bring(key, made, "made.bin"):
            assert len(files_in(tmp_path / "files")) == 1
            raise ConnectionResetError
    assert files_in(tmp_path / "files") == []
    with pytest.raises(FileMissing):
        async with storage.open(key):
            pytest.fail("there is no such file")
    with pytest.raises(FileMissing):
        async with storage.fetch(key):
            pytest.fail("there is no such file")


async def test_another_file_system_is_copied_from(
    storage: LocalStorage, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    key = new_id()
    async with storage.bring(key, made, "made.bin") as placement:
        await placement.keep()
    (path,) = files_in(tmp_path / "files")
    assert content_of(path) == content_of(made)
    assert len(numbers_of(path, made)) == 2


async def test_a_later_file_replaces_an_earlier_one(storage: LocalStorage, tmp_path: Path) -> None:
    key = new_id()
    for content in (b"first", b"second"):
        await storage.put(key, content, "made.bin")
    async with storage.open(key) as stored:
        assert [chunk async for chunk in stored.read(0, stored.size)] == [b"second"]
    assert [path.name for path in files_in(tmp_path / "files")] == [key.hex]


async def test_only_its_owner_reads_it(storage: LocalStorage, tmp_path: Path) -> None:
    await storage.put(new_id(), b"content", "made.bin")
    (path,) = files_in(tmp_path / "files")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_removed_file_stays_readable_to_the_end(storage: LocalStorage, tmp_path: Path) -> None:
    key = new_id()
    await storage.put(key, b"content", "made.bin")
    async with storage.open(key) as stored:
        await storage.remove([key])
        assert [chunk async for chunk in stored.read(0, 7)] == [b"content"]
    assert files_in(tmp_path / "files") == []
    await storage.remove([key])


async def test_clean_takes_what_nobody_keeps(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files" / "ab"
    whole = new_id().hex
    touch(folder, "incoming-left", whole)
    assert await storage.clean() == 0
    monkeypatch.setattr(storages, "ABANDONED_AFTER_SECONDS", -1.0)
    assert await storage.clean() == 1
    assert [path.name for path in files_in(folder)] == [whole]
