"""Rules for single values that more than one noun shares; each raises InvalidInput with the path of the field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.errors import InvalidInput

Path = Sequence[str | int]

MAX_JSON_VALUES: Final = 5_000
MAX_JSON_DEPTH: Final = 20
MAX_JSON_TEXT: Final = 65_536
MAX_INTEGER: Final = 2**53
NAME_LENGTH: Final = 254
TEXT_LENGTH: Final = 4096
_EMAIL: Final = re.compile(r"[^@\s\"(),:;<>\[\\\]]+@[^@\s\"(),:;<>\[\\\].]+(\.[^@\s\"(),:;<>\[\\\].]+)+")


def check_text(value: str, path: Path, *, limit: int = TEXT_LENGTH, octets: int | None = None) -> str:
    """A text of at most `limit` characters that both databases can hold.

    `octets` bounds it in UTF-8 too: PostgreSQL keeps no more than 2,704 bytes in one entry of an index.
    """
    if len(value) > limit:
        raise InvalidInput(f"at most {limit} characters are allowed", path)
    if "\x00" in value or not (value.isascii() or _is_whole(value)):
        raise InvalidInput("the text holds a character that cannot be stored", path)
    if octets is not None and len(value.encode()) > octets:
        raise InvalidInput(f"at most {octets:,} bytes in UTF-8 are allowed", path)
    return value


def _is_whole(value: str) -> bool:
    """Whether no half of a surrogate pair is in a text."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def check_name(value: str, path: Path, *, limit: int = NAME_LENGTH, octets: int | None = None) -> str:
    """A name: 1 to `limit` characters (and at most `octets` bytes in UTF-8), without white space around it."""
    name = check_text(value, path, limit=limit, octets=octets).strip()
    if not name:
        raise InvalidInput("a name has at least one character", path)
    return name


def check_email(value: str, path: Path) -> str:
    """An e-mail address, in the lower case that it is compared in."""
    email = check_text(value, path, limit=NAME_LENGTH).strip().lower()
    if not _EMAIL.fullmatch(email):
        raise InvalidInput("this is not an e-mail address", path)
    return email


def check_object(value: Any, path: Path) -> dict[str, Any]:
    """A JSON object within bounds: at most 5,000 values, 20 levels and 64 Ki characters of text."""
    if not isinstance(value, Mapping):
        raise InvalidInput("a JSON object is expected", path)
    _JsonCheck(path).walk(value, 0)
    return dict(value)


def check_merged(value: dict[str, Any], path: Path, *, characters: int | None = None) -> dict[str, Any]:
    """An object merged from checked ones: only its size is looked at.

    A float such as 1e17 may come back from PostgreSQL as a whole number, which is as good as it was. There is no look
    when the JSON of the parts has so few `characters` together that all must be within bounds: what is merged is no
    deeper than its parts, a value has a character and a comma at least, and a text no more than its JSON.
    """
    if characters is not None and characters <= MAX_JSON_VALUES:
        return value
    _JsonCheck(path, numbers=False).walk(value, 0)
    return value


def check_range(value: int, path: Path, *, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    if not least <= value <= most:
        raise InvalidInput(f"a number from {least} to {most} is expected", path)
    return value


class _JsonCheck:
    """One walk over a JSON value that counts what it meets."""

    def __init__(self, path: Path, *, numbers: bool = True) -> None:
        self.path = path
        self.numbers = numbers
        self.values = 0
        self.text = 0

    def walk(self, value: Any, depth: int) -> None:
        self.values += 1
        if depth > MAX_JSON_DEPTH or self.values > MAX_JSON_VALUES:
            raise InvalidInput("the JSON value has too many values or levels", self.path)
        kind = type(value)
        if kind is str:
            self._add_text(value)
        elif kind is int or kind is float:
            if self.numbers:
                self._check_number(value)
        elif value is None or kind is bool:
            return
        elif kind is dict or isinstance(value, Mapping):
            for key, item in value.items():
                self._add_text(key)
                self.walk(item, depth + 1)
        elif kind is list or isinstance(value, list | tuple):
            for item in value:
                self.walk(item, depth + 1)
        else:
            raise InvalidInput("the value is not JSON", self.path)

    def _check_number(self, value: float) -> None:
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise InvalidInput("a whole number beyond 2^53 cannot be held exactly", self.path)
        if not math.isfinite(value):
            raise InvalidInput("a number must be finite", self.path)

    def _add_text(self, value: str) -> None:
        self.text += len(value)
        check_text(value, self.path, limit=MAX_JSON_TEXT)
        if self.text > MAX_JSON_TEXT:
            raise InvalidInput("the JSON value has too much text", self.path)
