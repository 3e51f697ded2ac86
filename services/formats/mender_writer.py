"""Writers of `.mender` files: one with a single file in it, and a signed form of one that is there."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from services.errors import InvalidInput
from services.formats.documents import parse_object
from services.formats.mender import MAX_MANIFEST
from services.formats.secure_boot import PrivateKey
from services.formats.streams import PIECE_BYTES, Source, read_whole
from services.formats.tar import BLOCK, read_entries

MODULE: Final = "single-file"
SETTINGS: Final = ("dest_dir", "filename", "permissions")
"""Names of the small files that tell the update module where its file goes."""
_VERSION: Final = {"format": "mender", "version": 3}
_EC_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleFile:
    """What is said of a file: where it goes on a device (`destination`), its name there, its mode in octal digits.

    `modified` in seconds since 1970 stands in the archives.
    """

    artifact_name: str
    compatible_types: Sequence[str]
    destination: str
    file_name: str
    permissions: str
    modified: int


def write_single_file(target: Path, source: Path, said: SingleFile) -> None:
    """Write a file of version 3, unsigned, whose payload the update module `single-file` installs.

    Next to `target` a packed copy of the payload is made and removed. Blocks.
    """
    packed = target.with_name(f"{target.name}.payload")
    try:
        sums = _write_payload(packed, source, said)
        header = _header(said)
        version = _json(_VERSION)
        sums |= {"header.tar.gz": _sha256(header), "version": _sha256(version)}
        manifest = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
        with target.open("wb") as file, packed.open("rb") as payload:
            for name, content in (("version", version), ("manifest", manifest), ("header.tar.gz", header)):
                _write_entry(file, name, len(content), said.modified, [content])
            size = packed.stat().st_size
            _write_entry(file, "data/0000.tar.gz", size, said.modified, _pieces(payload))
            _write_end(file)
    finally:
        packed.unlink(missing_ok=True)


def write_signed(target: Path, source: Path, key: PrivateKey) -> None:
    """Write the signed form of a file of version 2 or 3; a signature that it has already is replaced. Blocks.

    Raises InvalidInput for version 1, which has no place for a signature.
    """
    with source.open("rb") as reading, target.open("wb") as file:
        for entry in read_entries(reading, "the file"):
            if entry.name == "manifest.sig":
                continue
            if entry.name not in ("version", "manifest"):
                _write_entry(file, entry.name, entry.size, entry.modified, _pieces(entry.content))
                continue
            content = read_whole(entry.content, MAX_MANIFEST, entry.name)
            if entry.name == "version" and parse_object(content, "version").get("version") == 1:
                raise InvalidInput("a .mender file of version 1 cannot be signed")
            _write_entry(file, entry.name, entry.size, entry.modified, [content])
            if entry.name == "manifest":
                signature = _sign(content, key)
                _write_entry(file, "manifest.sig", len(signature), entry.modified, [signature])
        _write_end(file)


def _sign(manifest: bytes, key: PrivateKey) -> bytes:
    """The signature of a manifest in base64: PKCS #1 for RSA, and both numbers side by side for ECDSA."""
    if isinstance(key, rsa.RSAPrivateKey):
        return base64.b64encode(key.sign(manifest, padding.PKCS1v15(), SHA256()))
    numbers = decode_dss_signature(key.sign(manifest, ec.ECDSA(SHA256())))
    return base64.b64encode(b"".join(number.to_bytes(_EC_BYTES, "big") for number in numbers))


def _write_payload(packed: Path, source: Path, said: SingleFile) -> dict[str, str]:
    """Write the archive of the payload; gives the SHA-256 in hex of the files in it, by their names in the manifest."""
    settings = zip(SETTINGS, (said.destination, said.file_name, said.permissions), strict=True)
    sums = {}
    with packed.open("wb") as out, gzip.GzipFile("", "wb", fileobj=out, mtime=0) as file:
        for name, value in settings:
            content = f"{value}\n".encode()
            _write_entry(file, name, len(content), said.modified, [content])
            sums[f"data/0000/{name}"] = _sha256(content)
        with source.open("rb") as reading:
            _write_entry(file, said.file_name, source.stat().st_size, said.modified, _pieces(reading))
            reading.seek(0)
            sums[f"data/0000/{said.file_name}"] = hashlib.file_digest(reading, "sha256").hexdigest()
        _write_end(file)
    return sums


def _header(said: SingleFile) -> bytes:
    """The packed header: what it provides is named as the common tools name it."""
    kind = f"rootfs-image.{MODULE}"
    info = {
        "payloads": [{"type": MODULE}],
        "artifact_provides": {"artifact_name": said.artifact_name},
        "artifact_depends": {"device_type": list(said.compatible_types)},
    }
    type_info = {
        "type": MODULE,
        "artifact_provides": {f"{kind}.version": said.artifact_name},
        "clears_artifact_provides": [f"{kind}.*"],
    }
    archive = _Collected()
    for name, content in (("header-info", _json(info)), ("headers/0000/type-info", _json(type_info))):
        _write_entry(archive, name, len(content), said.modified, [content])
    _write_end(archive)
    return gzip.compress(bytes(archive.data), mtime=0)


class _Collected:
    """Writes into memory."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes, /) -> int:
        self.data += data
        return len(data)


_Target = BinaryIO | gzip.GzipFile | _Collected


def _write_entry(target: _Target, name: str, size: int, modified: int, content: Iterable[bytes]) -> None:
    described = tarfile.TarInfo(name)
    described.size, described.mtime, described.mode = size, modified, 0o600
    target.write(described.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))
    for piece in content:
        target.write(piece)
    target.write(bytes(-size % BLOCK))


def _write_end(target: _Target) -> None:
    target.write(bytes(2 * BLOCK))


def _pieces(source: Source) -> Iterable[bytes]:
    while data := source.read(PIECE_BYTES):
        yield data


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
