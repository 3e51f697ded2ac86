"""Bytes that are read once, front to back, a bounded piece at a time."""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from services.errors import InvalidInput

PIECE_BYTES: Final = 262_144


class Source(Protocol):
    """Whatever gives bytes in order: a file, a part of one, what is unpacked from one."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, at least one; empty at the end and from then on."""


class Part:
    """The next `size` bytes of a source."""

    def __init__(self, source: Source, size: int, what: str) -> None:
        """`what` names it in the error of a source that ends before."""
        self._source = source
        self._what = what
        self.left = size

    def read(self, size: int, /) -> bytes:
        """Raises InvalidInput when the source ends before the part does."""
        wanted = min(size, self.left)
        if not wanted:
            return b""
        data = self._source.read(wanted)
        if not data:
            raise InvalidInput(f"{self._what} is cut off")
        self.left -= len(data)
        return data


class Measured:
    """A source of which length and SHA-256 are taken while somebody reads it."""

    def __init__(self, source: Source) -> None:
        """Nothing is read yet."""
        self._source = source
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int, /) -> bytes:
        """Read on, and count what was read."""
        data = self._source.read(size)
        self._digest.update(data)
        self.size += len(data)
        return data

    @property
    def sha256(self) -> str:
        """The SHA-256 in hex of what has been read so far."""
        return self._digest.hexdigest()


def read_exactly(source: Source, size: int, what: str) -> bytes:
    """`size` bytes; raises InvalidInput when there are fewer. The caller bounds `size`."""
    pieces = []
    part = Part(source, size, what)
    while part.left:
        pieces.append(part.read(part.left))
    return b"".join(pieces)


def read_whole(source: Source, most: int, what: str) -> bytes:
    """Everything that is left; raises InvalidInput when that is more than `most` bytes."""
    pieces = []
    length = 0
    while data := source.read(min(PIECE_BYTES, most + 1 - length)):
        length += len(data)
        if length > most:
            raise InvalidInput(f"{what} is longer than {most:,} bytes")
        pieces.append(data)
    return b"".join(pieces)


def drain(source: Source) -> None:
    """Read to the end."""
    while source.read(PIECE_BYTES):
        pass


def check_all_zero(source: Source, what: str) -> None:
    """Read to the end; raises InvalidInput when there is anything but zeros."""
    while data := source.read(PIECE_BYTES):
        if data.count(0) != len(data):
            raise InvalidInput(f"{what} is followed by something else")
