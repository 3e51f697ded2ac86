"""Signatures of ESP secure boot, version 2: blocks of 1,216 bytes in a sector of 4,096 behind an image.

A block holds the SHA-256 of all bytes before the sector, the public key in the form that the boot loader computes with,
and the signature: RSA-3072 by PSS, or ECDSA on P-256. Numbers are little-endian, those of signatures too.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from services.errors import InvalidInput

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

SECTOR: Final = 4096
MAX_KEYS: Final = 3
MAGIC: Final = 0xE7
_BLOCK: Final = 1216
_BODY: Final = 1196
_RSA: Final = 2
_ECDSA: Final = 3
_P256: Final = 2
_RSA_BITS: Final = 3072
_RSA_BYTES: Final = _RSA_BITS // 8
_EC_BYTES: Final = 32
_KEY_AT: Final = 36
_RSA_KEY: Final = struct.Struct(f"<{_RSA_BYTES}sI{_RSA_BYTES}sI")
_PSS: Final = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
_SIGNED_DIGEST: Final = Prehashed(SHA256())


@dataclass(frozen=True, slots=True)
class Sector:
    """What a signature sector holds: how many blocks, and the digests of those keys that are of a known kind."""

    blocks: int
    key_digests: list[str]


def key_digest(key: PublicKey) -> str:
    """The SHA-256 of a public key as the boot loader computes it and as the fuses of a chip hold it, in hex."""
    return hashlib.sha256(_key_data(key)).hexdigest()


def sign_sector(keys: Sequence[PrivateKey], digest: bytes) -> bytes:
    """A whole sector for an image with this SHA-256, signed with one to three keys, all RSA-3072 or all P-256."""
    blocks = b"".join(_block(key, digest) for key in keys)
    return blocks.ljust(SECTOR, b"\xff")


def read_sector(sector: bytes, digest: bytes) -> Sector:
    """Check every block of a sector against the SHA-256 of the image before it.

    Raises InvalidInput when a block is broken, of another image, or its signature is wrong. Of keys other than RSA-3072
    and P-256 the signature is not checked.
    """
    blocks: list[bytes] = []
    rest = sector
    while len(blocks) < MAX_KEYS and rest[0] == MAGIC:
        blocks.append(rest[:_BLOCK])
        rest = rest[_BLOCK:]
    if not blocks or rest.strip(b"\xff"):
        raise InvalidInput("what follows the image is no signature sector")
    digests = [_check_block(block, digest) for block in blocks]
    return Sector(len(blocks), [found for found in digests if found is not None])


def _key_data(key: PublicKey) -> bytes:
    """The part of a block that the digest of the key is taken of."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        return bytes([_P256]) + _little(point.x, _EC_BYTES) + _little(point.y, _EC_BYTES)
    numbers = key.public_numbers()
    squared = pow(2, 2 * _RSA_BITS, numbers.n)
    inverse = -pow(numbers.n, -1, 2**32) % 2**32
    return _RSA_KEY.pack(_little(numbers.n, _RSA_BYTES), numbers.e, _little(squared, _RSA_BYTES), inverse)


def _block(key: PrivateKey, digest: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        kind = _RSA
        signature = key.sign(digest, _PSS, _SIGNED_DIGEST)[::-1]
    else:
        kind = _ECDSA
        r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(_SIGNED_DIGEST)))
        signature = _little(r, _EC_BYTES) + _little(s, _EC_BYTES)
    body = (bytes([MAGIC, kind, 0, 0]) + digest + _key_data(key.public_key()) + signature).ljust(_BODY, b"\0")
    return (body + struct.pack("<I", zlib.crc32(body))).ljust(_BLOCK, b"\0")


def _check_block(block: bytes, digest: bytes) -> str | None:
    """The digest of the key of a block whose signature is right; None for a kind of key that is not known here."""
    sealed = struct.pack("<I", zlib.crc32(block[:_BODY])).ljust(_BLOCK - _BODY, b"\0")
    if block[_BODY:] != sealed or block[4:_KEY_AT] != digest:
        raise InvalidInput("a signature block behind the image is broken, or of another image")
    key: PublicKey
    try:
        if block[1] == _RSA:
            modulus, exponent, _, _ = _RSA_KEY.unpack_from(block, _KEY_AT)
            key = rsa.RSAPublicNumbers(exponent, int.from_bytes(modulus, "little")).public_key()
            end = _KEY_AT + _RSA_KEY.size
            key.verify(block[end : end + _RSA_BYTES][::-1], digest, _PSS, _SIGNED_DIGEST)
        elif block[1] == _ECDSA and block[_KEY_AT] == _P256:
            x, y, r, s = (_number(block, _KEY_AT + 1 + at * _EC_BYTES) for at in range(4))
            key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(_SIGNED_DIGEST))
            end = _KEY_AT + 1 + 2 * _EC_BYTES
        else:
            return None
    except (InvalidSignature, ValueError) as error:
        raise InvalidInput("a signature behind the image is wrong") from error
    if _key_data(key) != block[_KEY_AT:end]:
        raise InvalidInput("a signature block behind the image is broken")
    return key_digest(key)


def _little(number: int, length: int) -> bytes:
    return number.to_bytes(length, "little")


def _number(block: bytes, at: int) -> int:
    return int.from_bytes(block[at : at + _EC_BYTES], "little")
