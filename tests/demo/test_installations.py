"""An update as a simulated thing carries it out: real downloads on bad lines, reported by allowed moves."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from random import Random

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.doors import Offered, Software
from demo.downloads import Download, Gone
from demo.installation import Installation, Pace
from demo.link import Link, open_session
from models.enums import OtaExecutionStatus as Status
from services.execution_moves import Actor, may_move

CONTENT = Random(5).randbytes(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Shelf:
    """A server with one file, which can be replaced or taken away."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.is_gone = False
        self.ranges: list[str | None] = []
        self.url = ""

    async def give(self, request: web.Request) -> web.Response:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        if self.is_gone:
            return web.Response(status=403)
        etag = f'"{hashlib.sha256(self.content).hexdigest()}"'
        start = request.http_range.start or 0
        if asked is None or request.headers.get("If-Range") != etag:
            return web.Response(body=self.content, headers={"ETag": etag})
        size = len(self.content)
        headers = {"ETag": etag, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return web.Response(status=206, body=self.content[start:], headers=headers)


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    made = Shelf()
    application = web.Application()
    application.router.add_get("/file", made.give)
    async with TestServer(application) as server:
        made.url = str(server.make_url("/file"))
        yield made


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    async with open_session() as session:
        yield Link(session, "http://127.0.0.1:9")


class Ears:
    """A door that hears all reports, and takes the update back after so many."""

    def __init__(self, most: int = 1000) -> None:
        self.heard: list[Status] = []
        self.said: list[str] = []
        self._most = most

    async def next_update(self, key: str, software: Software) -> Offered | None:
        raise NotImplementedError

    async def report(self, key: str, offered: Offered, status: Status, substate: str, progress: int) -> bool:
        assert 0 <= progress <= 100
        self.heard.append(status)
        self.said.append(substate)
        return len(self.heard) <= self._most

    async def introduce(self, key: str, software: Software) -> None:
        raise NotImplementedError


def offered(shelf: Shelf, sha256: str | None = DIGEST) -> Offered:
    return Offered("otaexec_1", "release-2", shelf.url, sha256)


async def test_a_download_in_pieces_is_the_file(shelf: Shelf, link: Link) -> None:
    for promised in (DIGEST, None):
        shelf.ranges.clear()
        download = Download(shelf.url, promised)
        for share in (0.3, 0.0, 0.5):
            await download.go_on(link, share)
            assert not download.is_whole
            assert not download.is_good
        await download.go_on(link)
        assert (download.got, download.is_whole, download.is_good, download.resumes) == (300_000, True, True, 3)
        assert shelf.ranges == [None, "bytes=90000-", "bytes=90000-", "bytes=195000-"]


async def test_a_file_that_has_changed_comes_whole(shelf: Shelf, link: Link) -> None:
    download = Download(shelf.url, None)
    await download.go_on(link, 0.5)
    shelf.content = CONTENT[::-1]
    await download.go_on(link)
    assert (download.is_good, download.resumes) == (True, 0)


async def test_another_file_than_promised_is_not_believed(shelf: Shelf, link: Link) -> None:
    shelf.content = CONTENT[:-1] + b"x"
    download = Download(shelf.url, DIGEST)
    await download.go_on(link)
    assert (download.is_whole, download.is_good) == (True, False)


async def test_an_address_that_is_over_is_told_apart(shelf: Shelf, link: Link) -> None:
    shelf.is_gone = True
    with pytest.raises(Gone):
        await Download(shelf.url, DIGEST).go_on(link)


@pytest.mark.parametrize("seed", range(10))
async def test_updates_end_through_allowed_moves(shelf: Shelf, link: Link, seed: int) -> None:
    door = Ears()
    pace = Pace(failures=0.5, drops=0.5)
    installation = Installation(offered(shelf), pace, Random(seed))
    for _ in range(60):
        assert await installation.step(door, link, "key")
        if installation.is_over:
            break
    assert installation.status in {Status.SUCCESS, Status.FAILURE}
    assert installation.has_succeeded is (installation.status is Status.SUCCESS)
    assert installation.download.is_good
    before = Status.TRIGGERED
    for status in door.heard:
        assert before is status or may_move(before, status, Actor.THING)
        before = status


async def test_a_wrong_checksum_is_a_failure(shelf: Shelf, link: Link) -> None:
    door = Ears()
    installation = Installation(offered(shelf, "0" * 64), Pace(drops=0.0), Random(1))
    assert await installation.step(door, link, "key")
    assert (installation.is_over, installation.has_succeeded) == (True, False)
    assert door.heard == [Status.DOWNLOADING, Status.FAILURE]
    assert "checksum" in door.said[-1]


async def test_an_update_that_is_taken_back_is_over(shelf: Shelf, link: Link) -> None:
    installation = Installation(offered(shelf), Pace(drops=0.0), Random(1))
    assert not await installation.step(Ears(most=1), link, "key")
    assert (installation.is_over, installation.has_succeeded) == (True, False)
