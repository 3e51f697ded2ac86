from __future__ import annotations

from typing import Any

from models.enums import Role
from models.tables import EVENT, MEMBERSHIP, USER
from tests.cast import Cast, org_id, refusals, user_id


def removing(cast: Cast, *names: str) -> dict[str, Any]:
    return {"organizationId": org_id(cast.acme), "userIds": [user_id(cast.people[name]) for name in names]}


async def members(cast: Cast) -> int:
    return await cast.count(MEMBERSHIP, MEMBERSHIP.c.organization_id == cast.acme)


async def test_access_ends_and_the_account_stays(cast: Cast) -> None:
    names = "{ organizations { nodes { name } } }"
    assert len((await cast.data("viewer", names))["organizations"]["nodes"]) == 2
    payload = await cast.change("admin", "removeMembers", removing(cast, "viewer", "editor"), "removedIds")
    assert [each.startswith("membership_") for each in payload["removedIds"]] == [True, True]
    assert (await cast.data("viewer", names))["organizations"]["nodes"] == []
    assert await cast.count(USER, USER.c.id == cast.people["viewer"]) == 1
    details = [row.detail["change"] for row in await cast.rows(EVENT.select())]
    assert details == ["REMOVED", "REMOVED"]


async def test_one_bad_entry_removes_nobody(cast: Cast) -> None:
    before = await members(cast)
    for caller, names, error in (
        ("admin", ("viewer", "owner"), ("FORBIDDEN", ["userIds", "1"])),
        ("owner", ("viewer", "loner"), ("NOT_FOUND", ["userIds", "1"])),
        ("owner", ("viewer", "viewer"), ("INVALID_INPUT", ["userIds", "1"])),
        ("owner", (), ("INVALID_INPUT", ["userIds"])),
        ("editor", ("viewer",), ("FORBIDDEN", None)),
        ("viewer", ("editor",), ("FORBIDDEN", None)),
    ):
        assert await cast.error(caller, "removeMembers", removing(cast, *names)) == error
    await cast.refused("removeMembers", removing(cast, "viewer"), refusals())
    assert await members(cast) == before


async def test_last_owner_cannot_be_removed(cast: Cast) -> None:
    for caller in ("owner", "platform"):
        assert (await cast.error(caller, "removeMembers", removing(cast, "owner")))[0] == "CONFLICT"
    await cast.add_person("owner2", cast.acme, Role.OWNER)
    await cast.change("owner2", "removeMembers", removing(cast, "owner"))
    assert await cast.count(MEMBERSHIP, MEMBERSHIP.c.user_id == cast.people["owner"]) == 0
