from __future__ import annotations

from models.enums import EventKind, Role
from models.tables import ARTIFACT, EVENT, MEMBERSHIP, REFRESH_TOKEN, SESSION, USER
from tests.cast import Cast, user_id
from tests.ota import declare


async def test_account_goes_with_sessions_and_memberships(cast: Cast) -> None:
    token = await cast.token("viewer")
    key = cast.people["viewer"]
    payload = await cast.change("platform", "deleteUser", {"id": user_id(key)}, "deletedId")
    assert payload == {"deletedId": user_id(key)}
    assert (await cast.gateway.graphql("{ viewer { isPlatformAdmin } }", token=token)).codes == ["UNAUTHENTICATED"]
    assert await cast.count(USER, USER.c.id == key) == 0
    assert await cast.count(MEMBERSHIP, MEMBERSHIP.c.user_id == key) == 0
    assert await cast.count(SESSION, SESSION.c.user_id == key) == 0
    # What is left are the platform administrator's own.
    assert await cast.count(REFRESH_TOKEN) == await cast.count(SESSION) == 1
    detail = await cast.value(EVENT.c.detail, EVENT.c.kind == EventKind.MEMBERSHIP_CHANGED)
    assert detail == {"change": "REMOVED", "userId": key.hex, "role": "VIEWER", "previousRole": None}


async def test_only_platform_administrators_delete(cast: Cast) -> None:
    forbidden = dict.fromkeys(("owner", "admin", "editor", "viewer", "thing"), "FORBIDDEN")
    codes = forbidden | {"anonymous": "UNAUTHENTICATED", "outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    await cast.refused("deleteUser", {"id": user_id(cast.people["viewer"])}, codes)
    assert await cast.count(USER, USER.c.id == cast.people["viewer"]) == 1


async def test_last_owner_and_last_platform_administrator_stay(cast: Cast) -> None:
    for name in ("owner", "platform"):
        assert await cast.error("platform", "deleteUser", {"id": user_id(cast.people[name])}) == ("CONFLICT", ["id"])
    await cast.add_person("second", cast.acme, Role.OWNER)
    await cast.change("platform", "deleteUser", {"id": user_id(cast.people["owner"])})
    assert await cast.count(MEMBERSHIP, MEMBERSHIP.c.role == Role.OWNER, MEMBERSHIP.c.organization_id == cast.acme) == 1


async def test_nobody_comes_to_see_what_was_private(cast: Cast) -> None:
    editor = user_id(cast.people["editor"])
    mine = (await declare(cast, private=True))["artifact"]["id"]
    assert await cast.error("platform", "deleteUser", {"id": editor}) == ("CONFLICT", ["id"])
    assert await cast.count(ARTIFACT, ARTIFACT.c.private_to_id == cast.people["editor"]) == 1
    await cast.change("platform", "deleteArtifact", {"id": mine})
    await cast.change("platform", "deleteUser", {"id": editor})
    assert await cast.count(USER, USER.c.id == cast.people["editor"]) == 0


async def test_unknown_account_is_not_found(cast: Cast) -> None:
    for wrong, code in (
        (user_id(cast.acme), "NOT_FOUND"),
        ("user_1", "INVALID_INPUT"),
        ("thing_" + "0" * 32, "INVALID_INPUT"),
    ):
        assert await cast.error("platform", "deleteUser", {"id": wrong}) == (code, ["id"])
