"""Documents that were registered before they are asked for: a file of JSON, one object of documents by id."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

import orjson
import structlog

LOOKED_AFTER: Final = 1.0
"""Seconds between two looks at the file."""

_log = structlog.get_logger("fleetgraph.documents")

Stamp = tuple[int, int, int]
"""By which a file is known to be another: its inode, its size and when it was written."""


class DocumentsUnreadable(Exception):
    """The file is not there, cannot be read, or holds something else."""


def read_documents(path: Path) -> dict[str, str]:
    """The documents in a file, by id. Raises DocumentsUnreadable."""
    try:
        documents = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise DocumentsUnreadable(f"{path} cannot be read: {error}") from error
    if not isinstance(documents, dict) or not all(isinstance(text, str) for text in documents.values()):
        raise DocumentsUnreadable(f"{path} must hold one JSON object of documents by id")
    return documents


def digest(text: str) -> str:
    """The SHA-256 by which clients call a document, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class RegisteredDocuments:
    """The registered documents as they are now: a file that has changed is read again."""

    def __init__(self, documents: Mapping[str, str] | None = None) -> None:
        """Hold these documents, without a file."""
        self._path: Path | None = None
        self._clock: Callable[[], float] = time.monotonic
        self._stamp: Stamp | None = None
        self._look_at = 0.0
        self._take(documents or {})

    @classmethod
    def of(cls, path: Path, clock: Callable[[], float] = time.monotonic) -> Self:
        """Read them from a file, which need not be there yet; `clock` gives seconds. Raises DocumentsUnreadable."""
        made = cls()
        made._path, made._clock = path, clock
        made._stamp = _stamp(path)
        if made._stamp is not None:
            made._take(read_documents(path))
        made._look_at = clock() + LOOKED_AFTER
        return made

    def __len__(self) -> int:
        """Return how many there are."""
        self._look()
        return len(self._by_id)

    def by_id(self, name: str) -> str | None:
        """The document with this id."""
        self._look()
        return self._by_id.get(name)

    def by_hash(self, name: str) -> str | None:
        """The document with this SHA-256, or with this id: clients send the ids of a manifest in its place."""
        self._look()
        return self._by_id.get(name) or self._by_hash.get(name)

    def has(self, text: str) -> bool:
        """Whether this very text is one of them."""
        self._look()
        return text in self._texts

    def _take(self, documents: Mapping[str, str]) -> None:
        self._by_id = dict(documents)
        self._texts = frozenset(documents.values())
        self._by_hash = {digest(text): text for text in self._texts}

    def _look(self) -> None:
        """Read the file again when it has changed; what cannot be read leaves everything as it was."""
        if self._path is None or self._clock() < self._look_at:
            return
        self._look_at = self._clock() + LOOKED_AFTER
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._take(read_documents(self._path))
        except DocumentsUnreadable as error:
            _log.error("documents.unreadable", reason=str(error))
        else:
            _log.info("documents.read", documents=len(self._by_id))


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
