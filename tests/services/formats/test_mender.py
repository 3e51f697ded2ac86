from __future__ import annotations

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.enums import ArtifactFormat
from services.errors import InvalidInput
from services.formats import compression
from services.formats.mender import read_mender
from services.formats.reading import Content, read_content
from tests.services.formats.mender_files import PAYLOAD, Mender, json_of, sha256, tar
from tests.services.formats.tools import mender_artifact


def read(data: bytes) -> Content:
    return read_mender(io.BytesIO(data))


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_what_version_3_says(suffix: str) -> None:
    content = read(Mender(suffix=suffix, signature=b"YWJj").build())
    assert (content.format, content.name, content.version, content.signed) == ("MENDER", "rel-2", "2.0", True)
    assert content.compatible_types == ["pump", "valve"]
    assert content.provides == {"artifact_name": "rel-2", "artifact_group": "fix", "rootfs-image.version": "2.0"}
    assert content.depends == {"artifact_name": ["rel-1"], "rootfs-image.checksum": ["a" * 64]}
    assert content.info == {"format": "mender", "version": 3, "scripts": []}
    (update,) = content.updates
    assert update["typeInfo"]["type"] == "rootfs-image"
    assert update["files"] == [
        {"name": "update.ext4", "checksum": sha256(PAYLOAD), "size": len(PAYLOAD), "date": "2023-11-14T22:13:20+00:00"}
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_what_older_versions_say(version: int) -> None:
    content = read(Mender(version=version).build())
    assert (content.name, content.compatible_types) == ("rel-2", ["pump", "valve"])
    assert (content.provides, content.depends, content.signed) == ({"artifact_name": "rel-2"}, {}, False)
    assert content.info["version"] == version
    assert content.updates[0]["files"][0]["checksum"] == sha256(PAYLOAD)


def test_scripts_metadata_and_several_payloads() -> None:
    mender = Mender(
        header={"headers/0000/meta-data": json_of({"a": {"b": 1}}), "scripts/ArtifactInstall_Enter_01": b"x"}
    )
    mender.info["payloads"].append({"type": "deb"})
    mender.header |= {"headers/0001/type-info": json_of({"type": "deb", "artifact_provides": {"app.version": "7"}})}
    mender.outer["data/0001.tar"] = tar({"app.deb": b"deb"})
    mender.sums["data/0001/app.deb"] = sha256(b"deb")
    content = read(mender.build())
    assert content.info["scripts"] == ["ArtifactInstall_Enter_01"]
    assert [update["typeInfo"]["type"] for update in content.updates] == ["rootfs-image", "deb"]
    assert content.updates[0]["metaData"] == {"a": {"b": 1}}
    assert content.provides["app.version"] == "7"
    assert content.version == "2.0"


def test_what_is_augmented() -> None:
    mender = Mender()
    augment = gzip.compress(
        tar(
            {
                "header-info": json_of({"payloads": [{"type": "delta"}]}),
                "headers/0000/type-info": json_of({"type": "delta", "artifact_depends": {"old.checksum": "b"}}),
            }
        )
    )
    parts = mender.parts()
    data = parts.pop("data/0000.tar.gz")
    line = f"{sha256(augment)}  header-augment.tar.gz\n".encode()
    head = {name: parts[name] for name in ("version", "manifest")} | {"manifest-augment": line}
    built = tar(head | {name: parts[name] for name in parts if name not in head})
    with pytest.raises(InvalidInput, match="which its manifest lists"):
        read(built)
    header = {"header.tar.gz": parts["header.tar.gz"], "header-augment.tar.gz": augment, "data/0000.tar.gz": data}
    content = read(tar(head | header))
    assert content.updates[0]["typeInfo"]["type"] == "delta"
    assert content.depends["old.checksum"] == ["b"]


def test_long_names_in_both_dialects() -> None:
    name = "n" * 180
    for dialect in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=dialect) as archive:
            entry = tarfile.TarInfo(name)
            entry.size = 2
            archive.addfile(entry, io.BytesIO(b"ok"))
        mender = Mender(suffix="", data={name: b"ok"}, outer={"data/0000.tar": stream.getvalue()})
        assert read(mender.build()).updates[0]["files"][0]["name"] == name


