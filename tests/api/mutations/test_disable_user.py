from __future__ import annotations

import asyncio

from models.enums import UserStatus
from models.tables import SESSION, USER
from tests.cast import PASSWORD, Cast, email_of, user_id

VIEWER = "{ viewer { user { email } } }"


async def test_disabled_account_is_out_at_once(cast: Cast) -> None:
    token = await cast.token("viewer")
    named = {"id": user_id(cast.people["viewer"])}
    payload = await cast.change("platform", "disableUser", named, "user { status version }")
    assert payload["user"] == {"status": "DISABLED", "version": 2}
    assert (await cast.gateway.graphql(VIEWER, token=token)).codes == ["UNAUTHENTICATED"]
    assert await cast.count(SESSION, SESSION.c.revoked_at.is_not(None)) == 1
    again = await cast.change("platform", "disableUser", named, "user { version }")
    assert again["user"] == {"version": 2}
    credentials = {"email": email_of("viewer"), "password": PASSWORD}
    assert await cast.error("anonymous", "login", credentials) == ("UNAUTHENTICATED", None)


async def test_only_platform_administrators_disable(cast: Cast) -> None:
    forbidden = dict.fromkeys(("owner", "admin", "editor", "viewer", "thing"), "FORBIDDEN")
    codes = forbidden | {"anonymous": "UNAUTHENTICATED", "outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    await cast.refused("disableUser", {"id": user_id(cast.people["viewer"])}, codes)
    assert await cast.value(USER.c.status, USER.c.id == cast.people["viewer"]) is UserStatus.ACTIVE
    stale = {"id": user_id(cast.people["viewer"]), "expectedVersion": 9}
    assert await cast.error("platform", "disableUser", stale) == ("CONFLICT", ["expectedVersion"])


async def test_last_platform_administrator_stays(cast: Cast) -> None:
    itself = {"id": user_id(cast.people["platform"])}
    assert await cast.error("platform", "disableUser", itself) == ("CONFLICT", ["id"])
    await cast.add_person("platform2")
    other = {"id": user_id(cast.people["platform2"])}
    for caller in ("platform", "platform2"):
        await cast.token(caller)
    answers = await asyncio.gather(
        cast.gateway.graphql(_DISABLE, {"input": other}, token=await cast.token("platform")),
        cast.gateway.graphql(_DISABLE, {"input": itself}, token=await cast.token("platform2")),
    )
    assert all(answer.status in {200, 401} for answer in answers)
    active = USER.c.is_platform_admin & (USER.c.status == UserStatus.ACTIVE)
    assert await cast.count(USER, active) == 1


_DISABLE = "mutation Disable($input: DisableUserInput!) { disableUser(input: $input) { userErrors { code } } }"
