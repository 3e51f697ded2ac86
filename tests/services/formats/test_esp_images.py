from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.enums import ArtifactFormat
from services.errors import FleetError, InvalidInput, LimitReached, WrongState
from services.formats import esp_image
from services.formats.esp_image import read_image
from services.formats.esp_writer import write_signed_image
from services.formats.reading import Content, read_content
from services.formats.secure_boot import SECTOR, PrivateKey, key_digest, sign_sector
from tests.services.formats.esp_files import CODE, application, bootloader, image
from tests.services.formats.tools import espsecure, esptool


def make_key(kind: str) -> PrivateKey:
    return rsa.generate_private_key(65537, 3072) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module", params=["RSA", "ECDSA"])
def keys(request: pytest.FixtureRequest) -> list[PrivateKey]:
    return [make_key(request.param) for _ in range(4)]


def save_public(key: PrivateKey, path: Path) -> Path:
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def read(path: Path) -> Content:
    return read_content(path, ArtifactFormat.ESP_IMAGE, path.name)


@pytest.mark.parametrize("data", [image(), image(hashed=False)], ids=["with SHA-256", "without"])
def test_what_an_image_says(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "lamp.bin"
    path.write_bytes(data)
    content = read(path)
    assert (content.name, content.version, content.signed) == ("lamp", "1.4.2", False)
    assert (content.model, content.compatible_types, content.updates) == (None, [], [])
    assert content.info == {
        "format": "esp-idf",
        "chip": "ESP32-C3",
        "chipId": 5,
        "segments": 2,
        "project": "lamp",
        "version": "1.4.2",
        "secureVersion": 7,
        "compiled": "Nov 21 2026 12:30:00",
        "framework": "v5.3",
        "elfSha256": bytes(range(32)).hex(),
        "secureBoot": None,
        "keyDigests": [],
    }
    said = esptool("image-info", path)
    assert "Project name: lamp" in said
    assert "App version: 1.4.2" in said
    assert "(valid)" in said


def test_an_image_without_a_description_says_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "bootloader.bin"
    path.write_bytes(bootloader())
    content = read(path)
    assert (content.name, content.version) == (None, None)
    assert "invalid" not in esptool("image-info", path)


def flipped(at: int) -> Callable[[], bytes]:
    def build() -> bytes:
        data = bytearray(image())
        data[at] ^= 1
        return bytes(data)

    return build


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "something else": lambda: b"\x7fELF" + bytes(5000),
    "an image of the chip before": lambda: b"\xea" + image()[1:],
    "no segments": lambda: b"\xe9\x00" + image()[2:],
    "too many segments": lambda: b"\xe9\x11" + image()[2:],
    "cut off in the header": lambda: image()[:20],
    "cut off in a segment": lambda: image()[:500],
    "cut off before the checksum": lambda: image()[:-33],
    "cut off in the SHA-256": lambda: image()[:-1],
    "a byte of code changed": flipped(400),
    "the checksum changed": lambda: image(hashed=False)[:-1] + bytes([image(hashed=False)[-1] ^ 1]),
    "the SHA-256 changed": flipped(-1),
    "a segment that is too long": lambda: image()[:28] + b"\xff\xff\xff\x7f" + image()[32:],
    "a segment of an odd length": lambda: image(application() + b"x"),
    "something behind it": lambda: image() + b"hello",
    "too much padding": lambda: image() + b"\xff" * 100_000,
    "a name that is not text": lambda: image(application().replace(b"lamp", b"\xff\xfe\xfd\xfc")),
    "a name with control characters": lambda: image(application(project="la\x1b[mp")),
}


