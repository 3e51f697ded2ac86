"""What a sign-in costs is the same for everybody, so that accounts cannot be probed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from models.columns import now
from models.enums import UserStatus
from models.ids import new_id
from models.store import Store, StoreSettings, open_store
from models.tables import USER
from services.errors import Unauthenticated
from services.passwords import Passwords
from services.sessions import check_credentials
from tests.cast import PASSWORD, PASSWORD_HASH


class CountingPasswords(Passwords):
    """Notes what is verified."""

    def __init__(self) -> None:
        super().__init__()
        self.verified: list[str] = []

    def _verify(self, stored: str, password: str) -> bool:
        self.verified.append(stored)
        return super()._verify(stored, password)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(database_url))
    yield opened
    await opened.close()


async def test_every_sign_in_verifies_one_hash(store: Store) -> None:
    stamps = {"created_at": now(), "updated_at": now(), "version": 1, "metadata": {}, "is_platform_admin": False}
    async with store.write() as session:
        for name, status in (("active", UserStatus.ACTIVE), ("disabled", UserStatus.DISABLED)):
            person = {"id": new_id(), "email": f"{name}@example.com", "name": name, "status": status}
            await session.execute(insert(USER).values(**person, **stamps, password_hash=PASSWORD_HASH))
    passwords = CountingPasswords()
    found = await check_credentials(store, passwords, "active@example.com", PASSWORD)
    assert found.password_hash == PASSWORD_HASH
    for email, password in (
        ("active@example.com", "a-wrong-password"),
        ("disabled@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
    ):
        with pytest.raises(Unauthenticated):
            await check_credentials(store, passwords, email, password)
    assert passwords.verified[:3] == [PASSWORD_HASH] * 3
    # The decoy is as hard to compute as what new accounts get.
    decoy, real = passwords.verified[3], await passwords.hash(PASSWORD)
    assert decoy.split("$")[1:4] == real.split("$")[1:4]
    assert len(passwords.verified) == 4
