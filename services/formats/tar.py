"""Tar archives, read strictly: regular files with plain names, and everything between them is as it must be.

Written for files of strangers: an entry costs bounded memory whatever its header says, which the reader of the standard
library does not promise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.errors import InvalidInput
from services.formats.streams import Part, Source, check_all_zero, drain, read_exactly

BLOCK: Final = 512
MAX_NAME: Final = 1_024
MAX_EXTENSION: Final = 16_384
MAX_ENTRIES: Final = 10_000
MAX_MOMENT: Final = 253_402_300_799
_EMPTY: Final = bytes(BLOCK)
_REGULAR: Final = (b"0", b"\0")
_NUMBER: Final = re.compile(rb" *([0-7]*)[ \0]*")
_RECORD: Final = re.compile(rb"(\d{1,5}) ([^=]{1,64})=")
_BINARY: Final = 0x80
_DIGITS: Final = 18
_SAID: Final = ("path", "size", "mtime")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Entry:
    """A regular file; `modified` in seconds since 1970. Its content is read before the next entry is asked for."""

    name: str
    size: int
    modified: int
    content: Source


def read_entries(source: Source, what: str) -> Iterator[Entry]:
    """All entries in order; what of a content is not read is skipped. `what` names the archive in errors.

    Raises InvalidInput for an archive that is broken or cut off, or in which something follows the end; for links,
    devices and folders, for paths that lead elsewhere, and for names that stand twice.
    """
    names: set[str] = set()
    extension: dict[str, str] = {}
    while True:
        header = read_exactly(source, BLOCK, what)
        if header == _EMPTY:
            break
        _check_sum(header, what)
        kind = header[156:157]
        size = int(extension.pop("size", "") or _number(header[124:136], what))
        if kind in (b"x", b"L"):
            extension |= _read_extension(source, kind, size, what)
            continue
        if kind not in _REGULAR:
            raise InvalidInput(f"{what} holds something that is not a file")
        name = _checked_name(extension.get("path") or _name(header, what), what)
        entry = Entry(name, size, _modified(header, extension, what), Part(source, size, what))
        extension = {}
        if entry.name in names or len(names) >= MAX_ENTRIES:
            raise InvalidInput(f"{what} holds the file {entry.name} twice, or more than {MAX_ENTRIES:,} files")
        names.add(entry.name)
        yield entry
        drain(entry.content)
        _check_padding(source, size, what)
    if extension or read_exactly(source, BLOCK, what) != _EMPTY:
        raise InvalidInput(f"{what} does not end as an archive does")
    check_all_zero(source, what)


def _check_sum(header: bytes, what: str) -> None:
    """The checksum is that of the header with blanks in the place of the checksum."""
    if _number(header[148:156], what) != sum(header) - sum(header[148:156]) + 8 * 32:
        raise InvalidInput(f"{what} has an entry whose header is broken")


def _number(field: bytes, what: str) -> int:
    """Octal digits, or for large numbers 0x80 and a binary one."""
    if field[0] == _BINARY:
        value = int.from_bytes(field[1:], "big")
    else:
        found = _NUMBER.fullmatch(field)
        if found is None:
            raise InvalidInput(f"{what} has an entry whose header is broken")
        value = int(found[1] or b"0", 8)
    if value >= 2**62:
        raise InvalidInput(f"{what} has an entry that is too large")
    return value


def _name(header: bytes, what: str) -> str:
    """The name, in the old format or with the prefix of the newer one."""
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0":
        prefix = header[345:500].split(b"\0", 1)[0]
        name = prefix + b"/" + name if prefix else name
    return _text(name, what)


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what} has a name that is not UTF-8") from error


def _checked_name(name: str, what: str) -> str:
    steps = name.split("/")
    if len(name) > MAX_NAME or "\\" in name or _CONTROL.search(name) or not {"", ".", ".."}.isdisjoint(steps):
        raise InvalidInput(f"{what} has a file whose name leads elsewhere")
    return name


def _modified(header: bytes, extension: dict[str, str], what: str) -> int:
    whole = extension.get("mtime", "").partition(".")[0]
    value = int(whole) if whole.isdecimal() and len(whole) <= _DIGITS else _number(header[136:148], what)
    return min(value, MAX_MOMENT)


def _read_extension(source: Source, kind: bytes, size: int, what: str) -> dict[str, str]:
    """What an extension says of the entry behind it: a long name, or records of length, key and value."""
    if size > MAX_EXTENSION:
        raise InvalidInput(f"{what} has an entry whose header is too long")
    data = read_exactly(source, size, what)
    _check_padding(source, size, what)
    if kind == b"L":
        return {"path": _text(data.rstrip(b"\0"), what)}
    said: dict[str, str] = {}
    while data:
        found = _RECORD.match(data)
        length = int(found[1]) if found else 0
        if found is None or not found.end() < length <= len(data) or data[length - 1 : length] != b"\n":
            raise InvalidInput(f"{what} has an entry whose header is broken")
        key = _text(found[2], what)
        if key in _SAID:
            said[key] = _text(data[found.end() : length - 1], what)
        elif key.startswith("GNU."):
            raise InvalidInput(f"{what} holds something that is not a plain file")
        data = data[length:]
    stated = said.get("size", "0")
    if not (stated.isascii() and stated.isdecimal() and len(stated) <= _DIGITS):
        raise InvalidInput(f"{what} has an entry whose header is broken")
    return said


def _check_padding(source: Source, size: int, what: str) -> None:
    if read_exactly(source, -size % BLOCK, what).strip(b"\0"):
        raise InvalidInput(f"{what} has something between its files")
