"""What may be said of an artifact or an attachment; each rule raises InvalidInput with the path of the field."""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from models.enums import ArtifactFormat
from services.errors import InvalidInput, LimitReached
from services.patches import DESCRIPTION, Fields, Patched
from services.validation import NAME_LENGTH, Path, check_name, check_object, check_text

MAX_TYPES: Final = 100
MEBIBYTE: Final = 1_048_576
MOST_BYTES: Final[Mapping[ArtifactFormat, int]] = {ArtifactFormat.ESP_IMAGE: 200 * MEBIBYTE}
"""How large files of some formats may be, whatever the gateway takes (rainmaker.ota.image-size-limits)."""
MD5_BYTES: Final = 16
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def check_file_name(value: str, *, limit: int = NAME_LENGTH) -> str:
    """The name that the file is given on download: no path, no characters that hide or turn around what follows."""
    name = check_name(value, ("fileName",), limit=limit)
    if "/" in name or "\\" in name or name in {".", ".."} or _CONTROL.search(name):
        raise InvalidInput("a file name has no slashes and no control characters", ("fileName",))
    return name


def content_disposition(file_name: str) -> str:
    """An attachment of this name (RFC 6266): in ASCII for old clients, and in UTF-8, percent-encoded, for the rest."""
    plain = unicodedata.normalize("NFKD", file_name).encode("ascii", "ignore").decode()
    safe = "".join(character if character.isalnum() or character in " ._-+()" else "_" for character in plain).strip()
    return f"attachment; filename=\"{safe or 'file'}\"; filename*=UTF-8''{quote(file_name, safe='')}"


def check_sha256(value: str) -> str:
    """64 hex digits, in the lower case that they are compared in."""
    digest = value.lower()
    if not _SHA256.fullmatch(digest):
        raise InvalidInput("a SHA-256 has 64 hex digits", ("sha256",))
    return digest


def check_md5(value: str, path: Path = ("md5",)) -> str:
    """An MD5 as 32 hex digits, or in base64 as `Content-MD5` has it; gives the hex digits."""
    if _MD5.fullmatch(value.lower()):
        return value.lower()
    try:
        digest = b64decode(value, validate=True)
    except (NotBase64, ValueError):
        digest = b""
    if len(digest) != MD5_BYTES:
        raise InvalidInput("an MD5 has 32 hex digits, or 24 characters in base64", path)
    return digest.hex()


def most_bytes(kind: ArtifactFormat, most: int) -> int:
    """How large a file of this format may be where the gateway takes `most` bytes."""
    return min(most, MOST_BYTES.get(kind, most))


def check_size(value: int, most: int) -> int:
    """1 to `most` bytes; raises LimitReached above."""
    if value < 1:
        raise InvalidInput("a file has at least one byte", ("size",))
    if value > most:
        raise LimitReached(f"a file may have {most:,} bytes at most", ("size",))
    return value


def check_types(values: Any, path: Path) -> list[str]:
    """At most 100 device types, each once, in the order given; none means that the artifact fits all."""
    if len(values) > MAX_TYPES:
        raise InvalidInput(f"at most {MAX_TYPES} device types are allowed", path)
    return list(dict.fromkeys(check_name(value, (*path, index)) for index, value in enumerate(values)))


def check_provides(value: Any, path: Path) -> dict[str, Any]:
    """An object of texts (mender.ota.list-artifacts)."""
    provides = check_object(value, path)
    for key, item in provides.items():
        _check_pair(key, item, (*path, key))
    return provides


def check_depends(value: Any, path: Path) -> dict[str, Any]:
    """An object of lists of texts; a single text stands for a list of one (mender.ota.list-artifacts)."""
    depends = check_object(value, path)
    lists: dict[str, list[str]] = {}
    for key, item in depends.items():
        if not isinstance(item, str | list):
            raise InvalidInput("a text or a list of texts is expected", (*path, key))
        lists[key] = [item] if isinstance(item, str) else item
        for one in lists[key]:
            _check_pair(key, one, (*path, key))
    return lists


def _check_pair(key: str, value: Any, path: Path) -> None:
    check_text(key, path, limit=NAME_LENGTH)
    if not isinstance(value, str):
        raise InvalidInput("a text is expected", path)
    check_text(value, path)


EDITABLE: Final[Fields] = {
    "description": DESCRIPTION,
    "compatible_types": Patched("compatible_types", check_types, empty=[]),
    "provides": Patched("provides", check_provides, empty={}),
    "depends": Patched("depends", check_depends, empty={}),
}
"""What of an artifact may change as long as nothing has used it."""