def changed(**changes: Any) -> Callable[[], bytes]:
    return lambda: Mender(**changes).build()


def with_info(**changes: Any) -> Callable[[], bytes]:
    def build() -> bytes:
        mender = Mender()
        mender.info |= changes
        return mender.build()

    return build


def reordered(*names: str) -> Callable[[], bytes]:
    def build() -> bytes:
        parts = Mender().parts()
        return tar({name: parts[name] for name in names})

    return build


def doubled() -> bytes:
    parts = list(Mender().parts().items())
    return tar([*parts, parts[-1]])


def inside(**options: Any) -> Callable[[], bytes]:
    """A payload with an entry that is something else than a file."""
    return lambda: Mender(outer={"data/0000.tar.gz": gzip.compress(tar({"update.ext4": b""}, **options))}).build()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no archive": lambda: b"not a tar" * 200,
    "an empty archive": lambda: bytes(1024),
    "cut off": lambda: Mender().build()[:-1500],
    "no end": lambda: Mender().build()[:-1024],
    "half an end": lambda: Mender().build()[:-512],
    "something behind the end": lambda: Mender().build() + b"x" * 512,
    "another archive behind the end": lambda: Mender().build() * 2,
    "an unknown version": changed(version=4),
    "another format": changed(outer={"version": json_of({"format": "other", "version": 3})}),
    "a version that is a truth value": changed(outer={"version": json_of({"format": "mender", "version": True})}),
    "a version with a name twice": changed(outer={"version": b'{"format":"mender","version":3,"version":2}'}),
    "a checksum of the payload that is wrong": changed(sums={"data/0000/update.ext4": "0" * 64}),
    "a checksum of the header that is wrong": changed(sums={"header.tar.gz": "0" * 64}),
    "a checksum of the version that is wrong": changed(sums={"version": "0" * 64}),
    "a payload that is not in the manifest": changed(sums={"data/0000/update.ext4": ""}),
    "a file of the manifest that is not there": changed(sums={"data/0000/more": "0" * 64}),
    "a manifest that is no list of sums": changed(outer={"manifest": b"hello\n"}),
    "a manifest that is not text": changed(outer={"manifest": b"\xff\xfe\n"}),
    "a signature that is none": changed(signature=b"\x00\x01"),
    "an unknown file": changed(outer={"extra": b"x"}),
    "data of a payload that is not there": changed(outer={"data/0001.tar.gz": gzip.compress(tar({}))}),
    "the header behind the data": reordered("version", "manifest", "data/0000.tar.gz", "header.tar.gz"),
    "the manifest before the version": reordered("manifest", "version", "header.tar.gz", "data/0000.tar.gz"),
    "no manifest": reordered("version", "header.tar.gz", "data/0000.tar.gz"),
    "no header": reordered("version", "manifest", "data/0000.tar.gz"),
    "a file twice": doubled,
    "a path upwards": changed(data={"../update.ext4": b"x"}),
    "a path upwards in the middle": changed(data={"a/../../update.ext4": b"x"}),
    "an absolute path": changed(data={"/etc/passwd": b"x"}),
    "a path of another system": changed(data={"..\\update.ext4": b"x"}),
    "a name with a line break": changed(data={"a\nb": b"x"}),
    "a link": inside(kind=tarfile.SYMTYPE, target="/etc/passwd"),
    "a hard link": inside(kind=tarfile.LNKTYPE, target="version"),
    "a device": inside(kind=tarfile.CHRTYPE),
    "a pipe": inside(kind=tarfile.FIFOTYPE),
    "a folder": inside(kind=tarfile.DIRTYPE),
    "a header that is no gzip": changed(outer={"header.tar.gz": b"x" * 100}),
    "something behind the gzip": lambda: Mender(outer={"data/0000.tar.gz": gzip.compress(tar({})) + b"x"}).build(),
    "a packing that is not known": lambda: Mender(outer={"data/0000.tar.zst": b"x"}).build(),
    "a header without a name": with_info(artifact_provides={}),
    "a name that is empty": with_info(artifact_provides={"artifact_name": " "}),
    "a name that is too long": with_info(artifact_provides={"artifact_name": "x" * 300}),
    "a name with a character that cannot be stored": with_info(artifact_provides={"artifact_name": "a\0b"}),
    "a name with half a character": with_info(artifact_provides={"artifact_name": "\ud800"}),
    "no device types": with_info(artifact_depends={"device_type": []}),
    "device types that are numbers": with_info(artifact_depends={"device_type": [1]}),
    "no payloads": with_info(payloads=[]),
    "payloads that are no list": with_info(payloads="rootfs-image"),
    "too many payloads": with_info(payloads=[{"type": "a"}] * 101),
    "another type in the type-info": changed(type_info={"type": "deb"}),
    "provides that are no texts": changed(type_info={"type": "rootfs-image", "artifact_provides": {"a": 1}}),
    "depends that are no texts": changed(type_info={"type": "rootfs-image", "artifact_depends": {"a": [1]}}),
    "a type-info of a payload that is not there": changed(header={"headers/0001/type-info": b"{}"}),
    "a file in the header that is not known": changed(header={"headers/0000/other": b"{}"}),
    "checksums in the header of version 3": changed(header={"headers/0000/checksums/a.sha256sum": b"0" * 64}),
    "JSON that is too deep": changed(header={"headers/0000/meta-data": b'{"a":' * 5000 + b"1" + b"}" * 5000}),
    "JSON that is too long": changed(header={"headers/0000/meta-data": json_of({"a": "x" * 1_100_000})}),
    "a number that is too long": changed(header={"headers/0000/meta-data": b'{"a":' + b"9" * 5000 + b"}"}),
    "files of version 2 that are not there": changed(
        version=2, header={"headers/0000/files": json_of({"files": ["other"]})}
    ),
    "a checksum of version 1 that is wrong": changed(
        version=1, header={"headers/0000/checksums/update.ext4.sha256sum": b"0" * 64}
    ),
    "a checksum of version 1 of no file": changed(version=1, header={"headers/0000/checksums/b.sha256sum": b"0" * 64}),
}


