from __future__ import annotations

import pytest

from models.tables import MEMBERSHIP, USER
from tests.cast import Cast, email_of

NEW = {"email": "New.Person@example.com", "password": "long-enough", "name": "New", "metadata": {"team": "blue"}}


async def test_platform_administrator_creates_an_account(cast: Cast) -> None:
    payload = await cast.change(
        "platform", "createUser", NEW, "user { email name status metadata memberships { totalCount } }"
    )
    assert payload["user"] == {
        "email": "new.person@example.com",
        "name": "New",
        "status": "ACTIVE",
        "metadata": {"team": "blue"},
        "memberships": {"totalCount": 0},
    }
    assert (
        await cast.count(
            MEMBERSHIP, MEMBERSHIP.c.user_id.in_(USER.select().with_only_columns(USER.c.id).where(USER.c.name == "New"))
        )
        == 0
    )
    assert (await cast.value(USER.c.password_hash, USER.c.name == "New")).startswith("$argon2id$")
    assert await cast.value(USER.c.is_platform_admin, USER.c.name == "New") is False
    await cast.gateway.sign_in("new.person@example.com", "long-enough")


async def test_nobody_else_creates_accounts(cast: Cast) -> None:
    forbidden = ("owner", "admin", "editor", "viewer", "outsider", "loner", "thing")
    codes = {"anonymous": "UNAUTHENTICATED"} | dict.fromkeys(forbidden, "FORBIDDEN")
    before = await cast.count(USER)
    await cast.refused("createUser", NEW, codes)
    assert await cast.count(USER) == before


async def test_email_is_taken_once(cast: Cast) -> None:
    taken = {**NEW, "email": email_of("viewer").upper()}
    assert await cast.error("platform", "createUser", taken) == ("CONFLICT", ["email"])


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_bad_values_are_named(cast: Cast) -> None:
    before = await cast.count(USER)
    for change, path in (
        ({"email": "nobody"}, ["email"]),
        ({"password": "7-chars"}, ["password"]),
        ({"password": "with a space"}, ["password"]),
        ({"password": "x" * 257}, ["password"]),
        ({"name": "x" * 255}, ["name"]),
        ({"metadata": []}, ["metadata"]),
    ):
        assert await cast.error("platform", "createUser", {**NEW, **change}) == ("INVALID_INPUT", path)
    assert await cast.count(USER) == before
