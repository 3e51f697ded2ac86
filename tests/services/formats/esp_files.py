"""ESP images and packages, built from the description of the format for tests."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from functools import reduce
from operator import xor

CODE = b"\x11\x22\x33\x44" * 500


def application(project: str = "lamp", version: str = "1.4.2") -> bytes:
    """The description of an application, as it stands at the front of the first segment."""
    return struct.pack(
        "<II8s32s32s16s16s32s32s80x",
        0xABCD5432,
        7,
        b"",
        version.encode(),
        project.encode(),
        b"12:30:00",
        b"Nov 21 2026",
        b"v5.3",
        bytes(range(32)),
    )


def image(
    first: bytes | None = None,
    rest: tuple[bytes, ...] = (CODE,),
    *,
    hashed: bool = True,
    chip: int = 5,
) -> bytes:
    """A whole image; the first segment describes the application unless it is given."""
    segments = (application() if first is None else first, *rest)
    data = struct.pack(
        "<BBBBIB3sHBHH4sB", 0xE9, len(segments), 2, 0x20, 0x40380000, 0xEE, b"", chip, 0, 0, 99, b"", hashed
    )
    addresses = (0x3C000020, 0x40380000, 0x3FC80000, 0x42000020)
    for address, content in zip(addresses, segments, strict=False):
        data += struct.pack("<II", address, len(content)) + content
    data = data.ljust(len(data) + 15 - len(data) % 16, b"\0") + bytes([reduce(xor, b"".join(segments), 0xEF)])
    return data + hashlib.sha256(data).digest() if hashed else data


def bootloader() -> bytes:
    """An image that does not describe an application."""
    return image(b"\x50\0\0\0" + bytes(252), hashed=True)


def package(files: Mapping[str, bytes]) -> bytes:
    """A zip file with these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
