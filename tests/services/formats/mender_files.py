"""`.mender` files, built from the description of the format, with every part open to be made wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PAYLOAD = b"the image of the whole system" * 100


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tar(files: Mapping[str, bytes] | list[tuple[str, bytes]], kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """An archive of these files, in their order; of `kind` if they are to be something else."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.type, entry.linkname, entry.mtime = len(content), kind, target, 1_700_000_000
            archive.addfile(entry, io.BytesIO(content))
        end = archive.offset
    # As the common tool does it: two empty blocks, and no padding to a record.
    return stream.getvalue()[:end] + bytes(1024)


def json_of(value: Any) -> bytes:
    return json.dumps(value).encode()


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}


@dataclass
class Mender:
    """A file to be built; change what is to be wrong before `build`."""

    version: int = 3
    suffix: str = ".gz"
    info: dict[str, Any] = field(
        default_factory=lambda: {
            "payloads": [{"type": "rootfs-image"}],
            "artifact_provides": {"artifact_name": "rel-2", "artifact_group": "fix"},
            "artifact_depends": {"artifact_name": ["rel-1"], "device_type": ["pump", "valve"]},
        }
    )
    type_info: dict[str, Any] = field(
        default_factory=lambda: {
            "type": "rootfs-image",
            "artifact_provides": {"rootfs-image.version": "2.0"},
            "artifact_depends": {"rootfs-image.checksum": "a" * 64},
        }
    )
    header: dict[str, bytes] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=lambda: {"update.ext4": PAYLOAD})
    sums: dict[str, str] = field(default_factory=dict)
    outer: dict[str, bytes] = field(default_factory=dict)
    signature: bytes | None = None

    def __post_init__(self) -> None:
        if self.version < 3:
            self.info = {
                "updates": [{"type": "rootfs-image"}],
                "device_types_compatible": ["pump", "valve"],
                "artifact_name": "rel-2",
            }
            self.type_info = {"type": "rootfs-image"}

    def parts(self) -> dict[str, bytes]:
        """The files of the outer archive, in order."""
        pack = PACKERS[self.suffix]
        header = pack(tar(self.header_files()))
        version = json_of({"format": "mender", "version": self.version})
        parts = {"version": version}
        if self.version > 1:
            sums = {f"data/0000/{name}": sha256(content) for name, content in self.data.items()}
            sums |= {f"header.tar{self.suffix}": sha256(header), "version": sha256(version)} | self.sums
            parts["manifest"] = "".join(f"{value}  {name}\n" for name, value in sums.items() if value).encode()
        if self.signature is not None:
            parts["manifest.sig"] = self.signature
        parts[f"header.tar{self.suffix}"] = header
        parts[f"data/0000.tar{self.suffix}"] = pack(tar(self.data))
        return parts | self.outer

    def header_files(self) -> dict[str, bytes]:
        files = {"header-info": json_of(self.info)}
        if self.version < 3:
            files["headers/0000/files"] = json_of({"files": list(self.data)})
        files |= {"headers/0000/type-info": json_of(self.type_info), "headers/0000/meta-data": b""}
        if self.version == 1:
            files |= {
                f"headers/0000/checksums/{name}.sha256sum": sha256(content).encode()
                for name, content in self.data.items()
            }
        return files | self.header

    def build(self) -> bytes:
        return tar(self.parts())
