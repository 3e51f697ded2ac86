"""Reader of `.mender` files, versions 1 to 3: every checksum is computed, and every file is accounted for."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from models.enums import ArtifactFormat
from services.errors import InvalidInput
from services.formats.compression import Allowance, unpack
from services.formats.content import Content
from services.formats.documents import parse_object
from services.formats.mender_header import LATEST, Header, Payload, augment, read_header
from services.formats.streams import Measured, Source, drain, read_whole
from services.formats.tar import Entry, read_entries
from services.validation import check_text

VERSIONS: Final = (1, 2, 3)
MAX_MANIFEST: Final = 1_048_576
MAX_FILES: Final = 1_000
_LINE: Final = re.compile(r"([0-9a-f]{64})  ([^\x00-\x1f\x7f]{1,1024})")
_HEADER: Final = re.compile(r"header\.tar(?:\.(\w+))?")
_AUGMENT: Final = re.compile(r"header-augment\.tar(?:\.(\w+))?")
_DATA: Final = re.compile(r"data/(\d{4})\.tar(?:\.(\w+))?")
_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/=\s]+")


def read_mender(source: Source) -> Content:
    """Read a whole file; raises InvalidInput when it is broken, lies, or is of a version that is not known here."""
    return _Reading(source).content()


class _Reading:
    """One pass over a file: what the manifest expects is crossed off as it is met."""

    def __init__(self, source: Source) -> None:
        self._entries: Iterator[Entry] = read_entries(source, "the file")
        self._entry: Entry | None = next(self._entries, None)
        self._allowance = Allowance()
        self._expected: dict[str, str] = {}
        self._files: list[list[dict[str, Any]]] = []
        self._signed = False

    def content(self) -> Content:
        """All of it."""
        version = self._read_version()
        header = self._read_header(version)
        self._files = [[] for _ in header.payloads]
        self._read_data(header, version)
        if self._expected:
            raise InvalidInput(f"the file lacks {next(iter(self._expected))}, which its manifest lists")
        for payload, files in zip(header.payloads, self._files, strict=True):
            _check_listed(payload, files)
        return Content(
            format=ArtifactFormat.MENDER,
            name=header.name,
            version=_software_version(header.provides),
            compatible_types=header.compatible_types,
            provides=header.provides,
            depends=header.depends,
            signed=self._signed or any(payload.signed for payload in header.payloads),
            info={"format": "mender", "version": version, "scripts": header.scripts},
            updates=[
                _update(payload, files) for payload, files in zip(header.payloads, self._files, strict=True)
            ],
        )  # fmt: skip

    def _take(self, name: str) -> Measured | None:
        """The content of the present entry, if that is its name."""
        return Measured(self._entry.content) if self._entry is not None and self._entry.name == name else None

    def _advance(self) -> None:
        self._entry = next(self._entries, None)

    def _cross_off(self, name: str, measured: Measured) -> None:
        """Hold what was read against the manifest; raises InvalidInput when it is not what it lists, or not listed."""
        drain(measured)
        if self._expected.pop(name, None) != measured.sha256:
            raise InvalidInput(f"{name} is not in the manifest, or has another SHA-256 there")

    def _read_version(self) -> int:
        """Read `version`, and the manifests that follow it from version 2 on."""
        content = self._take("version")
        if content is None:
            raise InvalidInput("this is no .mender file: it does not begin with a file named version")
        said = parse_object(read_whole(content, MAX_MANIFEST, "version"), "version")
        version = said.get("version")
        if said.get("format") != "mender" or type(version) is not int or version not in VERSIONS:
            raise InvalidInput("the version of the format is not known here; 1, 2 and 3 are")
        self._advance()
        if version == 1:
            return version
        self._read_manifest("manifest")
        self._cross_off("version", content)
        signature = self._take("manifest.sig")
        if signature is not None:
            _check_signature(read_whole(signature, MAX_MANIFEST, "manifest.sig"))
            self._signed = True
            self._advance()
        if version == LATEST and self._take("manifest-augment") is not None:
            self._read_manifest("manifest-augment")
        return version

    def _read_manifest(self, name: str) -> None:
        content = self._take(name)
        if content is None:
            raise InvalidInput(f"the file has no {name} where it should be")
        try:
            lines = read_whole(content, MAX_MANIFEST, name).decode().removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the {name} is not text") from error
        for line in lines:
            found = _LINE.fullmatch(line)
            if found is None or found[2] in self._expected:
                raise InvalidInput(f"the {name} has a line that is no checksum, or one file twice")
            self._expected[found[2]] = found[1]
        self._advance()

    def _read_header(self, version: int) -> Header:
        entry, found = self._packed(_HEADER)
        if entry is None or found is None:
            raise InvalidInput("the file has no header where it should be")
        content = Measured(entry.content)
        header = read_header(unpack(content, found[1] or "", self._allowance, "the header"), version)
        if version > 1:
            self._cross_off(entry.name, content)
        self._advance()
        entry, found = self._packed(_AUGMENT)
        if version == LATEST and entry is not None and found is not None:
            content = Measured(entry.content)
            augment(header, unpack(content, found[1] or "", self._allowance, "the augmenting header"))
            self._cross_off(entry.name, content)
            self._advance()
        return header

    def _packed(self, pattern: re.Pattern[str]) -> tuple[Entry | None, re.Match[str] | None]:
        return self._entry, None if self._entry is None else pattern.fullmatch(self._entry.name)

    def _read_data(self, header: Header, version: int) -> None:
        before = -1
        while self._entry is not None:
            entry, found = self._packed(_DATA)
            if entry is None or found is None or not before < int(found[1]) < len(header.payloads):
                raise InvalidInput(f"the file {self._entry.name} does not belong where it is")
            before = int(found[1])
            content = unpack(entry.content, found[2] or "", self._allowance, entry.name)
            for file in read_entries(content, entry.name):
                self._read_file(file, before, header.payloads[before], version)
            self._advance()

    def _read_file(self, file: Entry, number: int, payload: Payload, version: int) -> None:
        if sum(map(len, self._files)) >= MAX_FILES:
            raise InvalidInput(f"a file has at most {MAX_FILES:,} files in its payloads")
        content = Measured(file.content)
        drain(content)
        if version > 1:
            self._cross_off(f"data/{number:04}/{file.name}", content)
        elif payload.sums.pop(file.name, content.sha256) != content.sha256:
            raise InvalidInput(f"{file.name} has another SHA-256 than the header lists")
        self._files[number].append(
            {
                "name": check_text(file.name, ()),
                "checksum": content.sha256,
                "size": content.size,
                "date": datetime.fromtimestamp(file.modified, UTC).isoformat(),
            }
        )


def _check_listed(payload: Payload, files: list[dict[str, Any]]) -> None:
    """A header that lists the files of a payload lists all of them, and sums only of them."""
    if payload.files is not None and sorted(payload.files) != sorted(file["name"] for file in files):
        raise InvalidInput("a payload has other files than its header lists")
    if payload.sums:
        raise InvalidInput(f"the file lacks {next(iter(payload.sums))}, which its header lists")


def _update(payload: Payload, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "typeInfo": {**payload.type_info, "type": payload.kind},
        "files": files,
        "metaData": payload.metadata,
    }


def _software_version(provides: dict[str, str]) -> str | None:
    """The version of the software: of the whole system, or of the only part that has one."""
    versions = [value for key, value in provides.items() if key.endswith(".version")]
    return provides.get("rootfs-image.version") or (versions[0] if len(versions) == 1 else None)


def _check_signature(signature: bytes) -> None:
    with suppress(binascii.Error):
        if _ALPHABET.fullmatch(signature) and base64.b64decode(signature):
            return
    raise InvalidInput("the signature of the manifest is not base64")
