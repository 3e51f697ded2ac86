"""The bytes of artifacts and attachments: taking a file, whole or in pieces, and finding one to give out.

Who sends or fetches holds a signed address, which was made for somebody who was allowed to; nothing else is asked here.
All files come through the spool (`services.spool`), and what happens to a whole one is in `services.arrivals`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from models.enums import ArtifactStatus
from models.store import Store
from services.arrivals import Arrivals, Expected
from services.errors import Conflict, FleetError, InvalidInput, NotFound, WrongState
from services.spool import Arriving, Spool, digests_of
from services.storage import Storage, StoredFile

SECONDS_BETWEEN_CHUNKS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Download:
    """A file to give out and what is known of it; `modified` in whole seconds, as HTTP counts."""

    file: StoredFile
    file_name: str
    sha256: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A whole file that was taken: of an artifact with this status, or of an attachment, which is READY."""

    status: ArtifactStatus
    is_attachment: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a file has come, and how long it will be; None until somebody has said so.

    `status` is that of the artifact: AWAITING_UPLOAD until the whole file has been taken.
    """

    offset: int
    length: int | None
    status: ArtifactStatus


class Files:
    """Takes and gives out files."""

    def __init__(self, store: Store, storage: Storage, spool: Spool, *, max_bytes: int) -> None:
        """Rows in `store`, bytes in `storage`; artifacts have `max_bytes` at most."""
        self._store = store
        self._storage = storage
        self._spool = spool
        self._arrivals = Arrivals(store, storage, max_bytes)

    async def take(
        self, file_id: UUID, announced: int | None, chunks: AsyncIterator[bytes], md5: str | None = None
    ) -> Taken:
        """Receive a file in one piece, `announced` bytes long if that is known; `md5` in hex is what the sender says.

        Raises NotFound, WrongState (uploaded already), LimitReached (more bytes than declared or taken, storage full),
        Conflict, and InvalidInput (fewer, too slow, of another checksum, without the MD5 that was declared, or not
        what its format asks for); nothing is left behind then, nor when the caller goes away
        (rainmaker.ota.image-upload-integrity).
        """
        expected = await self._awaited(file_id)
        try:
            if announced is not None:
                expected.check_length(announced)
            held = _with_md5(expected, md5)
            async with self._spool.whole() as arriving:
                await _receive(arriving, chunks, held)
                status = await self._arrivals.accept(held, arriving.path, await arriving.seal())
        except FleetError as error:
            await self._arrivals.refuse(expected, error)
            raise
        await self._spool.drop(file_id)
        return Taken(status, expected.format is None)

    async def _awaited(self, file_id: UUID) -> Expected:
        expected = await self._arrivals.expected(file_id)
        expected.require_awaited()
        return expected

    async def progress(self, file_id: UUID) -> Progress:
        """How far a file that comes in pieces has come; one that is whole and was never taken is taken now.

        So whoever was cut off at the very end, or whose gateway was killed there, learns how it ended. Raises NotFound
        and what `append` raises for a whole file.
        """
        expected = await self._arrivals.expected(file_id)
        if expected.status is not ArtifactStatus.AWAITING_UPLOAD:
            return Progress(expected.size or 0, expected.size, expected.status)
        length = await self._length(expected)
        offset = await self._spool.offset(file_id)
        if length is None or offset < length:
            return Progress(offset, length, expected.status)
        return await self.append(file_id, offset, None, _nothing())

    async def begin(self, file_id: UUID, length: int) -> None:
        """Say how long a file will be that comes in pieces; what has come of an earlier attempt is forgotten.

        Raises NotFound, WrongState, InvalidInput and LimitReached for a length that does not fit.
        """
        expected = await self._awaited(file_id)
        expected.check_length(length)
        async with self._spool.part(file_id):
            await self._spool.drop(file_id)
        await self._spool.announce(file_id, length)

    async def append(self, file_id: UUID, offset: int, length: int | None, chunks: AsyncIterator[bytes]) -> Progress:
        """Go on with a file at `offset`, which must be where it stands; `length` may be said now if it never was.

        What has come stays when the sender is cut off. A whole file is taken as by `take`, and is gone when it is
        refused. Raises NotFound, WrongState, Conflict for another offset, Occupied while another piece is being
        written, InvalidInput and LimitReached.
        """
        async with self._spool.part(file_id) as arriving:
            expected = await self._awaited(file_id)
            total = await self._length(expected)
            if total is None and length is not None:
                expected.check_length(length)
                await self._spool.announce(file_id, length)
                total = length
            if total is None or (length is not None and length != total):
                raise InvalidInput("say how long the file will be, once")
            if offset != arriving.received:
                raise Conflict(f"the file has come to {arriving.received} bytes, not {offset}")
            bounded = replace(expected, size=total)
            await self._arrivals.touch(expected)
            try:
                await _append(arriving, chunks, bounded)
                if arriving.received < total:
                    return Progress(arriving.received, total, expected.status)
                status = await self._arrivals.accept(bounded, arriving.path, await arriving.seal())
            except TooSlow:
                raise
            except FleetError as error:
                await self._spool.drop(file_id)
                await self._arrivals.refuse(expected, error)
                raise
            await self._spool.drop(file_id)
            return Progress(total, total, status)

    async def forget(self, file_id: UUID) -> None:
        """Give up a file that comes in pieces; raises NotFound, WrongState and Occupied."""
        async with self._spool.part(file_id):
            await self._awaited(file_id)
            await self._spool.drop(file_id)

    async def _length(self, expected: Expected) -> int | None:
        return expected.size if expected.size is not None else await self._spool.announced(expected.id)

    async def was_sent(self, file_id: UUID) -> bool:
        """Whether a file waits that was sent straight to the storage."""
        return await self._storage.sent(file_id) is not None

    async def collect(self, file_id: UUID, sha256: str | None = None) -> ArtifactStatus:
        """Take the file that was sent straight to the storage, as by `take`; `sha256` in hex may be said now.

        Raises WrongState when none was sent, and what `take` raises; what was sent is gone in each case.
        """
        expected = await self._awaited(file_id)
        size = await self._storage.sent(file_id)
        if size is None:
            raise WrongState("the file has not been uploaded", ("id",))
        path = self._spool.new_path()
        try:
            held = self._arrivals.against(expected, sha256)
            held.check_length(size)
            await self._storage.collect(file_id, path)
            status = await self._arrivals.accept(held, path, await asyncio.to_thread(digests_of, path))
        except FleetError as error:
            await self._storage.discard(file_id)
            await self._arrivals.refuse(expected, error)
            raise
        finally:
            path.unlink(missing_ok=True)
        await self._storage.discard(file_id)
        return status

    async def place_made(self, artifact_id: UUID, path: Path) -> None:
        """Take a file that the gateway has made itself, for an artifact that is GENERATING; the file at `path` stays.

        It is hashed, read, counted and placed like any other. Raises what `take` raises; the row is as it was then.
        """
        expected = await self._arrivals.expected(artifact_id)
        found = await asyncio.to_thread(digests_of, path)
        await self._arrivals.accept(expected, path, found, ArtifactStatus.GENERATING)

    @asynccontextmanager
    async def open(self, file_id: UUID) -> AsyncIterator[Download]:
        """Open a file to give out; raises NotFound when it is deleted or has not arrived."""
        expected = await self._arrivals.expected(file_id)
        if expected.uploaded_at is None or expected.sha256 is None:
            raise NotFound("the file has not been uploaded")
        async with self._storage.open(file_id) as file:
            yield Download(file, expected.file_name, expected.sha256, expected.uploaded_at.replace(microsecond=0))

    @asynccontextmanager
    async def fetch(self, file_id: UUID) -> AsyncIterator[Path]:
        """A stored file under a local path, to be read only; raises NotFound when it is deleted or has not arrived."""
        expected = await self._arrivals.expected(file_id)
        if expected.uploaded_at is None:
            raise NotFound("the file has not been uploaded")
        async with self._storage.fetch(file_id) as path:
            yield path


class TooSlow(InvalidInput):
    """Nothing has come for a while."""


def _with_md5(expected: Expected, md5: str | None) -> Expected:
    """Hold the file against the MD5 that comes with it, which has to be the one that was declared."""
    if expected.md5 is not None and md5 != expected.md5:
        raise InvalidInput("an MD5 was declared: send the same as Content-MD5")
    return replace(expected, md5=md5 or expected.md5)


async def _receive(arriving: Arriving, chunks: AsyncIterator[bytes], expected: Expected) -> None:
    await _append(arriving, chunks, expected)
    expected.check_length(arriving.received)


async def _append(arriving: Arriving, chunks: AsyncIterator[bytes], expected: Expected) -> None:
    try:
        while True:
            async with asyncio.timeout(SECONDS_BETWEEN_CHUNKS):
                chunk = await anext(chunks, b"")
            if not chunk:
                break
            expected.check_most(arriving.received + len(chunk))
            await arriving.write(chunk)
    except TimeoutError as error:
        raise TooSlow(f"nothing has come for {SECONDS_BETWEEN_CHUNKS:.0f} seconds") from error


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
