"""Uploads and downloads over HTTP: real sockets, a real database, and a directory that is looked into."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from gateway import PARTS
from models import ArtifactRow, OrganizationRow, ReleaseRow
from models.enums import ArtifactStatus
from models.ids import new_id
from models.tables import ARTIFACT
from services.artifact_rules import content_disposition
from services.signed_addresses import SignedAddresses
from services.tokens import Audience
from tests.client import Answer
from tests.endpoints.conftest import Logs
from tests.gateways import Gateway, StartGateway

CONTENT = bytes(range(256)) * 3000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Shelf:
    """A gateway with one artifact that awaits its file."""

    gateway: Gateway
    data: Path
    artifact: UUID
    uploads: SignedAddresses

    @property
    def upload_url(self) -> str:
        return self.uploads.upload(self.artifact).url

    @property
    def download_url(self) -> str:
        return self.uploads.download(self.artifact).url

    async def put(self, data: bytes | AsyncIterator[bytes] = CONTENT, encoding: str = "identity") -> Answer:
        headers = {"Content-Encoding": encoding}
        return await self.gateway.request("PUT", self.upload_url, data=data, headers=headers)

    async def get(self, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.gateway.request("GET", self.download_url, headers=named)

    def files(self) -> list[Path]:
        """What is in the spool and in the storage."""
        folders = (self.data / "incoming", self.data / "artifacts")
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    async def until_files(self, number: int) -> None:
        """Wait until the directory holds so many; the caller sets the bound."""
        while len(self.files()) != number:  # noqa: ASYNC110 - nothing tells of files in a directory
            await asyncio.sleep(0.01)

    async def status(self) -> ArtifactStatus:
        async with self.gateway.application[PARTS].store.write() as session:
            return (await session.get_one(ArtifactRow, self.artifact)).status

    async def assert_nothing_kept(self) -> None:
        assert self.files() == []
        assert await self.status() is ArtifactStatus.AWAITING_UPLOAD

    async def remove(self) -> None:
        async with self.gateway.application[PARTS].store.write() as session:
            await session.execute(ARTIFACT.delete())


async def make_shelf(gateway: Gateway, tmp_path: Path, file_name: str = "firmware.bin") -> Shelf:
    parts = gateway.application[PARTS]
    organization, release = OrganizationRow(name="Acme"), new_id()
    artifact = ArtifactRow(
        organization_id=organization.id,
        release_id=release,
        name="1.0",
        artifact_version="1.0.0",
        model="pump",
        file_name=file_name,
        size=len(CONTENT),
        sha256=DIGEST,
    )
    async with parts.store.write() as session:
        session.add(organization)
        await session.flush()
        session.add(ReleaseRow(id=release, organization_id=organization.id, name="1.0"))
        await session.flush()
        session.add(artifact)
    return Shelf(gateway, tmp_path / "data", artifact.id, SignedAddresses(parts.keys, gateway.url, 60))


@pytest.fixture
async def shelf(start_gateway: StartGateway, tmp_path: Path) -> Shelf:
    return await make_shelf(await start_gateway(), tmp_path)


@pytest.fixture
async def full(shelf: Shelf) -> Shelf:
    """The file is there."""
    assert (await shelf.put()).status == 201
    return shelf


def code_of(answer: Answer) -> tuple[int, list[str]]:
    return answer.status, answer.codes


async def pieces(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_a_file_goes_in_and_comes_out(shelf: Shelf) -> None:
    answer = await shelf.put()
    assert answer.status == 201
    assert answer.json == {"artifact": {"id": f"artifact_{shelf.artifact.hex}", "status": "READY"}}
    assert await shelf.status() is ArtifactStatus.READY
    assert [path.name for path in shelf.files()] == [shelf.artifact.hex]
    answer = await shelf.get()
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["ETag"] == f'"{DIGEST}"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert 'filename="firmware.bin"' in answer.headers["Content-Disposition"]


async def test_a_file_of_unknown_length(shelf: Shelf) -> None:
    assert (await shelf.put(pieces(CONTENT))).status == 201
    assert (await shelf.get()).body == CONTENT


async def test_another_file_is_refused(shelf: Shelf) -> None:
    """Too short, empty, too long, of another checksum; with the length announced, and without."""
    for content, expected in (
        (CONTENT[:-1], (400, ["INVALID_INPUT"])),
        (b"", (400, ["INVALID_INPUT"])),
        (CONTENT + b"x", (413, ["LIMIT_REACHED"])),
        (CONTENT[:-1] + b"x", (400, ["INVALID_INPUT"])),
    ):
        for body in (content, pieces(content)):
            assert code_of(await shelf.put(body)) == expected
            await shelf.assert_nothing_kept()
    assert (await shelf.put()).status == 201


async def test_a_cut_upload_leaves_nothing(shelf: Shelf) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(shelf.gateway.url.rpartition(":")[2]))
    path = shelf.upload_url.removeprefix(shelf.gateway.url)
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
    writer.write(head.encode() + CONTENT[:200_000])
    await writer.drain()
    async with asyncio.timeout(20):
        await shelf.until_files(1)
        writer.close()
        await writer.wait_closed()
        await shelf.until_files(0)
    await shelf.assert_nothing_kept()
    assert (await shelf.put()).status == 201


async def test_a_body_that_breaks_off_is_told(shelf: Shelf) -> None:
    """Broken chunked coding: the connection stays open, so that there is somebody to tell."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(shelf.gateway.url.rpartition(":")[2]))
    path = shelf.upload_url.removeprefix(shelf.gateway.url)
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode() + b"5\r\nhello\r\nno length\r\n")
    async with asyncio.timeout(20):
        status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status.split()[1] == b"400"
    await shelf.assert_nothing_kept()


