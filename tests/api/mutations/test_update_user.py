from __future__ import annotations

from models.tables import USER
from tests.cast import Cast, email_of, user_id

FIELDS = "user { name email metadata version }"


async def test_own_account_is_patched(cast: Cast) -> None:
    changed = await cast.change("viewer", "updateUser", {"name": "Vera", "metadata": {"a": 1}}, FIELDS)
    assert changed["user"] == {"name": "Vera", "email": email_of("viewer"), "metadata": {"a": 1}, "version": 2}
    kept = await cast.change("viewer", "updateUser", {"metadata": None, "expectedVersion": 2}, FIELDS)
    assert kept["user"] == {"name": "Vera", "email": email_of("viewer"), "metadata": {}, "version": 3}
    own = {"id": user_id(cast.people["viewer"])}
    unchanged = await cast.change("viewer", "updateUser", own, FIELDS)
    assert unchanged["user"]["version"] == 3


async def test_newer_version_is_kept(cast: Cast) -> None:
    stale = {"name": "Vera", "expectedVersion": 7}
    assert await cast.error("viewer", "updateUser", stale) == ("CONFLICT", ["expectedVersion"])
    assert await cast.value(USER.c.name, USER.c.id == cast.people["viewer"]) == "Viewer"


async def test_platform_administrator_changes_anybody(cast: Cast) -> None:
    change = {"id": user_id(cast.people["loner"]), "name": "Lou", "email": "LOU@example.com"}
    assert (await cast.change("platform", "updateUser", change, FIELDS))["user"]["email"] == "lou@example.com"
    taken = {"id": user_id(cast.people["loner"]), "email": email_of("viewer")}
    assert await cast.error("platform", "updateUser", taken) == ("CONFLICT", ["email"])


async def test_nobody_else_changes_an_account(cast: Cast) -> None:
    change = {"id": user_id(cast.people["viewer"]), "name": "Somebody"}
    codes = {"owner": "FORBIDDEN", "admin": "FORBIDDEN", "editor": "FORBIDDEN", "outsider": "NOT_FOUND"}
    codes |= {"loner": "NOT_FOUND", "thing": "FORBIDDEN", "anonymous": "UNAUTHENTICATED"}
    await cast.refused("updateUser", change, codes)
    assert await cast.error("viewer", "updateUser", {"email": "other@example.com"}) == ("FORBIDDEN", ["email"])
    assert await cast.value(USER.c.name, USER.c.id == cast.people["viewer"]) == "Viewer"
    assert await cast.value(USER.c.email, USER.c.id == cast.people["viewer"]) == email_of("viewer")
