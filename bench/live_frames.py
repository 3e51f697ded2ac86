"""Frames of WebSocket as a client of the benchmarks needs them: found fast, made before they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
TEXT: Final = 0x1
_FINAL: Final = 0x80
_FINAL_TEXT: Final = _FINAL | TEXT
_NO_KEY: Final = bytes(4)
"""Clients have to mask what they send. With this key the masked bytes are the plain ones; the server works as ever."""


class BrokenFrame(Exception):
    """Something that a server of ours never sends: a masked frame, or a message in several frames."""


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame as clients send it, of at most 65,535 bytes."""
    length = len(payload)
    sizes = bytes((0x80 | length,)) if length < 126 else b"\xfe" + length.to_bytes(2)
    return bytes((_FINAL | opcode,)) + sizes + _NO_KEY + payload


def scan(data: bytes) -> tuple[int, int, bool]:
    """Look over what a server has sent, from the beginning of a frame.

    Returns how many complete text frames there are, where the first incomplete frame begins, and whether all complete
    frames are text. Raises BrokenFrame.
    """
    texts, position, plain, size = 0, 0, True, len(data)
    while position + 2 <= size:
        length = data[position + 1]
        end = position + 2 + length
        if length >= 126:
            end = _end_of_long(data, position, length)
        if end > size or end == 0:
            break
        if data[position] == _FINAL_TEXT:
            texts += 1
        else:
            plain = False
        position = end
    return texts, position, plain


def split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The opcode and the payload of each complete frame. Raises BrokenFrame."""
    position, size = 0, len(data)
    while position + 2 <= size:
        length = data[position + 1]
        start, end = position + 2, position + 2 + length
        if length >= 126:
            start, end = position + (4 if length == 126 else 10), _end_of_long(data, position, length)
        if end > size or end == 0:
            return
        if not data[position] & _FINAL or not data[position] & 0xF:
            raise BrokenFrame(f"a message in several frames: {data[position : position + 40]!r}")
        yield data[position] & 0xF, data[start:end]
        position = end


def _end_of_long(data: bytes, position: int, length: int) -> int:
    """Where a frame ends whose length stands in 2 or 8 bytes of its own; 0 while those are not all here."""
    if length > 127:
        raise BrokenFrame(f"a masked frame: {data[position : position + 40]!r}")
    start = position + (4 if length == 126 else 10)
    if start > len(data):
        return 0
    return start + int.from_bytes(data[position + 2 : start])
