from __future__ import annotations

from typing import Any

import pytest

from models.enums import EventKind
from models.tables import EVENT, MEMBERSHIP
from tests.cast import Cast, email_of, org_id, refusals, user_id

FIELDS = "memberships { role user { name } organization { name } }"


def adding(cast: Cast, *members: dict[str, Any]) -> dict[str, Any]:
    return {"organizationId": org_id(cast.acme), "members": list(members)}


def named(name: str, role: str) -> dict[str, str]:
    return {"email": email_of(name), "role": role}


async def test_people_are_added_by_email_and_by_id(cast: Cast) -> None:
    seen = await cast.add_person("seen")
    await cast.change(
        "platform", "addMembers", {**adding(cast, named("seen", "VIEWER")), "organizationId": org_id(cast.other)}
    )
    by_id = {"userId": user_id(seen), "role": "EDITOR"}
    members = adding(cast, {"email": "LONER@example.com", "role": "VIEWER"}, by_id)
    payload = await cast.change("platform", "addMembers", members, FIELDS)
    acme = {"name": "Acme"}
    assert payload["memberships"] == [
        {"role": "VIEWER", "user": {"name": "Loner"}, "organization": acme},
        {"role": "EDITOR", "user": {"name": "Seen"}, "organization": acme},
    ]
    details = await cast.rows(EVENT.select().where(EVENT.c.organization_id == cast.acme).order_by(EVENT.c.sequence))
    assert [row.kind for row in details] == [EventKind.MEMBERSHIP_CHANGED] * 2
    assert details[1].detail == {"change": "ADDED", "userId": seen.hex, "role": "EDITOR", "previousRole": None}


async def test_new_member_acts_at_once(cast: Cast) -> None:
    names = "{ organizations { nodes { name } } }"
    assert (await cast.data("loner", names))["organizations"]["nodes"] == []
    await cast.change("admin", "addMembers", adding(cast, named("loner", "EDITOR")))
    nodes = (await cast.data("loner", names))["organizations"]["nodes"]
    assert {node["name"] for node in nodes} == {"Acme", "Acme North"}
    await cast.change("loner", "createGroup", {"organizationId": org_id(cast.north), "name": "Made by the new one"})


async def test_nobody_gives_a_role_at_or_above_their_own(cast: Cast) -> None:
    before = await cast.count(MEMBERSHIP)
    for caller, role, path in (
        ("admin", "ADMIN", ["members", "0", "role"]),
        ("admin", "OWNER", ["members", "0", "role"]),
        ("editor", "VIEWER", None),
        ("viewer", "VIEWER", None),
    ):
        assert await cast.error(caller, "addMembers", adding(cast, named("loner", role))) == ("FORBIDDEN", path)
    await cast.refused("addMembers", adding(cast, named("loner", "VIEWER")), refusals())
    assert await cast.count(MEMBERSHIP) == before
    await cast.change("owner", "addMembers", adding(cast, named("loner", "OWNER")))
    assert await cast.count(MEMBERSHIP) == before + 1


async def test_one_bad_entry_adds_nobody(cast: Cast) -> None:
    before = await cast.count(MEMBERSHIP)
    good = named("loner", "VIEWER")
    for bad, error in (
        ({"email": "nobody@example.com", "role": "VIEWER"}, ("NOT_FOUND", ["members", "1", "email"])),
        ({"email": "nobody", "role": "VIEWER"}, ("INVALID_INPUT", ["members", "1", "email"])),
        ({"userId": user_id(cast.people["outsider"]), "role": "VIEWER"}, ("NOT_FOUND", ["members", "1", "userId"])),
        ({"userId": org_id(cast.acme), "role": "VIEWER"}, ("INVALID_INPUT", ["members", "1", "userId"])),
        ({"role": "VIEWER"}, ("INVALID_INPUT", ["members", "1"])),
        ({**named("viewer", "VIEWER"), "userId": user_id(cast.people["viewer"])}, ("INVALID_INPUT", ["members", "1"])),
        (named("viewer", "EDITOR"), ("CONFLICT", ["members", "1"])),
        (named("loner", "EDITOR"), ("INVALID_INPUT", ["members", "1"])),
        (named("outsider", "ADMIN"), ("FORBIDDEN", ["members", "1", "role"])),
    ):
        assert await cast.error("admin", "addMembers", adding(cast, good, bad)) == error
    assert await cast.count(MEMBERSHIP) == before
    assert await cast.count(EVENT) == 0


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_list_is_bounded(cast: Cast) -> None:
    assert await cast.error("owner", "addMembers", adding(cast)) == ("INVALID_INPUT", ["members"])
    many = [named(f"person{number}", "VIEWER") for number in range(1001)]
    assert await cast.error("owner", "addMembers", adding(cast, *many)) == ("INVALID_INPUT", ["members"])
