"""The spool: a directory in which files arrive, before they are read, checked and placed in the storage.

Several processes of one machine may share it. A file that comes in one piece has a name of its own; one that comes in
several has the id of its artifact or attachment, and outlives cut connections and killed processes.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import UUID

from services.errors import Conflict
from services.storage import CHUNK_BYTES

ABANDONED_AFTER_SECONDS: Final = 86_400.0
_PART: Final = ".part"
_LENGTH: Final = ".length"
_WHOLE: Final = ".whole"


class Occupied(Conflict):
    """Somebody else is writing to the same file."""


@dataclass(frozen=True, slots=True)
class Digests:
    """What the bytes of a file come to: `size` in bytes, SHA-256 and MD5 in hex."""

    size: int
    sha256: str
    md5: str


class Arriving:
    """A file that is being written. Bytes are hashed as they come, unless some of them came earlier.

    The lock is for callers who are cancelled while a thread works for them: the file is closed when that is done.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """`descriptor` is open for writing at the end of the file at `path`, and is closed with this."""
        self.path = path
        self.received = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._hashes = None if self.received else (hashlib.sha256(), hashlib.md5(usedforsecurity=False))
        self._waiting = bytearray()
        self._lock = Lock()

    async def write(self, data: bytes) -> None:
        """Append; small pieces wait for each other."""
        self._waiting += data
        self.received += len(data)
        if len(self._waiting) >= CHUNK_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Hand to the system what waits, which is safe then from the end of this process."""
        waiting, self._waiting = self._waiting, bytearray()
        if waiting:
            await asyncio.to_thread(self._write, waiting)

    def flush_now(self) -> None:
        """Like `flush`, for a caller who is being cancelled; it takes the time of one chunk at most."""
        if self._waiting:
            self._write(self._waiting)
            self._waiting = bytearray()

    def _write(self, data: bytearray) -> None:
        rest = memoryview(data)
        with self._lock:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            for one in self._hashes or ():
                one.update(data)

    async def seal(self) -> Digests:
        """Make it durable, and say what it comes to. Nothing is written after it."""
        await self.flush()
        return await asyncio.to_thread(self._seal)

    def _seal(self) -> Digests:
        with self._lock:
            os.fsync(self._descriptor)
            if self._hashes is None:
                return digests_of(self.path)
            sha256, md5 = self._hashes
            return Digests(self.received, sha256.hexdigest(), md5.hexdigest())

    def close(self, *, forget_empty: bool = False) -> None:
        """Close the file, and let go of its lock; with `forget_empty` it is gone when nothing has come."""
        with self._lock:
            try:
                if forget_empty and not os.fstat(self._descriptor).st_size and _is_same(self.path, self._descriptor):
                    self.path.unlink()
            finally:
                os.close(self._descriptor)


class Spool:
    """Files that arrive, in one directory that its owner alone may read."""

    def __init__(self, directory: Path) -> None:
        """The directory is made when it is first needed."""
        self._directory = directory

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[Arriving]:
        """A new file, which is gone when the block ends."""
        path = self.new_path()
        arriving = Arriving(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600))
        try:
            yield arriving
        finally:
            # Not in a thread: a caller who is being cancelled could not wait for it. It takes one chunk's time at most.
            arriving.close()
            path.unlink(missing_ok=True)

    def new_path(self) -> Path:
        """A path for a file that does not exist yet; the caller removes it, or `clean` does a day later."""
        return self._made() / f"{os.urandom(16).hex()}{_WHOLE}"

    @asynccontextmanager
    async def part(self, key: UUID) -> AsyncIterator[Arriving]:
        """What has come of a file that comes in pieces, for writing on; it stays when the block ends.

        Raises Occupied while somebody else, in any process, does the same.
        """
        path = self._made() / f"{key.hex}{_PART}"
        arriving = Arriving(path, _locked(path))
        try:
            yield arriving
        finally:
            try:
                arriving.flush_now()
            finally:
                arriving.close(forget_empty=True)

    async def offset(self, key: UUID) -> int:
        """How many bytes of a file have come in pieces."""
        try:
            return (self._directory / f"{key.hex}{_PART}").stat().st_size
        except FileNotFoundError:
            return 0

    async def announce(self, key: UUID, length: int) -> None:
        """Remember how long a file will be that comes in pieces."""
        path = self.new_path()
        path.write_text(str(length), encoding="ascii")
        path.replace(self._directory / f"{key.hex}{_LENGTH}")

    async def announced(self, key: UUID) -> int | None:
        """How long a file will be, if that was said."""
        try:
            return int((self._directory / f"{key.hex}{_LENGTH}").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    async def drop(self, key: UUID) -> None:
        """Forget what has come of a file in pieces, and how long it was to be."""
        for suffix in (_PART, _LENGTH):
            (self._directory / f"{key.hex}{suffix}").unlink(missing_ok=True)

    async def clean(self, seconds: float = ABANDONED_AFTER_SECONDS) -> int:
        """Delete what nobody has written to for so long; returns how many files. Those in use are left alone."""
        return await asyncio.to_thread(self._clean, time.time() - seconds)

    def _clean(self, before: float) -> int:
        removed = 0
        for path in self._directory.glob("*.*"):
            # Another process may clean at the same time, or write: what is locked is being written.
            with suppress(FileNotFoundError, Occupied):
                if path.stat().st_mtime >= before:
                    continue
                descriptor = _locked(path, create=False)
                try:
                    path.unlink(missing_ok=True)
                finally:
                    os.close(descriptor)
                removed += 1
        return removed

    def _made(self) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._directory


def digests_of(path: Path) -> Digests:
    """Read a file from its beginning to its end; blocks."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    return Digests(size, sha256.hexdigest(), md5.hexdigest())


def _locked(path: Path, *, create: bool = True) -> int:
    """A descriptor of the file, which nobody else has in this way until it is closed; raises Occupied.

    The lock ends with the process that holds it, however that ends.
    """
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | (os.O_CREAT if create else 0), 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise Occupied("this file is being sent by somebody else right now") from error
        # Whoever had it before may have removed it or given it away: the name may stand for another file now.
        if _is_same(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
