from __future__ import annotations

import pytest

from models.enums import EventKind
from models.tables import EVENT, GROUP, GROUP_ANCESTOR, GROUP_THING, THING
from services import cascades
from tests.cast import Cast, group_id, org_id, refusals, thing_id

FIELDS = "deletedId deletedGroups deletedThings thingsWithoutHome"


async def child(cast: Cast) -> str:
    new = {"organizationId": org_id(cast.acme), "name": "Row", "parentId": group_id(cast.group)}
    return str((await cast.change("editor", "createGroup", new, "group { id }"))["group"]["id"])


async def test_groups_below_go_and_things_stay(cast: Cast) -> None:
    row = await child(cast)
    (guest,) = await cast.add_things(1)
    await cast.change("editor", "addThingsToGroup", {"groupId": row, "thingIds": [thing_id(guest)]})
    payload = await cast.change("admin", "deleteGroup", {"id": group_id(cast.group), "expectedVersion": 1}, FIELDS)
    assert payload == {
        "deletedId": group_id(cast.group),
        "deletedGroups": 2,
        "deletedThings": 0,
        "thingsWithoutHome": 1,
    }
    for table in (GROUP, GROUP_ANCESTOR, GROUP_THING):
        assert await cast.count(table) == 0
    assert await cast.count(THING) == 2
    assert await cast.value(THING.c.home_group_id, THING.c.id == cast.thing) is None
    assert await cast.value(THING.c.version, THING.c.id == cast.thing) == 2
    assert await cast.value(EVENT.c.thing_id, EVENT.c.kind == EventKind.THING_MOVED) == cast.thing


async def test_cascade_takes_the_things_at_home(cast: Cast) -> None:
    (guest,) = await cast.add_things(1)
    await cast.change("editor", "addThingsToGroup", {"groupId": group_id(cast.group), "thingIds": [thing_id(guest)]})
    payload = await cast.change("admin", "deleteGroup", {"id": group_id(cast.group), "cascade": True}, FIELDS)
    assert (payload["deletedThings"], payload["thingsWithoutHome"]) == (1, 0)
    assert [row.id for row in await cast.rows(THING.select())] == [guest]
    deleted = {"name": "Pump", "leftGroups": [cast.group.hex]}
    assert await cast.value(EVENT.c.detail, EVENT.c.kind == EventKind.THING_DELETED) == deleted
    answer = await cast.gateway.graphql("{ viewer { isPlatformAdmin } }", token=await cast.token("thing"))
    assert answer.codes == ["UNAUTHENTICATED"]


async def test_refused_deletions_delete_nothing(cast: Cast) -> None:
    named = {"id": group_id(cast.group), "cascade": True}
    await cast.refused("deleteGroup", named, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    stale = {**named, "expectedVersion": 2}
    assert await cast.error("admin", "deleteGroup", stale) == ("CONFLICT", ["expectedVersion"])
    assert (await cast.count(GROUP), await cast.count(THING)) == (1, 1)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_what_holds_too_many_things_is_emptied_first(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascades, "MAX_THINGS", 0)
    named = {"id": group_id(cast.group), "cascade": True}
    assert await cast.error("owner", "deleteGroup", named) == ("LIMIT_REACHED", ["id"])
    assert (await cast.count(GROUP), await cast.count(THING)) == (1, 1)
