"""Where files are kept: a directory by default, or a bucket (`services.s3_storage`) behind the same small interface.

A file is named by the id of its artifact or attachment and by nothing that a caller wrote. It comes from a local file
that is whole and checked already (`services.spool`), and appears whole or not at all.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final
from uuid import UUID

CHUNK_BYTES: Final = 262_144
ABANDONED_AFTER_SECONDS: Final = 3600.0
_PREFIX: Final = "incoming-"


class FileMissing(Exception):
    """The storage has lost a file that it had taken: a fault of this side, never of the caller."""


class Placement(ABC):
    """A file that has been brought and is not in its place yet. It is gone unless `keep` was called."""

    @abstractmethod
    async def keep(self) -> None:
        """Put it in its place, at once and whole, over an earlier one; quick, so that a transaction may wait for it."""


class StoredFile(ABC):
    """A file that is kept, open for reading."""

    size: int

    @abstractmethod
    def read(self, start: int, length: int) -> AsyncIterator[bytes]:
        """The bytes from `start`, `length` of them, in chunks; raises FileMissing when the file is shorter."""


class Storage(ABC):
    """Keeps files by id."""

    @abstractmethod
    def bring(self, key: UUID, path: Path, file_name: str) -> AbstractAsyncContextManager[Placement]:
        """Take a copy of the file at `path`, durable; `file_name` is what it is called when it is downloaded."""

    @abstractmethod
    def open(self, key: UUID) -> AbstractAsyncContextManager[StoredFile]:
        """Open a file; raises FileMissing."""

    @abstractmethod
    def fetch(self, key: UUID) -> AbstractAsyncContextManager[Path]:
        """The file under a local path as long as the block lasts, to be read only; raises FileMissing."""

    @abstractmethod
    async def remove(self, keys: Sequence[UUID]) -> None:
        """Delete files; one that is not there is no error."""

    @abstractmethod
    async def clean(self) -> int:
        """Delete what interrupted processes left half brought an hour ago or earlier; returns how many files."""

    async def put(self, key: UUID, content: bytes, file_name: str) -> None:
        """Keep a small file that is in memory."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "file"
            await asyncio.to_thread(path.write_bytes, content)
            async with self.bring(key, path, file_name) as placement:
                await placement.keep()

    def download_address(self, key: UUID, seconds: int) -> str | None:
        """Where the storage itself gives the file out for a while; None where files go through the gateway."""
        del key, seconds
        return None

    def upload_address(self, key: UUID, seconds: int) -> str | None:
        """Where the storage itself takes a file for a while, unchecked; None where files go through the gateway."""
        del key, seconds
        return None

    async def sent(self, key: UUID) -> int | None:
        """The size of what was sent to the `upload_address` of a key; None when nothing was."""
        del key
        return None

    async def collect(self, key: UUID, path: Path) -> None:
        """Copy what was sent to the local file at `path`; raises FileMissing."""
        raise FileMissing(f"nothing was sent for {key.hex} to be copied to {path.name}")

    async def discard(self, key: UUID) -> None:
        """Delete what was sent, if anything was."""
        del key


class LocalStorage(Storage):
    """Files in a directory of this machine, readable by its owner alone."""

    def __init__(self, directory: Path) -> None:
        """The directory is made on the first write; several processes may share it."""
        self._directory = directory

    @asynccontextmanager
    async def bring(self, key: UUID, path: Path, file_name: str) -> AsyncIterator[Placement]:
        """Link or copy it beside its place, so that keeping it is one rename."""
        del file_name
        placement = _LocalPlacement(self._path(key))
        try:
            await asyncio.to_thread(placement.take, path)
            yield placement
        finally:
            # Not in a thread: a caller who is being cancelled could not wait for it.
            placement.close()

    @asynccontextmanager
    async def open(self, key: UUID) -> AsyncIterator[StoredFile]:
        """Open the file; it stays readable to the end even when it is removed meanwhile."""
        stored = _LocalFile(self._path(key))
        try:
            yield stored
        finally:
            stored.close()

    @asynccontextmanager
    async def fetch(self, key: UUID) -> AsyncIterator[Path]:
        """The file itself, which is not copied."""
        path = self._path(key)
        if not path.is_file():
            raise _missing(path)
        yield path

    async def remove(self, keys: Sequence[UUID]) -> None:
        """Unlink the files."""
        await asyncio.to_thread(self._remove, [self._path(key) for key in keys])

    @staticmethod
    def _remove(paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    async def clean(self) -> int:
        """Unlink temporary files that nobody has kept for an hour."""
        return await asyncio.to_thread(self._clean)

    def _clean(self) -> int:
        before = time.time() - ABANDONED_AFTER_SECONDS
        removed = 0
        for path in self._directory.glob(f"*/{_PREFIX}*"):
            # Another process may clean at the same time. A link has the times of its file, so its own change counts.
            with suppress(FileNotFoundError):
                if path.stat().st_ctime < before:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, key: UUID) -> Path:
        """256 folders by the last, random digits of the id."""
        return self._directory / key.hex[-2:] / key.hex


class _LocalPlacement(Placement):
    """A temporary name beside the place that it is meant for.

    The lock is for callers who are cancelled while a thread works for them: the name is removed when that is done.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._temporary = place.with_name(f"{_PREFIX}{place.name}-{os.urandom(8).hex()}")
        self._lock = Lock()
        self._closed = False

    def take(self, path: Path) -> None:
        with self._lock:
            if self._closed:
                return
            self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                os.link(path, self._temporary)
            except OSError:
                # Another file system, or one without links.
                shutil.copyfile(path, self._temporary)
            self._temporary.chmod(0o600)
            with self._temporary.open("rb") as file:
                os.fsync(file.fileno())

    async def keep(self) -> None:
        """Rename it, and flush the directory that holds the new name."""
        await asyncio.to_thread(self._keep)

    def _keep(self) -> None:
        with self._lock:
            self._temporary.replace(self._place)
        directory = os.open(self._place.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def close(self) -> None:
        """Remove the temporary name, which is gone when the file was kept."""
        with self._lock:
            self._closed = True
            self._temporary.unlink(missing_ok=True)


class _LocalFile(StoredFile):
    """An open file of the directory."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: BinaryIO = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise _missing(path) from error
        self.size = os.fstat(self._file.fileno()).st_size
        self._lock = Lock()

    async def read(self, start: int, length: int) -> AsyncIterator[bytes]:
        """Read chunk by chunk in a thread, at positions of its own."""
        end = start + length
        while start < end:
            chunk = await asyncio.to_thread(self._read, start, min(CHUNK_BYTES, end - start))
            if not chunk:
                raise FileMissing("the file is shorter than it was")
            start += len(chunk)
            yield chunk

    def _read(self, start: int, length: int) -> bytes:
        with self._lock:
            return os.pread(self._file.fileno(), length, start)

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._file.close()


def _missing(path: Path) -> FileMissing:
    return FileMissing(f"there is no file {path.name}")