@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_image_that_is_broken_is_refused(build: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "lamp.bin"
    path.write_bytes(build())
    with pytest.raises(InvalidInput):
        read(path)


def test_an_image_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert esp_image.MAX_IMAGE == 200 * 2**20
    monkeypatch.setattr(esp_image, "MAX_IMAGE", 1000)
    with pytest.raises(LimitReached):
        read_image(io.BytesIO(image()))


def test_the_vendors_tool_takes_every_signature(tmp_path: Path, keys: list[PrivateKey]) -> None:
    plain, signed = tmp_path / "plain.bin", tmp_path / "signed.bin"
    plain.write_bytes(image())
    write_signed_image(signed, plain, keys[:3])
    data = signed.read_bytes()
    assert data[: len(image())] == image()
    assert len(data) % SECTOR == 0
    content = read(signed)
    assert content.signed
    assert content.info["secureBoot"] == 2
    assert content.info["keyDigests"] == [key_digest(key.public_key()) for key in keys[:3]]
    for number, key in enumerate(keys[:3]):
        public = save_public(key, tmp_path / f"{number}.pem")
        said = espsecure("verify-signature", "--version", "2", "--keyfile", public, signed)
        assert f"Signature block {number} verification successful" in said
        espsecure("digest-sbv2-public-key", "--keyfile", public, "--output", tmp_path / f"{number}.digest")
        assert (tmp_path / f"{number}.digest").read_bytes().hex() == key_digest(key.public_key())
    other = save_public(keys[3], tmp_path / "other.pem")
    with pytest.raises(AssertionError):
        espsecure("verify-signature", "--version", "2", "--keyfile", other, signed)


def test_a_signature_of_the_vendors_tool_is_read(tmp_path: Path, keys: list[PrivateKey]) -> None:
    plain, signed, pem = tmp_path / "plain.bin", tmp_path / "signed.bin", tmp_path / "key.pem"
    plain.write_bytes(image())
    scheme = "rsa3072" if isinstance(keys[0], rsa.RSAPrivateKey) else "ecdsa256"
    espsecure("generate-signing-key", "--version", "2", "--scheme", scheme, pem)
    espsecure("sign-data", "--version", "2", "--keyfile", pem, "--output", signed, plain)
    espsecure("digest-sbv2-public-key", "--keyfile", pem, "--output", tmp_path / "digest")
    assert read(signed).info["keyDigests"] == [(tmp_path / "digest").read_bytes().hex()]


def test_signing_again_replaces_the_signatures(tmp_path: Path, keys: list[PrivateKey]) -> None:
    plain, once, twice = tmp_path / "plain.bin", tmp_path / "once.bin", tmp_path / "twice.bin"
    plain.write_bytes(image())
    write_signed_image(once, plain, keys[:1])
    write_signed_image(twice, once, keys[1:2])
    assert read(twice).info["keyDigests"] == [key_digest(keys[1].public_key())]
    assert twice.stat().st_size == once.stat().st_size


def test_a_signature_that_is_wrong_is_refused(tmp_path: Path, keys: list[PrivateKey]) -> None:
    padded = image().ljust(SECTOR, b"\xff")
    good = padded + sign_sector(keys[:1], hashlib.sha256(padded).digest())
    assert read_image(io.BytesIO(good)).signatures == 1
    for data in (
        padded + sign_sector(keys[:1], hashlib.sha256(b"other").digest()),
        padded + good[-SECTOR:].replace(b"\0\0\0\0", b"\0\0\0\1", 1),
        padded + b"\xe7" + bytes(SECTOR - 1),
        good[:-1] + b"\0",
        image(rest=(CODE, CODE)) + good[len(image()) :],
    ):
        with pytest.raises(FleetError):
            read_image(io.BytesIO(data))


def test_an_image_signed_for_the_first_version_is_not_signed_again(tmp_path: Path, keys: list[PrivateKey]) -> None:
    first = tmp_path / "first.bin"
    first.write_bytes(image() + bytes(4) + b"s" * 64)
    assert read(first).info["secureBoot"] == 1
    with pytest.raises(WrongState):
        write_signed_image(tmp_path / "signed.bin", first, keys[:1])
