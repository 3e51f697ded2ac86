from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.enums import ArtifactFormat
from services.errors import InvalidInput
from services.formats.mender_writer import SingleFile, write_signed, write_single_file
from services.formats.reading import read_content
from services.formats.secure_boot import PrivateKey
from tests.services.formats.mender_files import PAYLOAD, Mender, sha256
from tests.services.formats.tools import mender_artifact

SAID = SingleFile(
    artifact_name="rel-9",
    compatible_types=["pump", "valve"],
    destination="/etc/pump",
    file_name="pump.conf",
    permissions="640",
    modified=1_700_000_000,
)


def write(tmp_path: Path, payload: bytes = PAYLOAD) -> Path:
    source, target = tmp_path / "source", tmp_path / "made.mender"
    source.write_bytes(payload)
    write_single_file(target, source, SAID)
    source.unlink()
    assert [each.name for each in tmp_path.iterdir()] == [target.name]
    return target


def test_a_single_file_is_read_as_it_was_said(tmp_path: Path) -> None:
    content = read_content(write(tmp_path), ArtifactFormat.MENDER, "made.mender")
    assert (content.name, content.version, content.signed) == ("rel-9", "rel-9", False)
    assert content.compatible_types == ["pump", "valve"]
    assert content.provides == {"artifact_name": "rel-9", "rootfs-image.single-file.version": "rel-9"}
    (update,) = content.updates
    assert update["typeInfo"]["type"] == "single-file"
    assert update["typeInfo"]["clears_artifact_provides"] == ["rootfs-image.single-file.*"]
    assert [(file["name"], file["checksum"]) for file in update["files"]] == [
        ("dest_dir", sha256(b"/etc/pump\n")),
        ("filename", sha256(b"pump.conf\n")),
        ("permissions", sha256(b"640\n")),
        ("pump.conf", sha256(PAYLOAD)),
    ]


def test_the_same_order_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path).read_bytes()
    assert write(tmp_path).read_bytes() == first


@pytest.mark.parametrize("payload", [b"", b"x", PAYLOAD])
def test_the_common_tool_takes_a_single_file(tmp_path: Path, payload: bytes) -> None:
    made = write(tmp_path, payload)
    mender_artifact("validate", made)
    said = mender_artifact("read", made)
    for line in ("Name: rel-9", "Version: 3", "Compatible devices: '[pump valve]'", "single-file", "pump.conf"):
        assert line in said
    with tarfile.open(made) as archive:
        assert archive.getnames() == ["version", "manifest", "header.tar.gz", "data/0000.tar.gz"]


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
@pytest.mark.parametrize("maker", ["ours, version 3", "theirs, version 3", "theirs, version 2"])
def test_the_common_tool_takes_a_signature(tmp_path: Path, kind: str, maker: str) -> None:
    plain, signed = tmp_path / "plain.mender", tmp_path / "signed.mender"
    if maker.startswith("ours"):
        write(tmp_path).rename(plain)
    else:
        payload = tmp_path / "system.ext4"
        payload.write_bytes(PAYLOAD)
        common = ["-n", "rel-9", "-t", "pump", "-f", payload, "-o", plain]
        mender_artifact("write", "rootfs-image", "-v", maker[-1], *common)
    keys: list[PrivateKey] = [
        rsa.generate_private_key(65537, 3072) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())
        for _ in range(2)
    ]
    pems = [tmp_path / "right.pem", tmp_path / "wrong.pem"]
    for key, pem in zip(keys, pems, strict=True):
        pem.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    write_signed(signed, plain, keys[0])
    mender_artifact("validate", "-k", pems[0], signed)
    with pytest.raises(AssertionError):
        mender_artifact("validate", "-k", pems[1], signed)
    with pytest.raises(AssertionError):
        mender_artifact("validate", "-k", pems[0], plain)
    before, after = (read_content(path, ArtifactFormat.MENDER, path.name) for path in (plain, signed))
    assert (before.signed, after.signed) == (False, True)
    assert (before.name, before.provides, before.updates) == (after.name, after.provides, after.updates)
    again = tmp_path / "again.mender"
    write_signed(again, signed, keys[1])
    mender_artifact("validate", "-k", pems[1], again)


def test_version_1_has_no_place_for_a_signature(tmp_path: Path) -> None:
    plain = tmp_path / "plain.mender"
    plain.write_bytes(Mender(version=1).build())
    with pytest.raises(InvalidInput, match="version 1"):
        write_signed(tmp_path / "signed.mender", plain, ec.generate_private_key(ec.SECP256R1()))
