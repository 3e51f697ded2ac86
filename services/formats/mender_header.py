"""The header of a `.mender` file: name, device types, provides and depends, and what each payload is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from services.errors import InvalidInput
from services.formats.documents import MAX_DOCUMENT, mapping, parse_object, texts
from services.formats.streams import Source, drain, read_whole
from services.formats.tar import Entry, read_entries
from services.validation import NAME_LENGTH, check_name, check_text

LATEST: Final = 3
MAX_PAYLOADS: Final = 100
MAX_HEADER: Final = 64 * 1024**2
_BUCKET: Final = re.compile(r"headers/(\d{4})/(type-info|meta-data|files|(?:checksums|signatures|scripts)/.+)")
_SUM: Final = re.compile(r"([0-9a-fA-F]{64})(?:\s.*)?", re.DOTALL)


@dataclass(slots=True)
class Payload:
    """What is said of one payload; `files` and `sums` (SHA-256 in hex by name) only where the header lists them."""

    kind: str | None
    type_info: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    files: list[str] | None = None
    sums: dict[str, str] = field(default_factory=dict)
    signed: bool = False
    described: bool = False


@dataclass(slots=True)
class Header:
    """What the header says: `provides` maps names to texts, `depends` names to lists of texts, not `device_type`."""

    name: str
    compatible_types: list[str]
    payloads: list[Payload]
    provides: dict[str, str]
    depends: dict[str, list[str]]
    scripts: list[str] = field(default_factory=list)


def read_header(source: Source, version: int) -> Header:
    """Read the archive `header.tar` of a file of this version of the format, to its end.

    Raises InvalidInput for whatever the format does not allow.
    """
    entries = read_entries(_Bounded(source), "the header")
    first = next(entries, None)
    if first is None or first.name != "header-info":
        raise InvalidInput("the header does not begin with header-info")
    header = _parse_info(parse_object(read_whole(first.content, MAX_DOCUMENT, "header-info"), "header-info"), version)
    for entry in entries:
        _take(header, entry, version)
    for number, payload in enumerate(header.payloads):
        if not payload.described:
            raise InvalidInput(f"the header has no type-info of payload {number:04}")
        _merge(header, payload.type_info)
    return header


def augment(header: Header, source: Source) -> None:
    """Read the archive `header-augment.tar`: what the signed header leaves open, the types and depends of payloads.

    Raises InvalidInput when it says anything else.
    """
    for entry in read_entries(_Bounded(source), "the augmenting header"):
        found = _BUCKET.fullmatch(entry.name)
        if entry.name == "header-info":
            info = parse_object(read_whole(entry.content, MAX_DOCUMENT, entry.name), "the augmenting header-info")
            kinds = [mapping(each, "a payload").get("type") for each in _items(info.get("payloads"))]
            if info.keys() != {"payloads"} or len(kinds) != len(header.payloads):
                raise InvalidInput("the augmenting header-info says more than it may")
            for payload, kind in zip(header.payloads, kinds, strict=True):
                payload.kind = _checked_kind(kind) or payload.kind
        elif found is not None and found[2] == "type-info":
            info = parse_object(read_whole(entry.content, MAX_DOCUMENT, entry.name), entry.name)
            if not info.keys() <= {"type", "artifact_depends", "artifact_provides"}:
                raise InvalidInput("the augmenting type-info says more than it may")
            _payload(header, found[1])
            _merge(header, info)
        else:
            raise InvalidInput(f"the augmenting header has the file {entry.name}, which it may not")


class _Bounded:
    """A source that may not be longer than a header is."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = MAX_HEADER

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise InvalidInput(f"the header is longer than {MAX_HEADER:,} bytes")
        return data


