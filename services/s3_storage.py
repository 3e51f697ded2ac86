"""Files in a bucket of Amazon S3, or of anything that speaks as it does.

    files/<id>     what is kept
    brought/<id>-  what the gateway has checked and is about to keep
    sent/<id>      what was sent straight to the bucket, and nobody has checked yet

What was sent is copied to the spool and checked there, and kept from there: whoever holds the address may send another
file meanwhile, which then is not the one that was checked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import obstore
from obstore.exceptions import NotFoundError
from obstore.store import S3Store

from models.columns import now
from services.artifact_rules import content_disposition
from services.spool import Spool
from services.storage import CHUNK_BYTES, FileMissing, Placement, Storage, StoredFile

if TYPE_CHECKING:
    from obstore import HTTP_METHOD
    from obstore.store import ClientConfig, RetryConfig

_FILES: Final = "files"
_BROUGHT: Final = "brought"
_SENT: Final = "sent"
_OCTETS: Final = "application/octet-stream"
_PART_BYTES: Final = 8 * 1_048_576
_PARTS_AT_ONCE: Final = 4
_RETRIES: Final = 3
_RETRY_SECONDS: Final = 30
_CONNECT_SECONDS: Final = 5
_REQUEST_SECONDS: Final = 300
_ABANDONED_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where the bucket is, and how it is entered; `endpoint` is None for Amazon's own."""

    name: str
    region: str
    key_id: str
    secret: str
    endpoint: str | None = None

    def open(self) -> S3Store:
        """The bucket; nothing is asked of it yet."""
        options: ClientConfig = {
            "allow_http": (self.endpoint or "").startswith("http://"),
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "timeout": timedelta(seconds=_REQUEST_SECONDS),
        }
        retry: RetryConfig = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)}
        place = {} if self.endpoint is None else {"endpoint": self.endpoint.rstrip("/")}
        return S3Store(
            self.name,
            region=self.region,
            access_key_id=self.key_id,
            secret_access_key=self.secret,
            client_options=options,
            retry_config=retry,
            **place,  # type: ignore[arg-type] # the keys are those of the configuration
        )


class S3Storage(Storage):
    """Files in a bucket that nobody else writes to."""

    def __init__(self, bucket: Bucket, spool: Spool) -> None:
        """`spool` gives the paths of files that are fetched."""
        self._bucket = bucket.open()
        self._spool = spool

    @asynccontextmanager
    async def bring(self, key: UUID, path: Path, file_name: str) -> AsyncIterator[Placement]:
        """Upload it, in parts when it is large, under a name of its own; keeping it is one copy inside the bucket."""
        brought = f"{_BROUGHT}/{key.hex}-{os.urandom(8).hex()}"
        try:
            await obstore.put_async(
                self._bucket,
                brought,
                path,
                attributes={"Content-Type": _OCTETS, "Content-Disposition": content_disposition(file_name)},
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
            yield _S3Placement(self._bucket, brought, _place(_FILES, key))
        finally:
            # A caller who is cancelled here leaves it for `clean`.
            await self._delete([brought])

    @asynccontextmanager
    async def open(self, key: UUID) -> AsyncIterator[StoredFile]:
        """Ask for its size; the bytes are asked for as they are read."""
        place = _place(_FILES, key)
        try:
            found = await obstore.head_async(self._bucket, place)
        except (NotFoundError, FileNotFoundError) as error:
            raise FileMissing(f"there is no object {place}") from error
        yield _S3File(self._bucket, place, found["size"])

    @asynccontextmanager
    async def fetch(self, key: UUID) -> AsyncIterator[Path]:
        """A copy in the spool."""
        path = self._spool.new_path()
        try:
            await self._copy(_place(_FILES, key), path)
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def remove(self, keys: Sequence[UUID]) -> None:
        """Delete the objects, and what was sent for them."""
        await self._delete([_place(folder, key) for folder in (_FILES, _SENT) for key in keys])

    async def clean(self) -> int:
        """Delete what was sent or brought more than a day ago and never kept."""
        before = now() - _ABANDONED_AFTER
        removed = 0
        for folder in (_BROUGHT, _SENT):
            async for found in obstore.list(self._bucket, prefix=f"{folder}/"):
                old = [each["path"] for each in found if each["last_modified"] < before]
                await self._delete(old)
                removed += len(old)
        return removed

    def download_address(self, key: UUID, seconds: int) -> str | None:
        """A presigned GET of the object."""
        return self._sign("GET", _FILES, key, seconds)

    def upload_address(self, key: UUID, seconds: int) -> str | None:
        """A presigned PUT."""
        return self._sign("PUT", _SENT, key, seconds)

    def _sign(self, method: HTTP_METHOD, folder: str, key: UUID, seconds: int) -> str:
        return obstore.sign(self._bucket, method, _place(folder, key), timedelta(seconds=seconds))

    async def sent(self, key: UUID) -> int | None:
        """Ask the bucket."""
        try:
            return (await obstore.head_async(self._bucket, _place(_SENT, key)))["size"]
        except (NotFoundError, FileNotFoundError):
            return None

    async def collect(self, key: UUID, path: Path) -> None:
        """Download what was sent."""
        await self._copy(_place(_SENT, key), path)

    async def discard(self, key: UUID) -> None:
        """Delete what was sent; whoever holds the address may send it again."""
        await self._delete([_place(_SENT, key)])

    async def _copy(self, place: str, path: Path) -> None:
        try:
            found = await obstore.get_async(self._bucket, place)
            with path.open("wb", buffering=0) as file:
                async for chunk in found.stream(_PART_BYTES):
                    await asyncio.to_thread(file.write, chunk)
        except (NotFoundError, FileNotFoundError) as error:
            raise FileMissing(f"there is no object {place}") from error

    async def _delete(self, places: list[str]) -> None:
        """What is not there is no error to S3, and to those who answer 404 all the same none to us."""
        for place in places:
            try:
                await obstore.delete_async(self._bucket, place)
            except (NotFoundError, FileNotFoundError):
                continue


class _S3Placement(Placement):
    """An object that is to be copied to its place."""

    def __init__(self, bucket: S3Store, brought: str, place: str) -> None:
        self._bucket = bucket
        self._brought = brought
        self._place = place

    async def keep(self) -> None:
        """Copy it within the bucket."""
        await obstore.copy_async(self._bucket, self._brought, self._place)


class _S3File(StoredFile):
    """An object."""

    def __init__(self, bucket: S3Store, place: str, size: int) -> None:
        self._bucket = bucket
        self._place = place
        self.size = size

    async def read(self, start: int, length: int) -> AsyncIterator[bytes]:
        """One request for all of it, read as it is wanted."""
        if not length:
            return
        try:
            found = await obstore.get_async(self._bucket, self._place, options={"range": (start, start + length)})
        except (NotFoundError, FileNotFoundError) as error:
            raise FileMissing(f"there is no object {self._place}") from error
        given = 0
        async for chunk in found.stream(CHUNK_BYTES):
            given += len(chunk)
            yield bytes(chunk)
        if given < length:
            raise FileMissing("the object is shorter than it was")


def _place(folder: str, key: UUID) -> str:
    return f"{folder}/{key.hex}"