@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_that_is_broken_or_lies_is_refused(build: Callable[[], bytes], tmp_path: Path) -> None:
    assert read(Mender().build()).name == "rel-2"
    path = tmp_path / "file"
    path.write_bytes(build())
    with pytest.raises(InvalidInput) as refused:
        read_content(path, ArtifactFormat.MENDER, "file.mender")
    assert refused.value.message
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def bomb(size: int) -> bytes:
    """A payload of zeros, packed to a thousandth."""
    stream = io.BytesIO()
    with lzma.open(stream, "w", preset=0) as packed:
        entry = tarfile.TarInfo("update.ext4")
        entry.size = size
        packed.write(entry.tobuf())
        for _ in range(size // 2**20):
            packed.write(bytes(2**20))
        packed.write(bytes(1024))
    return Mender(suffix=".xz", outer={"data/0000.tar.xz": stream.getvalue()}).build()


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = 0
    spend = compression.Allowance.spend

    def count(allowance: compression.Allowance, packed: int, more: int) -> None:
        nonlocal unpacked
        unpacked += more
        spend(allowance, packed, more)

    monkeypatch.setattr(compression.Allowance, "spend", count)
    with pytest.raises(InvalidInput, match="250 times"):
        read(bomb(2**26))
    assert unpacked < compression.FREE_BYTES + 2**25


class Endless:
    """An archive whose header claims more than it holds, and which never ends."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.largest = 0

    def read(self, size: int, /) -> bytes:
        self.largest = max(self.largest, size)
        data, self.head = self.head[:size], self.head[size:]
        return data or b"\0" * min(size, 2**16)


def test_no_claim_of_a_header_makes_it_read_much_at_once() -> None:
    entry = tarfile.TarInfo("version")
    entry.size = 2**40
    source = Endless(entry.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(InvalidInput, match="longer than"):
        read_mender(source)
    extended = tarfile.TarInfo("a")
    extended.type, extended.size = tarfile.XHDTYPE, 2**33
    other = Endless(extended.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(InvalidInput, match="too long"):
        read_mender(other)
    assert max(source.largest, other.largest) <= 2**20 + 1


@pytest.mark.parametrize("packing", ["gzip", "lzma", "none"])
@pytest.mark.parametrize("version", [2, 3])
def test_files_of_the_common_tool(tmp_path: Path, packing: str, version: int) -> None:
    payload, made = tmp_path / "system.ext4", tmp_path / "made.mender"
    payload.write_bytes(PAYLOAD)
    common = ["-n", "rel-7", "-t", "pump", "-t", "valve", "--compression", packing, "-f", payload, "-o", made]
    mender_artifact("write", "rootfs-image", "-v", str(version), *common)
    content = read_content(made, ArtifactFormat.MENDER, "made.mender")
    assert (content.name, content.compatible_types, content.signed) == ("rel-7", ["pump", "valve"], False)
    assert content.info["version"] == version
    (file,) = content.updates[0]["files"]
    assert (file["name"], file["size"], file["checksum"]) == ("system.ext4", len(PAYLOAD), sha256(PAYLOAD))
    if version == 3:
        assert content.provides["rootfs-image.checksum"] == sha256(PAYLOAD)
        assert content.version == "rel-7"


def test_a_module_image_of_the_common_tool_with_everything(tmp_path: Path) -> None:
    first, second, made = tmp_path / "a.bin", tmp_path / "b.bin", tmp_path / "made.mender"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    script = tmp_path / "ArtifactInstall_Enter_00_check"
    script.write_text("#!/bin/sh\nexit 0\n")
    said = ["-p", "app.build:12", "-d", "base:3", "-g", "inner", "-G", "outer", "-N", "rel-6", "-s", script]
    software = ["--software-name", "app", "--software-version", "1.2"]
    files = ["-f", first, "-f", second, "-o", made]
    mender_artifact("write", "module-image", "-T", "app", "-n", "rel-7", "-t", "pump", *said, *software, *files)
    content = read_content(made, ArtifactFormat.MENDER, "made.mender")
    assert content.provides == {
        "artifact_name": "rel-7",
        "artifact_group": "inner",
        "app.build": "12",
        "rootfs-image.app.version": "1.2",
    }
    assert content.depends == {"artifact_name": ["rel-6"], "artifact_group": ["outer"], "base": ["3"]}
    assert content.version == "1.2"
    assert content.info["scripts"] == [script.name]
    assert [file["name"] for file in content.updates[0]["files"]] == ["a.bin", "b.bin"]


def test_a_file_without_a_payload_of_the_common_tool(tmp_path: Path) -> None:
    made = tmp_path / "made.mender"
    mender_artifact("write", "bootstrap-artifact", "-n", "rel-0", "-t", "pump", "-o", made)
    content = read_content(made, ArtifactFormat.MENDER, "made.mender")
    assert content.name == "rel-0"
    assert content.updates == [{"typeInfo": {"type": None}, "files": [], "metaData": {}}]


def test_a_raw_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "raw.bin"
    path.write_bytes(b"\xe9 anything")
    assert read_content(path, ArtifactFormat.RAW, "raw.bin") == Content(format=ArtifactFormat.RAW)