def _parse_info(info: dict[str, Any], version: int) -> Header:
    provides = mapping(info.get("artifact_provides"), "artifact_provides") if version == LATEST else {}
    depends = mapping(info.get("artifact_depends"), "artifact_depends") if version == LATEST else {}
    name = provides.get("artifact_name") if version == LATEST else info.get("artifact_name")
    types = depends.get("device_type") if version == LATEST else info.get("device_types_compatible")
    listed = _items(info.get("payloads") if version == LATEST else info.get("updates"))
    if not 1 <= len(listed) <= MAX_PAYLOADS:
        raise InvalidInput(f"a file has 1 to {MAX_PAYLOADS} payloads")
    if not isinstance(name, str):
        raise InvalidInput("header-info has no artifact name")
    payloads = [Payload(_checked_kind(mapping(each, "a payload").get("type"))) for each in listed]
    compatible = [check_name(each, ()) for each in texts(types, "the list of device types")]
    if not 1 <= len(compatible) <= MAX_PAYLOADS:
        raise InvalidInput(f"header-info names 1 to {MAX_PAYLOADS} device types")
    compatible = list(dict.fromkeys(compatible))
    header = Header(check_name(name, ()), compatible, payloads, {"artifact_name": name}, {})
    others = {key: value for key, value in depends.items() if key != "device_type"}
    _merge(header, {"artifact_provides": provides, "artifact_depends": others})
    return header


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInput("header-info has no list of payloads")
    return value


def _checked_kind(kind: Any) -> str | None:
    """The type of a payload; a file that only says what is installed already has none."""
    if kind is None or kind == "":
        return None
    if not isinstance(kind, str):
        raise InvalidInput("the type of a payload is not a text")
    return check_name(kind, ())


def _merge(header: Header, said: dict[str, Any]) -> None:
    """Add provides and depends; what was said before may not be said otherwise."""
    for key, value in mapping(said.get("artifact_provides"), "artifact_provides").items():
        if not isinstance(value, str):
            raise InvalidInput("artifact_provides has a value that is not a text")
        if header.provides.setdefault(check_text(key, (), limit=NAME_LENGTH), check_text(value, ())) != value:
            raise InvalidInput(f"the header provides {key} twice")
    for key, value in mapping(said.get("artifact_depends"), "artifact_depends").items():
        values = [check_text(each, ()) for each in texts(value, f"what {key} may be")]
        if header.depends.setdefault(check_text(key, (), limit=NAME_LENGTH), values) != values:
            raise InvalidInput(f"the header depends on {key} twice")


def _payload(header: Header, digits: str) -> Payload:
    number = int(digits)
    if number >= len(header.payloads):
        raise InvalidInput(f"the header describes payload {digits}, which there is not")
    return header.payloads[number]


def _take(header: Header, entry: Entry, version: int) -> None:
    """Read one file of the header behind header-info."""
    if entry.name.startswith("scripts/") and version > 1 and entry.name.count("/") == 1:
        header.scripts.append(entry.name.removeprefix("scripts/"))
        drain(entry.content)
        return
    found = _BUCKET.fullmatch(entry.name)
    if found is None:
        raise InvalidInput(f"the header has the file {entry.name}, which the format does not know")
    payload = _payload(header, found[1])
    data = read_whole(entry.content, MAX_DOCUMENT, entry.name)
    folder, _, name = found[2].partition("/")
    if name:
        _take_of_first_version(payload, folder, name, data, version)
    elif folder == "type-info":
        payload.type_info = parse_object(data, entry.name)
        payload.described = True
        # The common tool writes an empty type here for images of whole systems.
        if _checked_kind(payload.type_info.get("type")) not in (None, payload.kind):
            raise InvalidInput(f"{entry.name} has another type than header-info")
    elif folder == "files":
        payload.files = texts(parse_object(data, entry.name).get("files"), entry.name)
    elif data.strip():
        payload.metadata = parse_object(data, entry.name)


def _take_of_first_version(payload: Payload, folder: str, name: str, data: bytes, version: int) -> None:
    """Read a checksum, a signature or a script of a payload, which stand in the header in version 1 only."""
    if version != 1:
        raise InvalidInput(f"the header has {folder}, which this version of the format does not")
    if folder == "signatures":
        payload.signed = True
    elif folder == "checksums":
        found = _SUM.fullmatch(data.decode("latin-1").strip())
        if found is None or not name.endswith(".sha256sum"):
            raise InvalidInput(f"the checksum {name} is not a SHA-256")
        payload.sums[name.removesuffix(".sha256sum")] = found[1].lower()
