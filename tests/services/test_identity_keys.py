"""Signatures of things: one rule for each type of key, and nothing else holds."""

from __future__ import annotations

import base64
import hashlib
from itertools import permutations
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from services.errors import InvalidInput, Unauthenticated
from services.identity_keys import MAX_PEM_LENGTH, MAX_SIGNATURE_LENGTH, IdentityKey
from tests.key_pairs import RSA_KEY, PrivateKey, new_key, pem_of, raw_signature, signature

BODY = b'{"id_data": "{\\"mac\\": \\"00:11\\"}", "pubkey": "..."}'
KINDS = ("rsa", "p256", "p384", "ed25519")


def key_of(key: PrivateKey) -> IdentityKey:
    return IdentityKey.of(pem_of(key), ("pubkey",))


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def refused(key: IdentityKey, given: str, data: bytes = BODY) -> None:
    with pytest.raises(Unauthenticated):
        key.verify(given, data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_holds_for_its_key_and_its_bytes_alone(kind: str) -> None:
    private = new_key(kind)
    key = key_of(private)
    good = signature(private, BODY)
    key.verify(good, BODY)
    for altered in (BODY + b" ", BODY[:-1], b"", BODY.replace(b"00", b"01"), hashlib.sha256(BODY).digest()):
        refused(key, good, altered)
    raw = raw_signature(private, BODY)
    for broken in (raw[:-1], raw + b"\0", bytes([raw[0] ^ 1]) + raw[1:], b"", bytes(len(raw))):
        refused(key, text(broken))
    for written in ("", "%%%", good + "\n", good[:-4] + "====", good + good, "é", raw.hex()):
        refused(key, written)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048) if kind == "rsa" else new_key(kind)
    refused(key, signature(other, BODY))
    refused(key_of(other), good)


def test_no_signature_of_one_type_holds_for_another() -> None:
    for signing, verifying in permutations([new_key(kind) for kind in KINDS], 2):
        refused(key_of(verifying), signature(signing, BODY))


def test_rsa_is_pkcs1_v15_over_sha256() -> None:
    key = key_of(RSA_KEY)
    hashed = hashlib.sha256(BODY).digest()
    key.verify(text(RSA_KEY.sign(hashed, padding.PKCS1v15(), Prehashed(SHA256()))), BODY)
    for other in (
        RSA_KEY.sign(BODY, padding.PKCS1v15(), SHA1()),
        RSA_KEY.sign(BODY, padding.PKCS1v15(), SHA512()),
        RSA_KEY.sign(BODY, padding.PSS(padding.MGF1(SHA256()), 32), SHA256()),
        RSA_KEY.sign(hashed, padding.PKCS1v15(), SHA256()),
    ):
        refused(key, text(other))


@pytest.mark.parametrize(("kind", "size"), [("p256", 32), ("p384", 48)])
def test_ecdsa_is_asn1_over_sha256(kind: str, size: int) -> None:
    private = new_key(kind)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    key = key_of(private)
    hashed = hashlib.sha256(BODY).digest()
    key.verify(text(private.sign(hashed, ec.ECDSA(Prehashed(SHA256())))), BODY)
    r, s = decode_dss_signature(raw_signature(private, BODY))
    refused(key, text(r.to_bytes(size, "big") + s.to_bytes(size, "big")))
    for other in (private.sign(BODY, ec.ECDSA(SHA512())), private.sign(hashed, ec.ECDSA(SHA256()))):
        refused(key, text(other))


def test_ed25519_signs_the_body_itself() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    key = key_of(private)
    key.verify(text(private.sign(BODY)), BODY)
    refused(key, text(private.sign(hashlib.sha256(BODY).digest())))


def test_a_key_is_known_by_what_it_is_and_not_by_how_it_is_written() -> None:
    key = key_of(RSA_KEY)
    public = RSA_KEY.public_key()
    other = public.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    for written in (other, f"a comment\n{key.pem}\n", key.pem.replace("\n", "\r\n")):
        again = IdentityKey.of(written, ())
        assert (again.digest, again.pem) == (key.digest, key.pem)
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key.digest == hashlib.sha256(encoded).digest()


def weak_and_strange() -> dict[str, str]:
    private = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    publics: dict[str, Any] = {
        "too short": rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(),
        "another curve": ec.generate_private_key(ec.SECP521R1()).public_key(),
        "the curve of a coin": ec.generate_private_key(ec.SECP256K1()).public_key(),
        "DSA": dsa.generate_private_key(key_size=2048).public_key(),
        "Ed448": ed448.Ed448PrivateKey.generate().public_key(),
        "too long": rsa.RSAPublicNumbers(65537, (1 << 8200) + 1).public_key(),
        "a long exponent": rsa.RSAPublicNumbers((1 << 64) + 1, RSA_KEY.public_key().public_numbers().n).public_key(),
    }
    written = {
        name: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for name, key in publics.items()
    }
    pem = pem_of(RSA_KEY)
    return {
        **written,
        "nothing": "",
        "a private key": private,
        "text": "not a key",
        "a broken one": pem.replace("A", "!", 3),
        "half of one": pem[: len(pem) // 2],
        "a long one": pem + " " * MAX_PEM_LENGTH,
        "not ASCII": pem + "é",
    }


STRANGE = weak_and_strange()


@pytest.mark.parametrize("name", STRANGE)
def test_no_other_key_is_taken(name: str) -> None:
    with pytest.raises(InvalidInput) as refused_key:
        IdentityKey.of(STRANGE[name], ("pubkey",))
    assert refused_key.value.path == ("pubkey",)


def test_a_longer_signature_than_any_is_not_looked_at() -> None:
    refused(key_of(RSA_KEY), "A" * (MAX_SIGNATURE_LENGTH + 4))
