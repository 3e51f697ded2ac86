"""The files of the demo fleet's artifacts: small, made from a seed, and real enough to be downloaded and checked."""

from __future__ import annotations

import zipfile
from io import BytesIO
from random import Random
from typing import Final

from demo.kinds import Kind
from models.enums import ArtifactFormat

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)


def file_name(kind: Kind, device_type: str, version: str) -> str:
    """What the file is called when it is downloaded."""
    ending = "zip" if kind.artifact_format is ArtifactFormat.PACKAGE else "bin"
    return f"{device_type}-{version}.{ending}"


def firmware(kind: Kind, device_type: str, version: str, seed: int) -> bytes:
    """The content of the file: 4 to 12 KiB, the same for the same seed."""
    rng = Random(f"{seed}:{device_type}:{version}")
    header = f"{device_type} {version}\n".encode().ljust(64, b"\0")
    image = header + rng.randbytes(rng.randint(4096, 12288) - len(header))
    if kind.artifact_format is not ArtifactFormat.PACKAGE:
        return image
    package = BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("firmware.bin", date_time=_EARLIEST), image)
    return package.getvalue()
