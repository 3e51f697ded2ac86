from __future__ import annotations

from models.tables import GROUP_THING
from tests.cast import Cast, group_id, org_id, refusals, thing_id

FIELDS = "removedThings group { things { totalCount } }"


async def yard(cast: Cast, *things: str) -> str:
    new = {"organizationId": org_id(cast.acme), "name": "Yard"}
    group = str((await cast.change("editor", "createGroup", new, "group { id }"))["group"]["id"])
    await cast.change("editor", "addThingsToGroup", {"groupId": group, "thingIds": list(things)})
    return group


async def test_things_leave_and_others_are_left_alone(cast: Cast) -> None:
    first, second, outside = (thing_id(key) for key in await cast.add_things(3))
    group = await yard(cast, first, second, thing_id(cast.thing))
    leaving = {"groupId": group, "thingIds": [first, outside, thing_id(cast.thing)]}
    payload = await cast.change("editor", "removeThingsFromGroup", leaving, FIELDS)
    assert payload == {"removedThings": 2, "group": {"things": {"totalCount": 1}}}
    assert await cast.count(GROUP_THING, GROUP_THING.c.thing_id == cast.thing, GROUP_THING.c.is_home) == 1


async def test_home_is_not_left_this_way(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    hall = group_id(cast.group)
    await cast.change("editor", "addThingsToGroup", {"groupId": hall, "thingIds": [thing_id(other)]})
    leaving = {"groupId": hall, "thingIds": [thing_id(other), thing_id(cast.thing)]}
    assert await cast.error("editor", "removeThingsFromGroup", leaving) == ("WRONG_STATE", ["thingIds", "1"])
    assert await cast.count(GROUP_THING, GROUP_THING.c.group_id == cast.group) == 2


async def test_those_who_may_not(cast: Cast) -> None:
    (other,) = (thing_id(key) for key in await cast.add_things(1))
    leaving = {"groupId": await yard(cast, other), "thingIds": [other]}
    before = await cast.count(GROUP_THING)
    await cast.refused("removeThingsFromGroup", leaving, refusals(viewer="FORBIDDEN"))
    unknown = {**leaving, "thingIds": [other, thing_id(cast.acme)]}
    assert await cast.error("editor", "removeThingsFromGroup", unknown) == ("NOT_FOUND", ["thingIds", "1"])
    assert await cast.count(GROUP_THING) == before
