from __future__ import annotations

import asyncio

import pytest

from models.tables import GROUP, GROUP_ANCESTOR
from tests.cast import Cast, group_id, org_id, refusals

FIELDS = "group { name kind description metadata version parent { name } organization { name } things { totalCount } }"
CREATE = "mutation Create($input: CreateGroupInput!) { createGroup(input: $input) { userErrors { code path } } }"


async def test_editor_creates_groups_on_three_levels(cast: Cast) -> None:
    here = {"organizationId": org_id(cast.acme)}
    row = {**here, "name": "Row", "parentId": group_id(cast.group), "kind": "INSTALLATION", "metadata": {"a": 1}}
    created = (await cast.change("editor", "createGroup", row, "group { id } " + FIELDS))["group"]
    parent = created.pop("id")
    assert created == {
        "name": "Row",
        "kind": "INSTALLATION",
        "description": "",
        "metadata": {"a": 1},
        "version": 1,
        "parent": {"name": "Hall"},
        "organization": {"name": "Acme"},
        "things": {"totalCount": 0},
    }
    third = await cast.change("editor", "createGroup", {**here, "name": "Shelf", "parentId": parent}, "group { id }")
    fourth = {**here, "name": "Box", "parentId": third["group"]["id"]}
    assert await cast.error("editor", "createGroup", fourth) == ("LIMIT_REACHED", ["parentId"])
    assert await cast.count(GROUP) == 3
    assert await cast.count(GROUP_ANCESTOR) == 6


async def test_refused_groups_are_not_there(cast: Cast) -> None:
    new = {"organizationId": org_id(cast.acme), "name": "New"}
    await cast.refused("createGroup", new, refusals(viewer="FORBIDDEN"))
    foreign = {"organizationId": org_id(cast.north), "name": "New", "parentId": group_id(cast.group)}
    for change, error in (
        ({**new, "name": "Hall"}, ("CONFLICT", ["name"])),
        ({**new, "name": " "}, ("INVALID_INPUT", ["name"])),
        ({**new, "metadata": "x"}, ("INVALID_INPUT", ["metadata"])),
        ({**new, "organizationId": org_id(cast.other)}, ("NOT_FOUND", ["organizationId"])),
        ({**new, "parentId": group_id(cast.acme)}, ("NOT_FOUND", ["parentId"])),
        (foreign, ("INVALID_INPUT", ["parentId"])),
    ):
        assert await cast.error("editor", "createGroup", change) == error
    assert await cast.count(GROUP) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_of_two_groups_of_one_name_at_the_same_time_one_is_made(cast: Cast) -> None:
    new = {"input": {"organizationId": org_id(cast.acme), "name": "New"}}
    token = await cast.token("editor")
    answers = await asyncio.gather(*(cast.gateway.graphql(CREATE, new, token=token) for _ in range(4)))
    codes = [[each["code"] for each in answer.data["createGroup"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[], ["CONFLICT"], ["CONFLICT"], ["CONFLICT"]]
    assert await cast.count(GROUP, GROUP.c.name == "New") == 1
