"""Packages: zip files with one firmware image, perhaps a boot loader, and other files of any kind."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.enums import ArtifactFormat
from services.errors import InvalidInput
from services.formats.compression import Allowance
from services.formats.content import Content
from services.formats.esp_image import APPLICATION_AT, MAGIC, Image, describe, read_image
from services.formats.streams import Measured, Source, drain

BOOTLOADER: Final = "bootloader.bin"
MAX_ENTRIES: Final = 1_000
MAX_READ: Final = 1_048_576
MAX_NAME: Final = 254
_SUFFIX: Final = ".zip"
_PROJECT_LENGTH: Final = 31
_APPLICATION: Final = (0xABCD5432).to_bytes(4, "little")
_END: Final = b"PK\5\6"
_END_BYTES: Final = 22
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    UnicodeError,
    ValueError,
    OSError,
    OverflowError,
)
"""What the standard library raises for broken files."""
_ENCRYPTED: Final = 1
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Package:
    """An open package whose list of files has been checked; names in the order of the list."""

    archive: zipfile.ZipFile
    entries: list[zipfile.ZipInfo]
    allowance: Allowance

    @contextmanager
    def open(self, entry: zipfile.ZipInfo) -> Iterator[Source]:
        """The unpacked content of an entry, of which no more comes than is believable."""
        with self.archive.open(entry) as content:
            yield _Allowed(content, entry, self.allowance)


def read_package(path: Path, file_name: str) -> Content:
    """The content of a package; `file_name` must be `<project>_<version>.zip` (rainmaker.ota.package-upload).

    Raises InvalidInput for a file that is no zip, for one with no or several firmware images or wrong names, and for
    whatever a package has no need of: links, encryption, paths that lead elsewhere, names that stand twice.
    """
    with open_package(path) as package:
        files: list[dict[str, Any]] = []
        images: dict[str, Image] = {}
        for entry in package.entries:
            with package.open(entry) as source:
                content = Measured(source)
                image = _read_if_image(content, entry.filename)
                drain(content)
            if image is not None:
                images[entry.filename] = image
            files.append({"name": entry.filename, "checksum": content.sha256, "size": content.size})
    firmware = _firmware(images)
    project, version = _split(file_name, firmware)
    image = images[firmware]
    # What a build calls the project is cut to 31 bytes in the description of the application.
    if image.project and image.project.encode() != project.encode()[:_PROJECT_LENGTH]:
        raise InvalidInput(f"the firmware says that it is of the project {image.project}, not {project}")
    return Content(
        format=ArtifactFormat.PACKAGE,
        name=project,
        version=version,
        signed=image.secure_boot is not None,
        info={"format": "package", "firmware": describe(image), "bootloader": BOOTLOADER in images},
        updates=[{"typeInfo": {"type": "package"}, "files": files, "metaData": {}}],
    )


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """Open a zip file and check its list of files; raises InvalidInput, also for what comes up while it is read."""
    with _ShortReads(path) as file:
        try:
            file.check_end()
            with zipfile.ZipFile(file) as archive:
                yield Package(archive, _checked(archive), Allowance())
        except _BROKEN as error:
            raise InvalidInput("the package is not a whole zip file") from error


class _ShortReads(io.FileIO):
    """A file of which nobody reads a large part at once, as the list of a zip file is read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = MAX_READ + 1 if size is None or size < 0 else size
        data = super().read(wanted) if wanted <= MAX_READ + 1 else None
        if data is None or len(data) > MAX_READ:
            raise InvalidInput(f"the list of files in the package is longer than {MAX_READ:,} bytes")
        return data

    def check_end(self) -> None:
        """Raise InvalidInput unless the last record of a zip file, without a comment, ends the file."""
        self.seek(-min(_END_BYTES, self.seek(0, io.SEEK_END)), io.SEEK_END)
        if not self.read(_END_BYTES).startswith(_END):
            raise InvalidInput("the package is not a whole zip file, or something follows it")


class _Allowed:
    """The content of an entry, counted."""

    def __init__(self, source: Source, entry: zipfile.ZipInfo, allowance: Allowance) -> None:
        self._source = source
        self._allowance = allowance
        allowance.spend(entry.compress_size, 0)

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._allowance.spend(0, len(data))
        return data


def _checked(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of a package, without folders."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise InvalidInput(f"a package has at most {MAX_ENTRIES:,} files")
    names: set[str] = set()
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        name = entry.filename.removesuffix("/")
        steps = name.split("/")
        if len(name) > MAX_NAME or "\\" in name or _CONTROL.search(name) or not {"", ".", ".."}.isdisjoint(steps):
            raise InvalidInput("the package has a file whose name leads elsewhere")
        # Some systems do not tell apart names that differ in case only.
        if name.lower() in names:
            raise InvalidInput(f"the package has the file {name} twice")
        names.add(name.lower())
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (entry.is_dir() and entry.file_size):
            raise InvalidInput(f"{name} in the package is not a plain file")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _PACKINGS:
            raise InvalidInput(f"{name} in the package is encrypted, or packed in a way that is not known here")
        if entry.header_offset < end or (not end and entry.header_offset):
            raise InvalidInput(f"{name} in the package does not lie where it should")
        end = entry.header_offset + entry.compress_size + 1
    return [entry for entry in entries if not entry.is_dir()]


def _read_if_image(content: Source, name: str) -> Image | None:
    """The image that a file is, read to its end; None for other files. What is named as one must be one."""
    head = read_up_to(content, APPLICATION_AT + len(_APPLICATION))
    is_firmware = head[:1] == bytes([MAGIC]) and head[APPLICATION_AT:] == _APPLICATION
    if not is_firmware and name != BOOTLOADER:
        return None
    return read_image(Prefixed(head, content), name)


def _firmware(images: dict[str, Image]) -> str:
    """The name of the one firmware image."""
    names = [name for name in images if name != BOOTLOADER]
    if len(names) != 1:
        raise InvalidInput(f"a package has exactly one firmware image; this has {len(names)}")
    if images.get(BOOTLOADER) is not None and images[BOOTLOADER].project is not None:
        raise InvalidInput(f"{BOOTLOADER} is an application, not a boot loader")
    return names[0]


def _split(file_name: str, firmware: str) -> tuple[str, str]:
    """Project and version, of the names of the package and of its firmware."""
    project = firmware.removesuffix(".bin")
    if "/" in firmware or not project or project == firmware:
        raise InvalidInput(f"the firmware image {firmware} is not named <project>.bin")
    start = f"{project}_"
    version = file_name.removeprefix(start).removesuffix(_SUFFIX)
    if not file_name.startswith(start) or not file_name.endswith(_SUFFIX) or not version:
        raise InvalidInput(f"a package with the firmware {firmware} is named {start}<version>{_SUFFIX}")
    return project, version


class Prefixed:
    """A source of which the first bytes have been read already."""

    def __init__(self, head: bytes, source: Source) -> None:
        """`head` comes first."""
        self._head = head
        self._source = source

    def read(self, size: int, /) -> bytes:
        """Read on."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._source.read(size)


def read_up_to(source: Source, size: int) -> bytes:
    """The first `size` bytes, or all there are."""
    pieces = b""
    while len(pieces) < size and (data := source.read(size - len(pieces))):
        pieces += data
    return pieces
