"""Files in a bucket, of a server that speaks S3 over HTTP."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import aiohttp
import obstore
import pytest

from models.ids import new_id
from services import s3_storage
from services.s3_storage import Bucket, S3Storage
from services.spool import Spool
from services.storage import FileMissing

LARGE = os.urandom(9 * 1_048_576)
"""More than one part."""


@pytest.fixture
def storage(bucket: Bucket, tmp_path: Path) -> S3Storage:
    return S3Storage(bucket, Spool(tmp_path / "incoming"))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "made"
    path.write_bytes(LARGE)
    return path


async def objects(bucket: Bucket) -> list[str]:
    found = await obstore.list(bucket.open()).collect_async()
    return sorted(each["path"] for each in found)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_file_of_several_parts_comes_back_in_pieces(
    storage: S3Storage, bucket: Bucket, made: Path, tmp_path: Path
) -> None:
    key = new_id()
    async with storage.bring(key, made, "пуск.bin") as placement:
        assert len(await objects(bucket)) == 1
        await placement.keep()
    assert await objects(bucket) == [f"files/{key.hex}"]
    async with storage.open(key) as stored:
        assert stored.size == len(LARGE)
        assert b"".join([chunk async for chunk in stored.read(0, stored.size)]) == LARGE
        assert b"".join([chunk async for chunk in stored.read(5, 100)]) == LARGE[5:105]
        assert [chunk async for chunk in stored.read(5, 0)] == []
    async with storage.fetch(key) as path:
        assert content_of(path) == LARGE
    assert files_in(tmp_path / "incoming") == []
    await storage.remove([key, new_id()])
    assert await objects(bucket) == []


async def test_what_is_not_kept_is_gone(storage: S3Storage, bucket: Bucket, made: Path, tmp_path: Path) -> None:
    key = new_id()
    with pytest.raises(ConnectionResetError):
        async with storage.bring(key, made, "made.bin"):
            raise ConnectionResetError
    assert await objects(bucket) == []
    with pytest.raises(FileMissing):
        async with storage.open(key):
            pytest.fail("there is no such object")
    with pytest.raises(FileMissing):
        async with storage.fetch(key):
            pytest.fail("there is no such object")
    assert files_in(tmp_path / "incoming") == []


async def test_addresses_lead_straight_to_the_bucket(storage: S3Storage, bucket: Bucket, tmp_path: Path) -> None:
    """One for a file that is kept, with its name, and in pieces; one for a file that is sent."""
    key = new_id()
    await storage.put(key, LARGE, "pump.bin")
    async with aiohttp.ClientSession() as session:
        async with session.get(storage.download_address(key, 60) or "") as response:
            assert (response.status, await response.read()) == (200, LARGE)
            assert 'filename="pump.bin"' in response.headers["Content-Disposition"]
            assert response.headers["Content-Type"] == "application/octet-stream"
        async with session.get(storage.download_address(key, 60) or "", headers={"Range": "bytes=5-9"}) as response:
            assert (response.status, await response.read()) == (206, LARGE[5:10])
        assert await storage.sent(key) is None
        async with session.put(storage.upload_address(key, 60) or "", data=b"sent") as response:
            assert response.status == 200
    assert await storage.sent(key) == 4
    path = tmp_path / "collected"
    await storage.collect(key, path)
    assert content_of(path) == b"sent"
    await storage.discard(key)
    await storage.discard(key)
    assert await objects(bucket) == [f"files/{key.hex}"]
    with pytest.raises(FileMissing):
        await storage.collect(key, path)


async def test_addresses_are_signed_and_end(storage: S3Storage, bucket: Bucket) -> None:
    key = new_id()
    for url in (storage.download_address(key, 75), storage.upload_address(key, 75)):
        assert url is not None
        assert url.startswith(f"{bucket.endpoint}/{bucket.name}/")
        assert "X-Amz-Expires=75" in url
        assert "X-Amz-Signature=" in url
        assert bucket.secret not in url


async def test_clean_takes_what_nobody_kept(
    storage: S3Storage, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_id()
    await storage.put(key, b"kept", "kept.bin")
    for place in ("brought/a", "sent/b"):
        await obstore.put_async(bucket.open(), place, b"left")
    assert await storage.clean() == 0
    monkeypatch.setattr(s3_storage, "_ABANDONED_AFTER", timedelta(seconds=-60))
    assert await storage.clean() == 2
    assert await objects(bucket) == [f"files/{key.hex}"]
