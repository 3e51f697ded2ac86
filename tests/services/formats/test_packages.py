from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from models.enums import ArtifactFormat
from services.errors import InvalidInput
from services.formats.esp_image import read_image
from services.formats.esp_writer import write_signed_package
from services.formats.package import open_package
from services.formats.reading import Content, read_content
from services.formats.secure_boot import key_digest
from tests.services.formats.esp_files import application, bootloader, image, package
from tests.services.formats.mender_files import sha256

FILES: Mapping[str, bytes] = {
    "lamp.bin": image(),
    "bootloader.bin": bootloader(),
    "partition-table.bin": b"\xaa\x50" * 40,
    "docs/readme.txt": b"read me",
}


def read(tmp_path: Path, data: bytes, name: str = "lamp_1.5.0.zip") -> Content:
    path = tmp_path / "arrived"
    path.write_bytes(data)
    return read_content(path, ArtifactFormat.PACKAGE, name)


def test_what_a_package_says(tmp_path: Path) -> None:
    content = read(tmp_path, package(FILES))
    assert (content.name, content.version, content.signed) == ("lamp", "1.5.0", False)
    assert content.info["firmware"]["version"] == "1.4.2"
    assert content.info["bootloader"] is True
    assert content.updates[0]["files"] == [
        {"name": name, "checksum": sha256(data), "size": len(data)} for name, data in FILES.items()
    ]


def test_a_package_needs_the_firmware_alone(tmp_path: Path) -> None:
    content = read(tmp_path, package({"lamp.bin": image()}))
    assert content.info["bootloader"] is False


def test_names_with_underscores(tmp_path: Path) -> None:
    files = {"my_lamp.bin": image(application("my_lamp"))}
    content = read(tmp_path, package(files), "my_lamp_v1_rc.zip")
    assert (content.name, content.version) == ("my_lamp", "v1_rc")


def special(**attributes: int) -> Callable[[], bytes]:
    """A package with an entry that has these attributes."""

    def build() -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("lamp.bin", image())
            entry = zipfile.ZipInfo("other")
            for name, value in attributes.items():
                setattr(entry, name, value)
            archive.writestr(entry, b"target")
        return stream.getvalue()

    return build


def encrypted() -> bytes:
    data = package({"lamp.bin": image(), "other": b"x"})
    return data.replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\1\0").replace(
        b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"
    )


def overlapping() -> bytes:
    """Two entries of the list that stand for one file."""
    data = package({"lamp.bin": image(), "a": b"same", "b": b"same"})
    end = data.rindex(b"PK\5\6")
    start = struct.unpack_from("<I", data, end + 16)[0]
    listed = bytearray(data[start:end])
    last, before = listed.rindex(b"PK\1\2"), listed.rindex(b"PK\1\2", 0, listed.rindex(b"PK\1\2"))
    listed[last + 42 : last + 46] = listed[before + 42 : before + 46]
    return data[:start] + bytes(listed) + data[end:]


def many() -> bytes:
    return package({"lamp.bin": image()} | {f"{number}.txt": b"" for number in range(1000)})


def with_more(name: str, content: bytes = b"x") -> Callable[[], bytes]:
    return lambda: package({"lamp.bin": image(), name: content})


def twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("lamp.bin", image())
        archive.writestr("a.txt", b"1")
        archive.writestr("A.txt", b"2")
    return stream.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no zip": lambda: b"hello" * 100,
    "an empty zip": lambda: package({}),
    "cut off": lambda: package(FILES)[:-30],
    "the front cut off": lambda: package(FILES)[100:],
    "something before it": lambda: b"#!/bin/sh\n" + package(FILES),
    "something behind it": lambda: package(FILES) + b"x" * 50,
    "no firmware": lambda: package({"bootloader.bin": bootloader(), "a.txt": b"x"}),
    "a firmware that is none": lambda: package({"lamp.bin": b"x" * 100}),
    "a firmware that is broken": lambda: package({"lamp.bin": image()[:-1]}),
    "two firmwares": with_more("other.bin", image(application("other"))),
    "a firmware in a folder": lambda: package({"build/lamp.bin": image()}),
    "another firmware in a folder": with_more("backup/lamp.bin", image()),
    "a firmware of another name": lambda: package({"firmware.bin": image()}),
    "a firmware of another project": lambda: package({"lamp.bin": image(application("other"))}),
    "a boot loader that is broken": with_more("bootloader.bin", bootloader()[:-1]),
    "a boot loader that is an application": with_more("bootloader.bin", image()),
    "a path upwards": with_more("../x"),
    "an absolute path": with_more("/etc/passwd"),
    "a path of another system": with_more("a\\..\\..\\x"),
    "a name with a line break": with_more("a\nb"),
    "a name that is too long": with_more("x" * 300),
    "a link": special(external_attr=(stat.S_IFLNK | 0o777) << 16),
    "a device": special(external_attr=stat.S_IFCHR << 16),
    "a packing with memory of its own": special(compress_type=zipfile.ZIP_LZMA),
    "encrypted": encrypted,
    "two names that differ in case": twice,
    "files that lie over each other": overlapping,
    "too many files": many,
    "a bomb": with_more("zeros", bytes(2**26)),
}


@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_package_that_is_broken_or_lies_is_refused(build: Callable[[], bytes], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        read(tmp_path, build())
    assert [each.name for each in tmp_path.iterdir()] == ["arrived"]


@pytest.mark.parametrize("name", ["lamp.zip", "lamp_.zip", "other_1.0.zip", "lamp_1.0", "lamp-1.0.zip", "lamp_1.0.bin"])
def test_a_package_with_a_wrong_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="is named lamp_<version>"):
        read(tmp_path, package(FILES), name)


def test_a_list_of_files_that_is_huge_is_not_read(tmp_path: Path) -> None:
    names = {f"{number:0200}": b"" for number in range(6000)}
    with pytest.raises(InvalidInput, match="list of files"):
        read(tmp_path, package({"lamp.bin": image()} | names))


@pytest.mark.parametrize("images", [1, 2])
def test_images_in_a_package_are_signed(tmp_path: Path, images: int) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(package(FILES))
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    write_signed_package(target, source, "lamp_1.5.0.zip", keys, bootloader=images == 2)
    content = read_content(target, ArtifactFormat.PACKAGE, "lamp_1.5.0.zip")
    digests = [key_digest(key.public_key()) for key in keys]
    assert content.signed
    assert content.info["firmware"]["keyDigests"] == digests
    with open_package(target) as opened:
        assert [entry.filename for entry in opened.entries] == list(FILES)
        assert opened.archive.read("docs/readme.txt") == b"read me"
        signed = read_image(io.BytesIO(opened.archive.read("bootloader.bin")))
    assert signed.key_digests == (digests if images == 2 else [])
    assert {each.name for each in tmp_path.iterdir()} == {"source", "target"}
