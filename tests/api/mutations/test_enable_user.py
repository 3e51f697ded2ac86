from __future__ import annotations

from models.enums import UserStatus
from models.tables import USER
from tests.cast import PASSWORD, Cast, email_of, user_id


async def test_enabled_account_signs_in_again(cast: Cast) -> None:
    named = {"id": user_id(cast.people["viewer"])}
    await cast.change("platform", "disableUser", named)
    await cast.refused("enableUser", named, {"owner": "FORBIDDEN", "loner": "NOT_FOUND", "thing": "FORBIDDEN"})
    assert await cast.value(USER.c.status, USER.c.id == cast.people["viewer"]) is UserStatus.DISABLED
    payload = await cast.change("platform", "enableUser", named, "user { status }")
    assert payload["user"] == {"status": "ACTIVE"}
    await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
