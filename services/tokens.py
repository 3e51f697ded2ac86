"""Signed tokens: the only module that knows JWT.

Each key has one pinned algorithm (HS256) and an id; a token is verified with the key that its header names and with
that algorithm alone, never with a list (CVE-2026-85394). Audiences keep the kinds of token apart: an access token opens
no upload address, and the other way round.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from jose import jwt
from jose.exceptions import ExpiredSignatureError, JOSEError

from services.errors import TokenExpired, Unauthenticated

ALGORITHM: Final = "HS256"
ISSUER: Final = "fleetgraph"
MAX_TOKEN_LENGTH: Final = 4096


class Audience(StrEnum):
    """What a token is for."""

    ACCESS = "fleetgraph:access"
    THING = "fleetgraph:thing"
    UPLOAD = "fleetgraph:upload"
    DOWNLOAD = "fleetgraph:download"


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """The keys that verify, by id, and the id of the one that signs."""

    keys: Mapping[str, str]
    signing: str

    @classmethod
    def of(cls, current: str, previous: str | None = None) -> TokenKeys:
        """Keys from secrets; the id of a key is the start of its own SHA-256, so that processes agree on it."""
        keys = {_key_id(secret): secret for secret in (previous, current) if secret}
        return cls(keys=keys, signing=_key_id(current))

    def sign(self, audience: Audience, claims: Mapping[str, Any], *, seconds: float) -> str:
        """A token with `claims`, good for `seconds` from now."""
        issued = time.time()
        body = {**claims, "iss": ISSUER, "aud": audience.value, "iat": int(issued), "exp": int(issued + seconds)}
        token: str = jwt.encode(body, self.keys[self.signing], algorithm=ALGORITHM, headers={"kid": self.signing})
        return token

    def verify(self, audience: Audience, token: str) -> dict[str, Any]:
        """The claims of a valid token.

        Raises TokenExpired for one of ours whose time is over, and Unauthenticated for any other, without saying what
        is wrong.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("the token is not valid")
        try:
            key = self.keys[jwt.get_unverified_header(token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[ALGORITHM], audience=audience.value, issuer=ISSUER, options=_REQUIRED
            )
        except ExpiredSignatureError as error:
            raise TokenExpired("the time of the token is over") from error
        except (JOSEError, KeyError, TypeError, ValueError) as error:
            raise Unauthenticated("the token is not valid") from error
        return claims


def is_for(audience: Audience, token: str) -> bool:
    """Whether a token says that it is for this audience: what to verify it for, and no more."""
    try:
        return bool(jwt.get_unverified_claims(token).get("aud") == audience.value)
    except (JOSEError, RecursionError):
        return False


def lasts(expires_at: float) -> bool:
    """Whether a token with this `exp` is still good: to the end of that second, as `TokenKeys.verify` has it."""
    return int(time.time()) <= int(expires_at)


_REQUIRED: Final = {"require_aud": True, "require_iss": True, "require_exp": True, "require_iat": True}


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"key id:" + secret.encode()).hexdigest()[:16]


def load_secret(data_dir: Path) -> str:
    """The secret kept in the data directory, made on the first call; only its owner may read the file."""
    path = data_dir / "token.key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        secret = secrets.token_urlsafe(48)
        file.write(secret)
    return secret


def new_secret() -> str:
    """A random secret of 256 bits, for keys and refresh tokens; it is shown once and stored as its digest."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored of a random secret: its SHA-256 (no slow hash is needed, since nobody can guess 256 bits)."""
    return hashlib.sha256(secret.encode()).digest()
