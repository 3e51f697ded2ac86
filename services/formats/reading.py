"""The one way to read what an update file says of itself."""

from __future__ import annotations

from pathlib import Path

from models.enums import ArtifactFormat
from services.formats.content import Content
from services.formats.esp_image import read_firmware
from services.formats.mender import read_mender
from services.formats.package import read_package

__all__ = ["Content", "read_content"]


def read_content(path: Path, kind: ArtifactFormat, file_name: str, /) -> Content:
    """Read a file to its end and check everything in it that can be checked; blocks, so it is run in a thread.

    `file_name` is the name that its sender gave it. Nothing is written and memory is bounded, whatever the file holds.
    Raises InvalidInput for a file that is broken, lies or is not of this format.
    """
    if kind is ArtifactFormat.RAW:
        return Content(format=kind)
    if kind is ArtifactFormat.PACKAGE:
        return read_package(path, file_name)
    with path.open("rb") as file:
        if kind is ArtifactFormat.MENDER:
            return read_mender(file)
        return read_firmware(file)
