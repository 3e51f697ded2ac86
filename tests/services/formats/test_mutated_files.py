"""Bytes of good files flipped, cut and spliced: what is read is the same as before, or the file is refused."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.enums import ArtifactFormat
from services.errors import FleetError
from services.formats.reading import Content, read_content
from services.formats.secure_boot import SECTOR, sign_sector
from tests.services.formats.esp_files import bootloader, image, package
from tests.services.formats.mender_files import Mender

MOST_MEMORY = 8 * 2**20


def signed_image() -> bytes:
    padded = image().ljust(SECTOR, b"\xff")
    return padded + sign_sector([ec.generate_private_key(ec.SECP256R1())], hashlib.sha256(padded).digest())


GOOD: Mapping[str, tuple[ArtifactFormat, bytes]] = {
    "mender 1": (ArtifactFormat.MENDER, Mender(version=1).build()),
    "mender 2": (ArtifactFormat.MENDER, Mender(version=2, signature=b"YWJj").build()),
    "mender 3": (ArtifactFormat.MENDER, Mender().build()),
    "mender 3, xz": (ArtifactFormat.MENDER, Mender(suffix=".xz").build()),
    "mender 3, not packed": (ArtifactFormat.MENDER, Mender(suffix="").build()),
    "image": (ArtifactFormat.ESP_IMAGE, image()),
    "signed image": (ArtifactFormat.ESP_IMAGE, signed_image()),
    "package": (ArtifactFormat.PACKAGE, package({"lamp.bin": image(), "bootloader.bin": bootloader(), "a": b"b"})),
}


@st.composite
def changes(draw: st.DrawFn, data: bytes) -> bytes:
    """One to three changes of the bytes."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["flip", "cut", "drop", "splice", "repeat"]))
        length = draw(st.integers(1, 600))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + length :]
        elif kind == "splice":
            data = data[:at] + draw(st.binary(max_size=64)) + data[at + draw(st.integers(0, 64)) :]
        elif kind == "repeat":
            data = data[:at] + data[at : at + length] + data[at:]
    return data


def meaning(content: Content) -> tuple[object, ...]:
    """What a file says, but for what its checksums do not cover: times, and whether it is signed."""
    files = [[(file["name"], file["checksum"], file["size"]) for file in update["files"]] for update in content.updates]
    return content.name, content.version, content.compatible_types, content.provides, content.depends, files


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_file_says_the_same_or_is_refused(tmp_path: Path, name: str, data: st.DataObject) -> None:
    kind, good = GOOD[name]
    path = tmp_path / "file"
    path.write_bytes(data.draw(changes(good)))
    try:
        content = read_content(path, kind, "lamp_1.5.0.zip")
    except FleetError:
        return
    path.write_bytes(good)
    expected = read_content(path, kind, "lamp_1.5.0.zip")
    if name in ("mender 1", "mender 3, not packed", "package"):
        # Their headers or names are covered by no checksum that a change of both could not meet.
        return
    assert meaning(content) == meaning(expected)


@pytest.mark.parametrize("name", GOOD)
def test_every_cut_is_refused(tmp_path: Path, name: str) -> None:
    kind, good = GOOD[name]
    path = tmp_path / "file"
    # A signed image without its signature is a whole image that is not signed, with padding.
    least = len(image()) if name == "signed image" else len(good)
    for length in [*range(0, least, 97), least - 1]:
        path.write_bytes(good[:length])
        with pytest.raises(FleetError):
            read_content(path, kind, "lamp_1.5.0.zip")


@pytest.mark.parametrize("kind", [ArtifactFormat.MENDER, ArtifactFormat.PACKAGE])
def test_memory_is_bounded_whatever_the_size(tmp_path: Path, kind: ArtifactFormat) -> None:
    noise = hashlib.shake_128(b"noise").digest(2**25)
    path = tmp_path / "file"
    if kind is ArtifactFormat.MENDER:
        path.write_bytes(Mender(data={"large": noise}).build())
    else:
        path.write_bytes(package({"lamp.bin": image(), "large": noise}))
    tracemalloc.start()
    try:
        read_content(path, kind, "lamp_1.5.0.zip")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < MOST_MEMORY
