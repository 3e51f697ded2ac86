"""ESP-IDF application images: segments with a checksum, often a SHA-256, what the application says, signatures."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any, Final

from models.enums import ArtifactFormat
from services.errors import InvalidInput, LimitReached
from services.formats import secure_boot
from services.formats.content import Content
from services.formats.secure_boot import SECTOR
from services.formats.streams import PIECE_BYTES, Source, read_exactly, read_whole

MAX_IMAGE: Final = 200 * 1024**2
MAGIC: Final = 0xE9
APPLICATION_AT: Final = 32
"""Where the description of the application stands: at the front of the first segment."""
_HEADER: Final = struct.Struct("<BBBBIB3sHBHH4sB")
_SEGMENT: Final = struct.Struct("<II")
_APPLICATION: Final = struct.Struct("<II8s32s32s16s16s32s32s")
_APPLICATION_MAGIC: Final = 0xABCD5432
_MAX_SEGMENTS: Final = 16
_MAX_SEGMENT: Final = 16 * 1024**2
_MAX_TAIL: Final = 65_536 + SECTOR
_FIRST_VERSION_SIGNATURE: Final = 68
CHIPS: Final = {
    0: "ESP32",
    2: "ESP32-S2",
    5: "ESP32-C3",
    9: "ESP32-S3",
    12: "ESP32-C2",
    13: "ESP32-C6",
    16: "ESP32-H2",
    18: "ESP32-P4",
    20: "ESP32-C61",
    23: "ESP32-C5",
    25: "ESP32-H21",
    28: "ESP32-H4",
}


@dataclass(slots=True)
class Image:
    """What an image says; `length` in bytes up to the signature sector, `digest` the SHA-256 of those.

    `signatures` counts the blocks of secure boot; `key_digests` are in hex. `project` is None for an image without a
    description of its application, such as a boot loader.
    """

    chip_id: int
    segments: int
    project: str | None = None
    version: str | None = None
    application: dict[str, Any] = field(default_factory=dict)
    length: int = 0
    digest: bytes = b""
    secure_boot: int | None = None
    signatures: int = 0
    key_digests: list[str] = field(default_factory=list)


def read_firmware(source: Source) -> Content:
    """The content of an image; raises InvalidInput and LimitReached (`read_image`)."""
    image = read_image(source)
    return Content(
        format=ArtifactFormat.ESP_IMAGE,
        name=image.project,
        version=image.version,
        signed=image.secure_boot is not None,
        info=describe(image),
    )


def describe(image: Image) -> dict[str, Any]:
    """What an image says, as JSON."""
    return {
        "format": "esp-idf",
        "chip": CHIPS.get(image.chip_id),
        "chipId": image.chip_id,
        "segments": image.segments,
        "project": image.project,
        "version": image.version,
        **image.application,
        "secureBoot": image.secure_boot,
        "keyDigests": image.key_digests,
    }


def read_image(source: Source, what: str = "the image") -> Image:
    """Read an image to its end, and check all of its sums and signatures; `what` names it in errors.

    Raises InvalidInput when it is broken, cut off, or followed by something else; LimitReached above 200 MiB.
    """
    running = _Running(source, what)
    header = _HEADER.unpack(running.take(_HEADER.size))
    magic, segments, hashed = header[0], header[1], header[-1]
    if magic != MAGIC or not 1 <= segments <= _MAX_SEGMENTS or hashed not in (0, 1):
        raise InvalidInput(f"{what} does not begin as an ESP image does")
    image = Image(chip_id=header[7], segments=segments)
    checksum = 0xEF
    for number in range(segments):
        _, length = _SEGMENT.unpack(running.take(_SEGMENT.size))
        if length % 4 or length >= _MAX_SEGMENT:
            raise InvalidInput(f"{what} has a segment of an impossible length")
        head, folded = running.take_segment(length)
        checksum ^= folded
        if number == 0:
            _describe_application(image, head, what)
    padding = running.take(15 - running.length % 16 + 1)
    if padding[-1] != checksum:
        raise InvalidInput(f"{what} has another checksum than it says")
    if hashed:
        expected = running.digest
        if running.take(len(expected)) != expected:
            raise InvalidInput(f"{what} has another SHA-256 than it says")
    _read_tail(image, running, what)
    return image


class _Running:
    """A source whose SHA-256 is known at every point."""

    def __init__(self, source: Source, what: str) -> None:
        self._source = source
        self._what = what
        self._sha256 = hashlib.sha256()
        self.length = 0

    @property
    def digest(self) -> bytes:
        return self._sha256.digest()

    def take(self, size: int) -> bytes:
        return self.add(read_exactly(self._source, size, self._what))

    def take_segment(self, size: int) -> tuple[bytes, int]:
        """The first bytes of a segment, and all of its bytes folded into one."""
        head = b""
        folded = 0
        while size:
            data = self.take(min(size, PIECE_BYTES))
            head = head or data[: _APPLICATION.size]
            folded ^= _fold(data)
            size -= len(data)
        return head, folded

    def add(self, data: bytes) -> bytes:
        self.length += len(data)
        if self.length > MAX_IMAGE:
            raise LimitReached(f"{self._what} is larger than {MAX_IMAGE:,} bytes")
        self._sha256.update(data)
        return data

    def rest(self, most: int) -> bytes:
        """What is left, at most `most` bytes; not yet added."""
        return read_whole(self._source, most, f"what follows {self._what}")


def _fold(data: bytes) -> int:
    """All bytes combined by exclusive or: the number they are, folded in the middle until one byte is left."""
    length = 1 << (len(data) - 1).bit_length()
    number = int.from_bytes(data, "big")
    while length > 1:
        length //= 2
        number = (number >> 8 * length) ^ (number & ((1 << 8 * length) - 1))
    return number


def _describe_application(image: Image, head: bytes, what: str) -> None:
    if len(head) < _APPLICATION.size:
        return
    magic, secure_version, _, version, project, time, date, framework, elf = _APPLICATION.unpack(head)
    if magic != _APPLICATION_MAGIC:
        return
    image.version = _text(version, what)
    image.project = _text(project, what)
    image.application = {
        "secureVersion": secure_version,
        "compiled": f"{_text(date, what)} {_text(time, what)}".strip(),
        "framework": _text(framework, what),
        "elfSha256": elf.hex(),
    }


def _text(data: bytes, what: str) -> str:
    try:
        text = data.split(b"\0", 1)[0].decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what} describes itself in something that is not text") from error
    if not text.isprintable():
        raise InvalidInput(f"{what} describes itself in something that is not text")
    return text


def _read_tail(image: Image, running: _Running, what: str) -> None:
    """Padding, and a signature: a sector of version 2 at a multiple of its size, or 68 bytes of version 1."""
    tail = running.rest(_MAX_TAIL)
    sector = b""
    if len(tail) >= SECTOR and (running.length + len(tail)) % SECTOR == 0 and tail[-SECTOR] == secure_boot.MAGIC:
        tail, sector = tail[:-SECTOR], tail[-SECTOR:]
    elif len(tail) == _FIRST_VERSION_SIGNATURE and not any(tail[:4]):
        image.secure_boot = image.signatures = 1
        tail = b""
    if tail.strip(b"\xff") and tail.strip(b"\0"):
        raise InvalidInput(f"{what} is followed by something else")
    running.add(tail)
    image.length, image.digest = running.length, running.digest
    if sector:
        found = secure_boot.read_sector(sector, image.digest)
        image.secure_boot, image.signatures, image.key_digests = 2, found.blocks, found.key_digests
        running.add(sector)
