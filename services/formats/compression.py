"""What is compressed, unpacked a bounded piece at a time, and no more of it than its size makes believable."""

from __future__ import annotations

import lzma
import zlib
from dataclasses import dataclass
from typing import Final, Protocol

from services.errors import InvalidInput
from services.formats.streams import PIECE_BYTES, Source

MAX_UNPACKED: Final = 16 * 1024**3
MAX_RATIO: Final = 250
FREE_BYTES: Final = 16 * 1024**2
XZ_MEMORY: Final = 80 * 1024**2
"""Enough for the strongest preset of xz."""


@dataclass(slots=True)
class Allowance:
    """What may be unpacked of one file: 16 GiB, and beyond 16 MiB no more than 250 times what was read."""

    packed: int = 0
    unpacked: int = 0

    def spend(self, packed: int, unpacked: int) -> None:
        """Count; raises InvalidInput for a decompression bomb."""
        self.packed += packed
        self.unpacked += unpacked
        if self.unpacked > min(MAX_UNPACKED, FREE_BYTES + MAX_RATIO * self.packed):
            raise InvalidInput(f"the file unpacks to more than {MAX_RATIO} times its size, or to more than 16 GiB")


class _Unpacker(Protocol):
    def unpack(self, data: bytes, most: int) -> bytes: ...

    @property
    def ended(self) -> bool: ...

    @property
    def hungry(self) -> bool: ...

    @property
    def unused(self) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def unpack(self, data: bytes, most: int) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, most)

    @property
    def ended(self) -> bool:
        return self._inflater.eof

    @property
    def hungry(self) -> bool:
        return not self._inflater.unconsumed_tail

    @property
    def unused(self) -> bytes:
        return self._inflater.unused_data


class _Xz:
    def __init__(self) -> None:
        self._decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY)

    def unpack(self, data: bytes, most: int) -> bytes:
        return self._decoder.decompress(data, most)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    @property
    def hungry(self) -> bool:
        return self._decoder.needs_input

    @property
    def unused(self) -> bytes:
        return self._decoder.unused_data


class Unpacked:
    """A source that unpacks another one, which must hold one whole stream and nothing behind it."""

    def __init__(self, source: Source, unpacker: _Unpacker, allowance: Allowance, what: str) -> None:
        """`what` names it in errors."""
        self._source = source
        self._unpacker = unpacker
        self._allowance = allowance
        self._what = what
        self._ready = b""
        self._given = 0

    def read(self, size: int, /) -> bytes:
        """Raises InvalidInput for data that is broken, cut off, too large, or followed by something else."""
        if self._given == len(self._ready):
            self._ready, self._given = self._unpack(), 0
        data = self._ready[self._given : self._given + size]
        self._given += len(data)
        return data

    def _unpack(self) -> bytes:
        """The next piece; empty when all has been unpacked."""
        while not self._unpacker.ended:
            hungry = self._unpacker.hungry
            packed = self._source.read(PIECE_BYTES // 4) if hungry else b""
            try:
                data = self._unpacker.unpack(packed, PIECE_BYTES)
            except (zlib.error, lzma.LZMAError) as error:
                raise InvalidInput(f"{self._what} cannot be unpacked") from error
            self._allowance.spend(len(packed), len(data))
            if data:
                return data
            if hungry and not packed and not self._unpacker.ended:
                raise InvalidInput(f"{self._what} is cut off")
        if self._unpacker.unused or self._source.read(1):
            raise InvalidInput(f"{self._what} is followed by something else")
        return b""


_UNPACKERS: Final[dict[str, type[_Gzip | _Xz]]] = {"gz": _Gzip, "xz": _Xz}


def unpack(source: Source, suffix: str, allowance: Allowance, what: str) -> Source:
    """What a source holds that is packed as its suffix says: `gz`, `xz`, or none for not at all.

    Raises InvalidInput for a packing that is not known here.
    """
    if not suffix:
        return source
    if suffix not in _UNPACKERS:
        raise InvalidInput(f"{what} is packed in a way that is not known here; gzip, xz (lzma) and none are")
    return Unpacked(source, _UNPACKERS[suffix](), allowance, what)
