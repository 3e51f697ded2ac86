"""Private parts of signing keys at rest: encrypted with a secret of the gateway, each bound to the id of its key.

AES-256-GCM under a key derived from the secret (HKDF); the id of the signing key is authenticated with it, so that what
was sealed for one key opens for no other. A sealed value begins with the id of its secret, so that after a change the
secret before still opens what it has sealed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from services.formats.secure_boot import PrivateKey

FILE_NAME: Final = "signing.key"
_SECRET_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class KeyUnreadable(Exception):
    """A sealed key does not open: it was sealed with a secret that this gateway does not have, or it was changed."""


class KeyVault:
    """Seals and opens private keys; holds secrets, so it says nothing of itself."""

    def __init__(self, current: tuple[bytes, AESGCM], others: Mapping[bytes, AESGCM]) -> None:
        """Seals with `current`; opens with that and `others`, by the ids of their secrets."""
        self._current = current
        self._ciphers = {**others, current[0]: current[1]}

    @classmethod
    def of(cls, secret: str, previous: str | None = None) -> KeyVault:
        """A vault that seals with `secret`; what `previous` has sealed is still opened."""
        return cls(_derive(secret), {} if previous is None else dict([_derive(previous)]))

    def seal(self, key_id: UUID, private: PrivateKey) -> bytes:
        """The private part of the signing key `key_id`, as it may be stored."""
        secret_id, cipher = self._current
        nonce = os.urandom(_NONCE_BYTES)
        plain = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return secret_id + nonce + cipher.encrypt(nonce, plain, key_id.bytes)

    def open(self, key_id: UUID, sealed: bytes) -> PrivateKey:
        """The private key that was sealed for `key_id`; raises KeyUnreadable."""
        cipher = self._ciphers.get(sealed[:_SECRET_ID_BYTES])
        if cipher is None:
            raise KeyUnreadable("the key was sealed with a secret that this gateway does not have")
        start = _SECRET_ID_BYTES + _NONCE_BYTES
        try:
            plain = cipher.decrypt(sealed[_SECRET_ID_BYTES:start], sealed[start:], key_id.bytes)
        except (InvalidTag, ValueError) as error:
            raise KeyUnreadable("the sealed key was changed, or belongs to another key") from error
        return cast("PrivateKey", load_der_private_key(plain, None))

    def is_current(self, sealed: bytes) -> bool:
        """Whether a key was sealed with the secret that new ones are sealed with."""
        return sealed.startswith(self._current[0])


def load_secret(data_dir: Path) -> str:
    """The secret kept in the data directory, made on the first call; only its owner may read the file.

    Processes that start together all get the one that came first.
    """
    path = data_dir / FILE_NAME
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        made = data_dir / f"{FILE_NAME}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text(encoding="ascii").strip()


def _derive(secret: str) -> tuple[bytes, AESGCM]:
    """The id of a secret, and the cipher with the key derived from it."""
    derived = HKDF(hashes.SHA256(), _SECRET_ID_BYTES + _KEY_BYTES, salt=None, info=b"fleetgraph signing keys")
    material = derived.derive(secret.encode())
    return material[:_SECRET_ID_BYTES], AESGCM(material[_SECRET_ID_BYTES:])
