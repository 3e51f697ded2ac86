from __future__ import annotations

import pytest

from models.tables import SESSION, USER
from tests.cast import PASSWORD, PASSWORD_HASH, Cast, email_of

VIEWER = "{ viewer { user { email } } }"
CHANGE = {"oldPassword": PASSWORD, "newPassword": "another-password"}


async def test_new_password_ends_the_other_sessions(cast: Cast) -> None:
    here = await cast.token("viewer")
    there = await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    payload = await cast.change("viewer", "changePassword", CHANGE, "endedSessions user { email }")
    assert payload == {"endedSessions": 1, "user": {"email": email_of("viewer")}}
    assert (await cast.gateway.data(VIEWER, token=here))["viewer"]["user"]
    assert (await cast.gateway.graphql(VIEWER, token=there.access_token)).codes == ["UNAUTHENTICATED"]
    renewed = await cast.gateway.mutate("refreshSession", {"refreshToken": there.refresh_token})
    assert renewed["userErrors"][0]["code"] == "UNAUTHENTICATED"
    await cast.gateway.sign_in(email_of("viewer"), "another-password")
    old = {"email": email_of("viewer"), "password": PASSWORD}
    assert await cast.error("anonymous", "login", old) == ("UNAUTHENTICATED", None)


async def test_new_password_ends_this_session_too_when_asked(cast: Cast) -> None:
    payload = await cast.change("viewer", "changePassword", {**CHANGE, "everywhere": True}, "endedSessions")
    assert payload == {"endedSessions": 1}
    assert (await cast.gateway.graphql(VIEWER, token=await cast.token("viewer"))).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_wrong_old_and_bad_new_passwords_change_nothing(cast: Cast) -> None:
    for change, path in (
        ({"oldPassword": "a-wrong-password"}, ["oldPassword"]),
        ({"newPassword": "short"}, ["newPassword"]),
        ({"newPassword": "with a space"}, ["newPassword"]),
    ):
        assert await cast.error("viewer", "changePassword", {**CHANGE, **change}) == ("INVALID_INPUT", path)
    await cast.refused("changePassword", CHANGE, {"anonymous": "UNAUTHENTICATED", "thing": "FORBIDDEN"})
    assert await cast.value(USER.c.password_hash, USER.c.id == cast.people["viewer"]) == PASSWORD_HASH
    assert await cast.count(SESSION, SESSION.c.revoked_at.is_not(None)) == 0
