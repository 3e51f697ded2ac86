from __future__ import annotations

import asyncio
from typing import Any

from models.enums import Role
from models.tables import EVENT, MEMBERSHIP
from tests.cast import Cast, email_of, org_id, refusals, user_id

UPDATE = "mutation Change($input: UpdateMembersInput!) { updateMembers(input: $input) { userErrors { code } } }"


def updating(cast: Cast, **roles: str) -> dict[str, Any]:
    members = [{"email": email_of(name), "role": role} for name, role in roles.items()]
    return {"organizationId": org_id(cast.acme), "members": members}


async def role_of(cast: Cast, name: str) -> Role | None:
    mine = (MEMBERSHIP.c.organization_id == cast.acme, MEMBERSHIP.c.user_id == cast.people[name])
    rows = await cast.rows(MEMBERSHIP.select().where(*mine))
    return rows[0].role if rows else None


async def test_members_get_other_roles(cast: Cast) -> None:
    change = updating(cast, viewer="EDITOR")
    change["members"].append({"userId": user_id(cast.people["editor"]), "role": "VIEWER"})
    payload = await cast.change("admin", "updateMembers", change, "memberships { role user { name } }")
    assert payload["memberships"] == [
        {"role": "EDITOR", "user": {"name": "Viewer"}},
        {"role": "VIEWER", "user": {"name": "Editor"}},
    ]
    rows = await cast.rows(EVENT.select())
    assert sorted((row.detail["previousRole"], row.detail["role"]) for row in rows) == [
        ("EDITOR", "VIEWER"),
        ("VIEWER", "EDITOR"),
    ]
    group = {"organizationId": org_id(cast.acme), "name": "Made by the viewer"}
    await cast.change("viewer", "createGroup", group)
    assert await cast.refusal("editor", "createGroup", {**group, "name": "No longer"}) == "FORBIDDEN"


async def test_rank_bounds_what_is_given_and_whose_role_is_changed(cast: Cast) -> None:
    await cast.add_person("admin2", cast.acme, Role.ADMIN)
    for caller, roles, path in (
        ("admin", {"viewer": "ADMIN"}, ["members", "0", "role"]),
        ("admin", {"admin2": "VIEWER"}, ["members", "0"]),
        ("admin", {"owner": "VIEWER"}, ["members", "0"]),
        ("admin", {"admin": "EDITOR"}, ["members", "0"]),
        ("admin", {"viewer": "EDITOR", "owner": "ADMIN"}, ["members", "1"]),
        ("editor", {"viewer": "EDITOR"}, None),
    ):
        assert await cast.error(caller, "updateMembers", updating(cast, **roles)) == ("FORBIDDEN", path)
    await cast.refused("updateMembers", updating(cast, viewer="EDITOR"), refusals(viewer="FORBIDDEN"))
    assert [await role_of(cast, name) for name in ("owner", "admin", "admin2", "viewer")] == [
        Role.OWNER,
        Role.ADMIN,
        Role.ADMIN,
        Role.VIEWER,
    ]
    assert await cast.count(EVENT) == 0


async def test_who_is_no_member_is_not_added(cast: Cast) -> None:
    change = updating(cast, viewer="EDITOR", loner="VIEWER")
    assert await cast.error("owner", "updateMembers", change) == ("NOT_FOUND", ["members", "1"])
    assert await role_of(cast, "loner") is None
    assert await role_of(cast, "viewer") is Role.VIEWER


async def test_last_owner_stays_owner(cast: Cast) -> None:
    for caller in ("owner", "platform"):
        assert (await cast.error(caller, "updateMembers", updating(cast, owner="ADMIN")))[0] == "CONFLICT"
    handed_over = updating(cast, owner="ADMIN", admin="OWNER")
    await cast.change("owner", "updateMembers", handed_over)
    assert [await role_of(cast, name) for name in ("owner", "admin")] == [Role.ADMIN, Role.OWNER]


async def test_owners_who_demote_each_other_leave_one(cast: Cast) -> None:
    await cast.add_person("owner2", cast.acme, Role.OWNER)
    calls = [("owner", {"owner2": "VIEWER"}), ("owner2", {"owner": "VIEWER"})]
    tokens = [await cast.token(caller) for caller, _ in calls]
    await asyncio.gather(
        *(
            cast.gateway.graphql(UPDATE, {"input": updating(cast, **roles)}, token=token)
            for (_, roles), token in zip(calls, tokens, strict=True)
        )
    )
    assert await cast.count(MEMBERSHIP, MEMBERSHIP.c.organization_id == cast.acme, MEMBERSHIP.c.role == Role.OWNER) == 1
