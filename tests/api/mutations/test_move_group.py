from __future__ import annotations

import asyncio

from models.tables import GROUP
from tests.cast import Cast, group_id, org_id, refusals

FIELDS = "group { version parent { name } children { nodes { name } } }"
MOVE = "mutation Move($input: MoveGroupInput!) { moveGroup(input: $input) { userErrors { code } } }"


async def create(cast: Cast, name: str, parent: str | None = None) -> str:
    new = {"organizationId": org_id(cast.acme), "name": name, "parentId": parent}
    return str((await cast.change("editor", "createGroup", new, "group { id }"))["group"]["id"])


async def test_group_moves_with_all_below_it(cast: Cast) -> None:
    hall, yard = group_id(cast.group), await create(cast, "Yard")
    await create(cast, "Row", hall)
    moved = await cast.change("editor", "moveGroup", {"id": hall, "parentId": yard, "expectedVersion": 1}, FIELDS)
    assert moved["group"] == {"version": 2, "parent": {"name": "Yard"}, "children": {"nodes": [{"name": "Row"}]}}
    back = await cast.change("editor", "moveGroup", {"id": hall, "parentId": None}, FIELDS)
    assert back["group"] == {"version": 3, "parent": None, "children": {"nodes": [{"name": "Row"}]}}


async def test_refused_moves_move_nothing(cast: Cast) -> None:
    hall, yard = group_id(cast.group), await create(cast, "Yard")
    row = await create(cast, "Row", hall)
    await create(cast, "Shelf", row)
    below = {"organizationId": org_id(cast.north), "name": "North hall"}
    north = (await cast.change("editor", "createGroup", below, "group { id }"))["group"]["id"]
    for parent, error in (
        (yard, ("LIMIT_REACHED", ["parentId"])),
        (row, ("INVALID_INPUT", ["parentId"])),
        (hall, ("INVALID_INPUT", ["parentId"])),
        (north, ("INVALID_INPUT", ["parentId"])),
        (group_id(cast.acme), ("NOT_FOUND", ["parentId"])),
    ):
        assert await cast.error("editor", "moveGroup", {"id": hall, "parentId": parent}) == error
    assert await cast.error("editor", "moveGroup", {"id": hall}) == ("INVALID_INPUT", ["parentId"])
    await cast.refused("moveGroup", {"id": row, "parentId": yard}, refusals(viewer="FORBIDDEN"))
    assert await cast.value(GROUP.c.parent_id, GROUP.c.id == cast.group) is None
    assert await cast.value(GROUP.c.parent_id, GROUP.c.name == "Row") == cast.group


async def test_moves_at_the_same_time_make_no_circle(cast: Cast) -> None:
    hall, yard = group_id(cast.group), await create(cast, "Yard")
    token = await cast.token("editor")
    moves = ({"id": hall, "parentId": yard}, {"id": yard, "parentId": hall})
    answers = await asyncio.gather(*(cast.gateway.graphql(MOVE, {"input": move}, token=token) for move in moves))
    codes = [[error["code"] for error in answer.data["moveGroup"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[], ["INVALID_INPUT"]]