async def test_a_second_upload_is_refused(full: Shelf) -> None:
    assert code_of(await full.put()) == (409, ["WRONG_STATE"])
    assert (await full.get()).body == CONTENT


async def test_uploads_at_the_same_time_end_in_one_file(shelf: Shelf) -> None:
    answers = await asyncio.gather(*(shelf.put() for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    assert [path.name for path in shelf.files()] == [shelf.artifact.hex]
    assert (await shelf.get()).body == CONTENT


async def test_compressed_bodies_are_refused(shelf: Shelf) -> None:
    assert code_of(await shelf.put(encoding="gzip")) == (415, ["BAD_REQUEST"])
    await shelf.assert_nothing_kept()


async def test_a_deleted_artifact_is_gone(full: Shelf) -> None:
    await full.remove()
    assert code_of(await full.get()) == (404, ["NOT_FOUND"])
    assert code_of(await full.put()) == (404, ["NOT_FOUND"])


async def test_nothing_to_fetch_yet(shelf: Shelf) -> None:
    assert code_of(await shelf.get()) == (404, ["NOT_FOUND"])


async def test_addresses_open_one_thing_for_a_while(full: Shelf) -> None:
    """Not the other way, not with an access token, not after their end, not with a changed letter."""
    keys = full.gateway.application[PARTS].keys
    claims = {"file": full.artifact.hex}
    for token in (
        keys.sign(Audience.UPLOAD, claims, seconds=60),
        keys.sign(Audience.ACCESS, claims, seconds=60),
        keys.sign(Audience.DOWNLOAD, claims, seconds=-1),
        keys.sign(Audience.DOWNLOAD, {"file": "nothing"}, seconds=60),
        keys.sign(Audience.DOWNLOAD, {}, seconds=60),
        keys.sign(Audience.DOWNLOAD, claims, seconds=60)[:-2] + "xx",
        "x" * 5000,
        "%00",
    ):
        assert code_of(await full.gateway.request("GET", f"/downloads/{token}")) == (403, ["FORBIDDEN"])
    token = keys.sign(Audience.DOWNLOAD, claims, seconds=60)
    assert code_of(await full.gateway.request("PUT", f"/uploads/{token}", data=b"x")) == (403, ["FORBIDDEN"])


async def test_other_methods(full: Shelf) -> None:
    for method, url in (("HEAD", full.download_url), ("GET", full.upload_url), ("DELETE", full.download_url)):
        assert (await full.gateway.request(method, url)).status == 405


async def test_pieces(full: Shelf) -> None:
    for asked, first, last in (
        ("bytes=0-0", 0, 0),
        ("bytes=100-299999", 100, 299_999),
        ("bytes=767999-", 767_999, 767_999),
        ("bytes=-10", 767_990, 767_999),
        ("bytes=-9999999", 0, 767_999),
        ("bytes=5-9999999", 5, 767_999),
        ("BYTES=1-2", 1, 2),
    ):
        answer = await full.get(Range=asked)
        assert (answer.status, answer.body) == (206, CONTENT[first : last + 1]), asked
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"


async def test_pieces_that_are_not_there(full: Shelf) -> None:
    for asked in ("bytes=768000-", "bytes=768000-768001", "bytes=-0"):
        answer = await full.get(Range=asked)
        assert code_of(answer) == (416, ["BAD_REQUEST"])
        assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


async def test_what_is_no_range_gives_the_whole(full: Shelf) -> None:
    for asked in ("bytes=2-1", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "", "bytes=" + "9" * 40):
        answer = await full.get(Range=asked)
        assert (answer.status, answer.body) == (200, CONTENT), asked


async def test_an_interrupted_download_goes_on(full: Shelf) -> None:
    start = await full.get(Range="bytes=0-399999")
    rest = await full.get(Range="bytes=400000-", If_Range=start.headers["ETag"])
    assert (rest.status, start.body + rest.body) == (206, CONTENT)
    dated = await full.get(Range="bytes=400000-", If_Range=start.headers["Last-Modified"])
    assert dated.status == 206
    for other in ('"another"', f'W/"{DIGEST}"', format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)):
        whole = await full.get(Range="bytes=400000-", If_Range=other)
        assert (whole.status, whole.body) == (200, CONTENT)


async def test_conditions(full: Shelf) -> None:
    past = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
    future = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    for headers, status in (
        ({"If_None_Match": f'"{DIGEST}"'}, 304),
        ({"If_None_Match": f'"other", W/"{DIGEST}"'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_None_Match": '"other"', "If_Modified_Since": future}, 200),
        ({"If_Modified_Since": future}, 304),
        ({"If_Modified_Since": past}, 200),
        ({"If_Unmodified_Since": past}, 412),
        ({"If_Unmodified_Since": future}, 200),
        ({"If_Match": f'"{DIGEST}"', "If_Unmodified_Since": past}, 200),
        ({"If_Match": '"other"'}, 412),
        ({"If_Match": "*"}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
    ):
        answer = await full.get(**headers)
        assert answer.status == status, headers
        assert answer.body == (CONTENT if status == 200 else answer.body)
    unchanged = await full.get(If_None_Match=f'"{DIGEST}"')
    assert (unchanged.body, unchanged.headers["ETag"]) == (b"", f'"{DIGEST}"')


async def test_a_caller_who_leaves_a_download(full: Shelf) -> None:
    async with aiohttp.ClientSession() as session, session.get(full.download_url) as response:
        await response.content.readexactly(10)
    assert (await full.get()).body == CONTENT


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a b.bin", "attachment; filename=\"a b.bin\"; filename*=UTF-8''a%20b.bin"),
        ('a";\r\nX: "b', "attachment; filename=\"a__X_ _b\"; filename*=UTF-8''a%22%3B%0D%0AX%3A%20%22b"),
        (
            "прошивка",
            "attachment; filename=\"file\"; filename*=UTF-8''%D0%BF%D1%80%D0%BE%D1%88%D0%B8%D0%B2%D0%BA%D0%B0",
        ),
        ("é.bin", "attachment; filename=\"e.bin\"; filename*=UTF-8''%C3%A9.bin"),
    ],
)
def test_names_are_safe_in_headers(name: str, header: str) -> None:
    assert content_disposition(name).replace("____", "__") == header


async def test_too_many_at_once(shelf: Shelf) -> None:
    ports = [asyncio.open_connection("127.0.0.1", int(shelf.gateway.url.rpartition(":")[2])) for _ in range(64)]
    connections = await asyncio.gather(*ports)
    path = shelf.upload_url.removeprefix(shelf.gateway.url)
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(CONTENT)}\r\n\r\nstart"
    for _, writer in connections:
        writer.write(head.encode())
    async with asyncio.timeout(20):
        await shelf.until_files(64)
        answer = await shelf.put()
        assert code_of(answer) == (503, ["LIMIT_EXCEEDED"])
        assert answer.headers["Retry-After"] == "5"
        for _, writer in connections:
            writer.close()
            await writer.wait_closed()
        await shelf.until_files(0)
    assert (await shelf.put()).status == 201


async def test_the_log_names_the_route_and_not_the_permission(start_gateway: StartGateway, logs: Logs) -> None:
    gateway = await start_gateway()
    await gateway.request("GET", "/downloads/a-secret-token")
    (line,) = logs.of("request")
    assert line["path"] == "/downloads/{token}"
    assert "a-secret-token" not in logs.text
