from __future__ import annotations

import pytest

from models.tables import EVENT, GROUP_THING
from tests.cast import Cast, group_id, org_id, refusals, thing_id
from tests.statements import Recorder

FIELDS = "addedThings group { things { totalCount nodes { name } } }"


async def yard(cast: Cast) -> str:
    new = {"organizationId": org_id(cast.acme), "name": "Yard"}
    return str((await cast.change("editor", "createGroup", new, "group { id }"))["group"]["id"])


async def test_things_join_beside_their_home(cast: Cast) -> None:
    things = [cast.thing, *await cast.add_things(2)]
    joining = {"groupId": await yard(cast), "thingIds": [thing_id(key) for key in things[:2]]}
    first = await cast.change("editor", "addThingsToGroup", joining, FIELDS)
    assert (first["addedThings"], first["group"]["things"]["totalCount"]) == (2, 2)
    more = {**joining, "thingIds": [thing_id(key) for key in things]}
    again = await cast.change("editor", "addThingsToGroup", more, FIELDS)
    assert (again["addedThings"], again["group"]["things"]["totalCount"]) == (1, 3)
    at_home = GROUP_THING.c.is_home
    assert await cast.value(GROUP_THING.c.group_id, GROUP_THING.c.thing_id == cast.thing, at_home) == cast.group
    assert len(await cast.rows(EVENT.select())) == 3
    home = {"groupId": group_id(cast.group), "thingIds": [thing_id(cast.thing)]}
    assert (await cast.change("editor", "addThingsToGroup", home, "addedThings"))["addedThings"] == 0


async def test_one_bad_thing_adds_none(cast: Cast) -> None:
    (good,), (foreign,) = await cast.add_things(1), await cast.add_things(1, organization=cast.other)
    (below,) = await cast.add_things(1, organization=cast.north)
    group = await yard(cast)
    before = await cast.count(GROUP_THING)
    for ids, error in (
        ([thing_id(good), thing_id(foreign)], ("NOT_FOUND", ["thingIds", "1"])),
        ([thing_id(good), thing_id(below)], ("INVALID_INPUT", ["thingIds", "1"])),
        ([thing_id(good), group], ("INVALID_INPUT", ["thingIds", "1"])),
        ([thing_id(good), thing_id(good)], ("INVALID_INPUT", ["thingIds"])),
        ([], ("INVALID_INPUT", ["thingIds"])),
    ):
        assert await cast.error("editor", "addThingsToGroup", {"groupId": group, "thingIds": ids}) == error
    joining = {"groupId": group, "thingIds": [thing_id(good)]}
    await cast.refused("addThingsToGroup", joining, refusals(viewer="FORBIDDEN"))
    assert await cast.count(GROUP_THING) == before


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_statements_do_not_grow_with_the_things(cast: Cast, statements: Recorder) -> None:
    group = await yard(cast)
    few, many = await cast.add_things(2), await cast.add_things(1000)
    counts = []
    for things in (few, many):
        with statements() as seen:
            joining = {"groupId": group, "thingIds": [thing_id(key) for key in things]}
            await cast.change("editor", "addThingsToGroup", joining)
        counts.append(seen.count)
    assert counts[0] == counts[1]
    too_many = {"groupId": group, "thingIds": [thing_id(key) for key in (*few, *many)]}
    assert await cast.error("editor", "addThingsToGroup", too_many) == ("INVALID_INPUT", ["thingIds"])
