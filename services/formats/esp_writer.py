"""Writers of signed forms: of an ESP image, and of a package with the images in it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from services.errors import WrongState
from services.formats import secure_boot
from services.formats.esp_image import read_image
from services.formats.package import BOOTLOADER, open_package, read_package
from services.formats.secure_boot import SECTOR, PrivateKey
from services.formats.streams import PIECE_BYTES, Part, Source

_FIRST_VERSION: Final = 1
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)


def write_signed_image(target: Path, source: Path, keys: Sequence[PrivateKey]) -> None:
    """Write the signed form of an image: its bytes, padding to a whole sector, and a sector of signatures. Blocks.

    A sector that it has already is replaced. Raises what `read_image` raises, and WrongState for an image that was
    signed for the first version of secure boot.
    """
    with source.open("rb") as reading:
        image = read_image(reading)
    if image.secure_boot == _FIRST_VERSION:
        raise WrongState("the image is signed for the first version of secure boot")
    with source.open("rb") as reading, target.open("wb") as file:
        _copy(Part(reading, image.length, "the image"), file)
        file.write(b"\xff" * (-image.length % SECTOR))
    with target.open("rb+") as file:
        padded = read_image(file)
        file.write(secure_boot.sign_sector(keys, padded.digest))


def write_signed_package(
    target: Path, source: Path, file_name: str, keys: Sequence[PrivateKey], *, bootloader: bool
) -> None:
    """Write a package with its firmware signed, and with `bootloader` its boot loader, too. Blocks.

    `file_name` is the name of the package. Images are unpacked next to `target`, and removed. Raises what
    reading raises.
    """
    firmware = f"{read_package(source, file_name).name}.bin"
    plain = target.with_name(f"{target.name}.plain")
    signed = target.with_name(f"{target.name}.signed")
    try:
        with open_package(source) as package, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
            for entry in package.entries:
                with package.open(entry) as content, plain.open("wb") as file:
                    _copy(content, file)
                taken = plain
                if entry.filename == firmware or (bootloader and entry.filename == BOOTLOADER):
                    write_signed_image(signed, plain, keys)
                    taken = signed
                described = zipfile.ZipInfo(entry.filename, _MOMENT)
                described.compress_type = zipfile.ZIP_DEFLATED
                described.external_attr = 0o644 << 16
                with taken.open("rb") as reading, made.open(described, "w") as out:
                    _copy(reading, out)
    finally:
        plain.unlink(missing_ok=True)
        signed.unlink(missing_ok=True)


def _copy(source: Source, target: IO[bytes]) -> None:
    while data := source.read(PIECE_BYTES):
        target.write(data)
