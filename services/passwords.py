"""Passwords: argon2id, off the event loop, with a bound on how many are computed at once."""

from __future__ import annotations

import asyncio
import functools
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from services.errors import InvalidInput

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 256


class Passwords:
    """Hashes and verifies; one per process, because each computation takes tens of megabytes for a while."""

    def __init__(self, *, concurrency: int = 2) -> None:
        """`concurrency` computations may run at once; others wait their turn."""
        self._hasher = PasswordHasher()
        self._turn = asyncio.Semaphore(concurrency)
        self._decoy = _decoy()

    async def hash(self, password: str) -> str:
        """The hash to store for a new password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; as slow when there is no account, so that accounts cannot be probed."""
        async with self._turn:
            fits = await asyncio.to_thread(self._verify, stored or self._decoy, password)
        return fits and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerifyMismatchError, InvalidHashError):
            return False


@functools.cache
def _decoy() -> str:
    """What the password of an unknown account is held against; made once in a process, since it takes a while."""
    return PasswordHasher().hash("no account has this password")


def check_password(password: str, path: tuple[str, ...]) -> str:
    """Refuse a new password unless it has 8 to 256 characters and no white space (mainflux.identity.create-user)."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters", path)
    if any(character.isspace() for character in password):
        raise InvalidInput("a password has no white space", path)
    return password
