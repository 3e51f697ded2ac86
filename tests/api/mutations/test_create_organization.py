from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from models.enums import Role
from models.ids import new_id
from models.tables import MEMBERSHIP, ORGANIZATION, ORGANIZATION_ANCESTOR
from services.organizations import OWNED_ROOTS
from services.trees import ORGANIZATIONS
from tests.cast import Cast, org_id, refusals

FIELDS = """organization {
  id name description email phone address metadata status thingLimit version createdAt updatedAt
  parent { name } memberships { nodes { role user { name } } }
}"""


async def test_root_belongs_to_its_maker(cast: Cast) -> None:
    details = {"email": "Office@example.com", "phone": "+49 30 1", "address": {"city": "Berlin"}, "metadata": {"a": 1}}
    created = (await cast.change("loner", "createOrganization", {"name": " New ", **details}, FIELDS))["organization"]
    assert created.pop("createdAt") == created.pop("updatedAt")
    assert created.pop("id").startswith("org_")
    assert created == {
        **details,
        "name": "New",
        "description": "",
        "email": "office@example.com",
        "status": "ACTIVE",
        "thingLimit": None,
        "version": 1,
        "parent": None,
        "memberships": {"nodes": [{"role": "OWNER", "user": {"name": "Loner"}}]},
    }


async def test_organization_below_another_takes_the_roles_from_above(cast: Cast) -> None:
    below = {"name": "Acme South", "parentId": org_id(cast.north), "thingLimit": 5}
    created = (await cast.change("admin", "createOrganization", below, FIELDS))["organization"]
    assert created["parent"] == {"name": "Acme North"}
    assert created["memberships"] == {"nodes": []}
    assert created["thingLimit"] == 5
    seen = await cast.data("viewer", "query Seen($id: ID!) { organization(id: $id) { name } }", {"id": created["id"]})
    assert seen == {"organization": {"name": "Acme South"}}
    depth = ORGANIZATION_ANCESTOR.c.depth
    assert await cast.value(depth, ORGANIZATION_ANCESTOR.c.ancestor_id == cast.acme, depth > 1) == 2


async def test_those_who_may_not_create(cast: Cast) -> None:
    before = await cast.count(ORGANIZATION)
    below = {"name": "Sub", "parentId": org_id(cast.acme)}
    await cast.refused("createOrganization", below, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    await cast.refused("createOrganization", {"name": "Root"}, {"anonymous": "UNAUTHENTICATED", "thing": "FORBIDDEN"})
    # The limit of a root is the platform's.
    limited = {"name": "Root", "thingLimit": 5}
    assert await cast.error("owner", "createOrganization", limited) == ("FORBIDDEN", ["thingLimit"])
    assert await cast.count(ORGANIZATION) == before


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_bad_values_are_named(cast: Cast) -> None:
    before = await cast.count(ORGANIZATION)
    for change, path in (
        ({"name": "  "}, ["name"]),
        ({"name": "x" * 255}, ["name"]),
        ({"description": "x" * 4097}, ["description"]),
        ({"email": "nobody"}, ["email"]),
        ({"phone": "1" * 65}, ["phone"]),
        ({"address": "Berlin"}, ["address"]),
        ({"metadata": [1]}, ["metadata"]),
        ({"parentId": "thing_" + "0" * 32}, ["parentId"]),
    ):
        assert await cast.error("owner", "createOrganization", {"name": "New", **change}) == ("INVALID_INPUT", path)
    assert await cast.count(ORGANIZATION) == before


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_trees_and_roots_are_bounded(cast: Cast) -> None:
    parent = org_id(cast.north)
    for level in range(3, ORGANIZATIONS.levels + 1):
        deeper = {"name": f"Level {level}", "parentId": parent}
        parent = (await cast.change("owner", "createOrganization", deeper, "organization { id }"))["organization"]["id"]
    too_deep = {"name": "Too deep", "parentId": parent}
    assert await cast.error("owner", "createOrganization", too_deep) == ("LIMIT_REACHED", ["parentId"])
    stamps = {"created_at": datetime.now(UTC), "updated_at": datetime.now(UTC)}
    async with cast.store.write() as session:
        for number in range(OWNED_ROOTS):
            key = new_id()
            texts = {"description": "", "address": {}, "metadata": {}, "status": "ACTIVE", "version": 1}
            await session.execute(insert(ORGANIZATION).values(id=key, name=f"Root {number}", **texts, **stamps))
            member = {"id": new_id(), "organization_id": key, "user_id": cast.people["loner"], "role": Role.OWNER}
            await session.execute(insert(MEMBERSHIP).values(**member, **stamps))
    assert await cast.error("loner", "createOrganization", {"name": "One more"}) == ("LIMIT_REACHED", None)
    assert await cast.count(ORGANIZATION, ORGANIZATION.c.name.in_(["Too deep", "One more"])) == 0
