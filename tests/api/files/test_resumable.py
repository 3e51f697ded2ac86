"""Uploads in pieces by tus 1.0: cut and gone on with, taken when they are whole, and gone when they are refused."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from pathlib import Path

import pytest
from tusclient.client import TusClient
from tusclient.uploader.uploader import Uploader

from gateway import PARTS
from models.tables import ARTIFACT
from tests.cast import Cast
from tests.client import Answer
from tests.rows import key
from tests.uploading import PIECE, TUS, awaiting, awaiting_mender, kept, put, spooled, state, used

CONTENT = os.urandom(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SAID = {"version": "1", "model": "pump"}


async def ask(cast: Cast, url: str) -> Answer:
    return await cast.gateway.request("HEAD", url, headers=TUS)


async def go_on(cast: Cast, url: str, offset: int, data: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await cast.gateway.request("PATCH", url, data=data, headers={**PIECE, "Upload-Offset": str(offset), **named})


def told(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.headers.get("Upload-Offset"), answer.headers.get("Upload-Length")


async def test_a_file_in_pieces(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting(cast, **SAID, size=len(CONTENT), sha256=SHA256)
    total = str(len(CONTENT))
    assert told(await ask(cast, url)) == (200, "0", total)
    assert told(await go_on(cast, url, 0, CONTENT[:300_000])) == (204, "300000", total)
    asked = await ask(cast, url)
    assert told(asked) == (200, "300000", total)
    assert (asked.headers["Cache-Control"], asked.headers["Tus-Resumable"]) == ("no-store", "1.0.0")
    assert await state(cast, artifact) == ("AWAITING_UPLOAD", "")
    assert told(await go_on(cast, url, 300_000, CONTENT[300_000:])) == (204, total, total)
    assert await state(cast, artifact) == ("READY", "")
    assert (kept(tmp_path), spooled(tmp_path)) == ([key(artifact).hex], [])
    assert await used(cast) == len(CONTENT)
    assert told(await ask(cast, url)) == (200, total, total)
    stored = await cast.rows(ARTIFACT.select())
    assert (stored[0].sha256, stored[0].md5) == (SHA256, hashlib.md5(CONTENT, usedforsecurity=False).hexdigest())
    assert (await go_on(cast, url, len(CONTENT), b"x")).status == 409
    assert (await cast.gateway.request("POST", url, headers={**TUS, "Upload-Length": "5"})).status == 409
    assert (await cast.gateway.request("DELETE", url, headers=TUS)).status == 409
    async with cast.gateway.application[PARTS].files.open(key(artifact)) as download:
        assert b"".join([chunk async for chunk in download.file.read(0, download.file.size)]) == CONTENT


def stock_upload(uploader: Uploader) -> str:
    """Send more than half of a file, begin anew with the address alone, and send the rest."""
    uploader.upload(stop_at=400_000)
    again = Uploader(file_stream=io.BytesIO(CONTENT), url=str(uploader.url), chunk_size=200_000)
    assert again.offset == 400_000
    again.upload()
    return str(again.offset)


@pytest.mark.parametrize("size", [len(CONTENT), None], ids=["declared", "told"])
async def test_a_stock_client(cast: Cast, tmp_path: Path, size: int | None) -> None:
    """It goes on at an address that it is given, or asks for one first and says how long the file will be."""
    artifact, url = await awaiting(cast, **SAID, size=size)

    def send() -> str:
        client, known = (TusClient(url), None) if size is None else (None, url)
        file = io.BytesIO(CONTENT)
        return stock_upload(Uploader(file_stream=file, chunk_size=200_000, client=client, url=known))

    assert await asyncio.to_thread(send) == str(len(CONTENT))
    assert await state(cast, artifact) == ("READY", "")
    assert (kept(tmp_path), spooled(tmp_path)) == ([key(artifact).hex], [])


async def test_bytes_that_came_before_a_cut_stay(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting(cast, **SAID, size=len(CONTENT))
    _, writer = await asyncio.open_connection("127.0.0.1", int(cast.gateway.url.rpartition(":")[2]))
    path = url.removeprefix(cast.gateway.url)
    lines = [f"PATCH {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(CONTENT)}", "Upload-Offset: 0"]
    lines += [f"{name}: {value}" for name, value in PIECE.items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + CONTENT[:400_000])
    await writer.drain()
    part = tmp_path / "data" / "incoming" / f"{key(artifact).hex}.part"
    async with asyncio.timeout(20):
        while not (part.exists() and part.stat().st_size):  # noqa: ASYNC110 - nothing tells of files in a directory
            await asyncio.sleep(0.01)
        assert (await go_on(cast, url, 0, b"x")).status == 423
        writer.close()
        await writer.wait_closed()
        offset = 0
        while offset < 300_000 or (answer := await go_on(cast, url, offset, CONTENT[offset:])).status == 423:
            offset = int((await ask(cast, url)).headers["Upload-Offset"])
    assert answer.status == 204, answer.body
    assert 0 < offset <= 400_000
    assert await state(cast, artifact) == ("READY", "")
    ((sha256,),) = await cast.rows(ARTIFACT.select().with_only_columns(ARTIFACT.c.sha256))
    assert sha256 == SHA256


async def test_what_was_whole_and_never_taken_is_taken_when_it_is_asked_for(cast: Cast, tmp_path: Path) -> None:
    """As a process leaves it that is killed between the last byte and the end."""
    artifact, url = await awaiting(cast, **SAID, size=len(CONTENT))
    async with cast.gateway.application[PARTS].spool.part(key(artifact)) as arriving:
        await arriving.write(CONTENT)
    assert told(await ask(cast, url)) == (200, str(len(CONTENT)), str(len(CONTENT)))
    assert await state(cast, artifact) == ("READY", "")
    assert spooled(tmp_path) == []


async def test_another_length_offset_version_or_type_is_refused(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting(cast, **SAID)
    assert told(await ask(cast, url)) == (200, "0", None)
    assert (await ask(cast, url)).headers["Upload-Defer-Length"] == "1"
    assert (await go_on(cast, url, 0, b"abc")).status == 400
    assert (await go_on(cast, url, 1, b"abc", Upload_Length="10")).status == 409
    assert told(await go_on(cast, url, 0, b"abc", Upload_Length="10")) == (204, "3", "10")
    assert (await go_on(cast, url, 3, b"abc", Upload_Length="11")).status == 400
    for offset in ("", "-1", "a", "9" * 16, "³"):
        refused = await go_on(cast, url, 0, b"abc", Upload_Offset=offset.encode().decode("latin-1"))
        assert refused.status == 400, offset
    bare = {name: value for name, value in PIECE.items() if name != "Tus-Resumable"}
    for method, headers, status in (
        ("PATCH", {**PIECE, "Tus-Resumable": "0.2.2", "Upload-Offset": "3"}, 412),
        ("PATCH", {**bare, "Upload-Offset": "3"}, 412),
        ("HEAD", {}, 412),
        ("PATCH", {**TUS, "Upload-Offset": "3"}, 415),
        ("PATCH", {**PIECE, "Upload-Offset": "3", "Content-Encoding": "gzip"}, 415),
        ("PATCH", PIECE, 400),
        ("POST", TUS, 400),
        ("POST", {**TUS, "Upload-Length": "0"}, 400),
        ("POST", {**TUS, "Upload-Length": str(2**40)}, 413),
    ):
        answer = await cast.gateway.request(method, url, data=b"x" if method == "PATCH" else None, headers=headers)
        assert answer.status == status, (method, headers)
    assert told(await ask(cast, url)) == (200, "3", "10")
    assert await state(cast, artifact) == ("AWAITING_UPLOAD", "")
    options = await cast.gateway.request("OPTIONS", url)
    assert (options.status, options.headers["Tus-Version"]) == (204, "1.0.0")
    assert options.headers["Tus-Extension"] == "creation,termination"
    assert (await cast.gateway.request("DELETE", url, headers=TUS)).status == 204
    assert spooled(tmp_path) == []
    assert told(await ask(cast, url)) == (200, "0", None)


async def test_a_whole_file_that_is_refused_is_gone(cast: Cast, tmp_path: Path) -> None:
    """Of another checksum, longer than it was said, and not what its format asks for."""
    other, mender = await awaiting(cast, **SAID, size=10, sha256=SHA256), await awaiting_mender(cast, size=10)
    for (artifact, url), data, status in ((other, b"x" * 10, 400), (other, b"x" * 11, 413), (mender, b"x" * 10, 400)):
        assert (await go_on(cast, url, 0, b"xxx")).status == 204
        assert (await go_on(cast, url, 3, data[3:])).status == status
        assert told(await ask(cast, url)) == (200, "0", "10")
        status_now, problem = await state(cast, artifact)
        assert status_now == "AWAITING_UPLOAD"
        assert problem
        assert (kept(tmp_path), spooled(tmp_path), await used(cast)) == ([], [], 0)


async def test_a_whole_upload_beside_ends_the_pieces(cast: Cast, tmp_path: Path) -> None:
    artifact, url = await awaiting(cast, **SAID)
    assert (await go_on(cast, url, 0, b"abc", Upload_Length="10")).status == 204
    assert (await put(cast, url, CONTENT)).status == 201
    assert await state(cast, artifact) == ("READY", "")
    assert spooled(tmp_path) == []


async def test_addresses_that_open_nothing(cast: Cast, tmp_path: Path) -> None:
    _, url = await awaiting(cast, **SAID)
    async with cast.store.write() as session:
        await session.execute(ARTIFACT.delete())
    for token, status in ((url, 404), (f"{cast.gateway.url}/uploads/none", 403)):
        for method in ("HEAD", "PATCH", "POST", "DELETE"):
            headers = {**PIECE, "Upload-Offset": "0", "Upload-Length": "5"}
            assert (await cast.gateway.request(method, token, headers=headers)).status == status, method
    assert spooled(tmp_path) == []
