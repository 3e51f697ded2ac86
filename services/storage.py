"""Where files are kept: a directory by default; another store of files fulfils the same two small interfaces.

A file is named by the id of its artifact and by nothing that a caller wrote. It appears whole or not at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
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


class Incoming(ABC):
    """A file that is arriving. It is gone when the block that opened it ends, unless `keep` was called."""

    received: int = 0

    @abstractmethod
    async def write(self, data: bytes) -> None:
        """Append."""

    @abstractmethod
    async def seal(self) -> str:
        """Make what has arrived durable; returns its SHA-256 in hex. Nothing is written after it."""

    @abstractmethod
    async def keep(self) -> None:
        """Put the sealed file in its place, at once and whole, over an earlier one."""


class StoredFile(ABC):
    """A file that is kept, open for reading."""

    size: int

    @abstractmethod
    def read(self, start: int, length: int) -> AsyncIterator[bytes]:
        """The bytes from `start`, `length` of them, in chunks; raises FileMissing when the file is shorter."""


class Storage(ABC):
    """Keeps files by id."""

    @abstractmethod
    def receive(self, key: UUID) -> AbstractAsyncContextManager[Incoming]:
        """Take a new file."""

    @abstractmethod
    def open(self, key: UUID) -> AbstractAsyncContextManager[StoredFile]:
        """Open a file; raises FileMissing."""

    @abstractmethod
    async def remove(self, key: UUID) -> None:
        """Delete a file; one that is not there is no error."""

    @abstractmethod
    async def clean(self) -> int:
        """Delete what interrupted processes left half received an hour ago or earlier; returns how many files."""


class LocalStorage(Storage):
    """Files in a directory of this machine, readable by its owner alone."""

    def __init__(self, directory: Path) -> None:
        """The directory is made on the first write; several processes may share it."""
        self._directory = directory

    @asynccontextmanager
    async def receive(self, key: UUID) -> AsyncIterator[Incoming]:
        """Write to a temporary file of the same directory, so that keeping it is one rename."""
        # Not in a thread: a caller who is cancelled while waiting for it would leave the file behind.
        incoming = _LocalIncoming(self._path(key))
        try:
            yield incoming
        finally:
            # Not in a thread: a caller who is being cancelled could not wait for it. It takes one chunk's time at most.
            incoming.close()

    @asynccontextmanager
    async def open(self, key: UUID) -> AsyncIterator[StoredFile]:
        """Open the file; it stays readable to the end even when it is removed meanwhile."""
        stored = _LocalFile(self._path(key))
        try:
            yield stored
        finally:
            stored.close()

    async def remove(self, key: UUID) -> None:
        """Unlink the file."""
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def clean(self) -> int:
        """Unlink temporary files that nobody has written to for an hour."""
        return await asyncio.to_thread(self._clean)

    def _clean(self) -> int:
        before = time.time() - ABANDONED_AFTER_SECONDS
        removed = 0
        for path in self._directory.glob(f"*/{_PREFIX}*"):
            # Another process may clean at the same time.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, key: UUID) -> Path:
        """256 folders by the last, random digits of the id."""
        return self._directory / key.hex[-2:] / key.hex


class _LocalIncoming(Incoming):
    """A temporary file beside the place that it is meant for.

    The lock is for callers who are cancelled while a thread works for them: the file is closed when that is done.
    """

    def __init__(self, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=place.parent)
        self._file = os.fdopen(handle, "wb", buffering=0)
        self._temporary = Path(name)
        self._place = place
        self._digest = hashlib.sha256()
        self._lock = Lock()

    async def write(self, data: bytes) -> None:
        """Write and hash in a thread."""
        await asyncio.to_thread(self._write, data)
        self.received += len(data)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        with self._lock:
            while rest:
                rest = rest[self._file.write(rest) :]
            self._digest.update(data)

    async def seal(self) -> str:
        """Flush the file to the disk."""
        return await asyncio.to_thread(self._seal)

    def _seal(self) -> str:
        with self._lock:
            os.fsync(self._file.fileno())
            return self._digest.hexdigest()

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
        """Close it; the temporary name is gone when it was kept."""
        with self._lock:
            self._file.close()
            self._temporary.unlink(missing_ok=True)


class _LocalFile(StoredFile):
    """An open file; the lock is for callers who are cancelled while a thread reads for them."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: BinaryIO = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise FileMissing(f"there is no file {path.name}") from error
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
