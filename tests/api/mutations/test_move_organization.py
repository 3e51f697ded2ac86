from __future__ import annotations

import asyncio
from uuid import UUID

from models.enums import Role
from models.tables import ORGANIZATION, ORGANIZATION_ANCESTOR
from tests.cast import Cast, org_id, refusals

FIELDS = "organization { parent { name } version }"
MOVE = "mutation Move($input: MoveOrganizationInput!) { moveOrganization(input: $input) { userErrors { code } } }"


async def below(cast: Cast, name: str, parent: UUID) -> UUID:
    created = await cast.change(
        "platform", "createOrganization", {"name": name, "parentId": org_id(parent)}, "organization { id }"
    )
    return UUID(hex=created["organization"]["id"].removeprefix("org_"))


async def ancestors(cast: Cast, key: UUID) -> dict[UUID, int]:
    closure = ORGANIZATION_ANCESTOR.c
    return {
        row.ancestor_id: row.depth
        for row in await cast.rows(ORGANIZATION_ANCESTOR.select().where(closure.organization_id == key))
    }


async def test_branch_moves_with_all_below_it(cast: Cast) -> None:
    south = await below(cast, "Acme South", cast.acme)
    leaf = await below(cast, "Leaf", cast.north)
    moved = await cast.change(
        "admin", "moveOrganization", {"id": org_id(cast.north), "parentId": org_id(south), "expectedVersion": 1}, FIELDS
    )
    assert moved["organization"] == {"parent": {"name": "Acme South"}, "version": 2}
    assert await ancestors(cast, leaf) == {leaf: 0, cast.north: 1, south: 2, cast.acme: 3}


async def test_roles_follow_the_new_place(cast: Cast) -> None:
    await cast.add_person("both", cast.acme, Role.OWNER)
    joined = {"organizationId": org_id(cast.other), "members": [{"email": "both@example.com", "role": "ADMIN"}]}
    await cast.change("outsider", "addMembers", joined)
    await cast.change("both", "moveOrganization", {"id": org_id(cast.north), "parentId": org_id(cast.other)})
    named = {"id": org_id(cast.north)}
    seen = "query Seen($id: ID!) { organization(id: $id) { name } }"
    assert (await cast.data("viewer", seen, named))["organization"] is None
    assert (await cast.data("outsider", seen, named))["organization"] == {"name": "Acme North"}


async def test_new_root_has_an_owner(cast: Cast) -> None:
    fields = "organization { parent { id } memberships { nodes { role user { name } } } }"
    root = {"id": org_id(cast.north), "parentId": None}
    assert await cast.refusal("admin", "moveOrganization", root) == "FORBIDDEN"
    moved = await cast.change("owner", "moveOrganization", root, fields)
    owner = {"role": "OWNER", "user": {"name": "Owner"}}
    assert moved["organization"] == {"parent": None, "memberships": {"nodes": [owner]}}
    assert await ancestors(cast, cast.north) == {cast.north: 0}


async def test_refused_moves_move_nothing(cast: Cast) -> None:
    inner = await below(cast, "Inner", cast.north)
    move = {"id": org_id(cast.north), "parentId": org_id(inner)}
    assert await cast.error("owner", "moveOrganization", move) == ("INVALID_INPUT", ["parentId"])
    itself = {"id": org_id(cast.north), "parentId": org_id(cast.north)}
    assert await cast.error("owner", "moveOrganization", itself) == ("INVALID_INPUT", ["parentId"])
    foreign = {"id": org_id(cast.north), "parentId": org_id(cast.other)}
    assert await cast.error("owner", "moveOrganization", foreign) == ("NOT_FOUND", ["parentId"])
    assert await cast.error("owner", "moveOrganization", {"id": org_id(cast.north)}) == ("INVALID_INPUT", ["parentId"])
    up = {"id": org_id(inner), "parentId": org_id(cast.acme)}
    await cast.refused("moveOrganization", up, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    # Who owns an organization alone cannot take it away from the one above it.
    await cast.add_person("tenant", inner, Role.OWNER)
    own = await cast.change("tenant", "createOrganization", {"name": "Own"}, "organization { id }")
    away = {"id": org_id(inner), "parentId": own["organization"]["id"]}
    assert await cast.error("tenant", "moveOrganization", away) == ("FORBIDDEN", ["id"])
    assert await cast.value(ORGANIZATION.c.parent_id, ORGANIZATION.c.id == cast.north) == cast.acme
    assert await ancestors(cast, inner) == {inner: 0, cast.north: 1, cast.acme: 2}


async def test_moves_at_the_same_time_make_no_circle(cast: Cast) -> None:
    south = await below(cast, "Acme South", cast.acme)
    token = await cast.token("owner")
    moves = [(cast.north, south), (south, cast.north)]
    answers = await asyncio.gather(
        *(
            cast.gateway.graphql(MOVE, {"input": {"id": org_id(one), "parentId": org_id(other)}}, token=token)
            for one, other in moves
        )
    )
    codes = [[error["code"] for error in answer.data["moveOrganization"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[], ["INVALID_INPUT"]]
    roots = await cast.count(ORGANIZATION, ORGANIZATION.c.parent_id.is_(None))
    assert roots == 2
