"""Public keys of things, and signatures over what they send: one pinned rule for each type of key.

RSA signs by PKCS#1 v1.5 over the SHA-256 of the data, ECDSA gives an ASN.1 SEQUENCE of r and s over their SHA-256, and
Ed25519 signs the data themselves. The type of the key decides, nothing that a request says
(mender.identity.verify-request-signature).
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from services.errors import InvalidInput, Unauthenticated
from services.validation import Path

MAX_PEM_LENGTH: Final = 4096
MAX_SIGNATURE_LENGTH: Final = 2048
"""Of a signature in base64: one of the longest RSA key is 1,368 characters long."""
RSA_BITS: Final = range(2048, 8193)
MAX_EXPONENT: Final = 2**32
"""A longer exponent makes verifying as slow as whoever sent the key likes."""
CURVES: Final = (SECP256R1, SECP384R1)

_Key = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """A public key: `pem` as the gateway writes it, `digest` the SHA-256 of its SubjectPublicKeyInfo."""

    key: _Key
    pem: str
    digest: bytes

    @classmethod
    def of(cls, pem: str, path: Path) -> IdentityKey:
        """Read a PEM; raises InvalidInput for what is no public key of a type and strength that is taken."""
        if len(pem) > MAX_PEM_LENGTH or not pem.isascii():
            raise InvalidInput(f"a public key is a PEM of at most {MAX_PEM_LENGTH:,} ASCII characters", path)
        try:
            key = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InvalidInput("this is not a public key as PEM", path) from error
        kept = _permitted(key, path)
        encoded = kept.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        written = kept.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return cls(kept, written, hashlib.sha256(encoded).digest())

    def verify(self, signature: str, data: bytes) -> None:
        """Raise Unauthenticated unless `signature`, in base64, is one of this key over exactly these bytes."""
        if len(signature) > MAX_SIGNATURE_LENGTH:
            raise Unauthenticated("the signature does not hold")
        try:
            self._verify(b64decode(signature, validate=True), data)
        except (InvalidSignature, binascii.Error, ValueError) as error:
            raise Unauthenticated("the signature does not hold") from error

    def _verify(self, signature: bytes, data: bytes) -> None:
        if isinstance(self.key, RSAPublicKey):
            self.key.verify(signature, data, PKCS1v15(), SHA256())
        elif isinstance(self.key, EllipticCurvePublicKey):
            self.key.verify(signature, data, ECDSA(SHA256()))
        else:
            self.key.verify(signature, data)


def _permitted(key: object, path: Path) -> _Key:
    if isinstance(key, RSAPublicKey):
        if key.key_size not in RSA_BITS or key.public_numbers().e > MAX_EXPONENT:
            least, most = RSA_BITS[0], RSA_BITS[-1]
            raise InvalidInput(f"an RSA key has {least:,} to {most:,} bits and an exponent below 2^32", path)
        return key
    if isinstance(key, EllipticCurvePublicKey):
        if not isinstance(key.curve, CURVES):
            raise InvalidInput("an ECDSA key is on the curve P-256 or P-384", path)
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise InvalidInput("a key is of the type RSA, ECDSA or Ed25519", path)
