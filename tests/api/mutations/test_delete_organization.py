from __future__ import annotations

import pytest

from models.enums import EventKind
from models.tables import EVENT, GROUP, MEMBERSHIP, ORGANIZATION, ORGANIZATION_ANCESTOR, PROFILE, THING, USER
from services import cascades
from tests.cast import Cast, org_id, refusals

FIELDS = "deletedId deletedOrganizations deletedThings"


async def test_empty_leaf_is_deleted(cast: Cast) -> None:
    payload = await cast.change("owner", "deleteOrganization", {"id": org_id(cast.north)}, FIELDS)
    assert payload == {"deletedId": org_id(cast.north), "deletedOrganizations": 1, "deletedThings": 0}
    assert await cast.count(ORGANIZATION_ANCESTOR, ORGANIZATION_ANCESTOR.c.organization_id == cast.north) == 0


async def test_conflict_says_what_is_still_there(cast: Cast) -> None:
    (error,) = await cast.errors("owner", "deleteOrganization", {"id": org_id(cast.acme)})
    assert error == {
        "code": "CONFLICT",
        "message": "the organization still has 1 sub-organization, 1 group, 1 profile, 1 thing",
        "path": ["id"],
    }
    assert await cast.count(ORGANIZATION) == 3


async def test_cascade_takes_everything_but_people(cast: Cast) -> None:
    await cast.add_things(3, organization=cast.north)
    people = await cast.count(USER)
    payload = await cast.change("owner", "deleteOrganization", {"id": org_id(cast.acme), "cascade": True}, FIELDS)
    assert payload == {"deletedId": org_id(cast.acme), "deletedOrganizations": 2, "deletedThings": 4}
    assert await cast.count(USER) == people
    for table in (THING, GROUP, PROFILE):
        assert await cast.count(table) == 0
    assert await cast.count(MEMBERSHIP) == await cast.count(ORGANIZATION) == 1
    assert await cast.count(EVENT, EVENT.c.kind == EventKind.THING_DELETED) == 4
    assert await cast.count(EVENT, EVENT.c.kind == EventKind.MEMBERSHIP_CHANGED) == 4
    assert (await cast.gateway.graphql("{ viewer { isPlatformAdmin } }", token=await cast.token("thing"))).status == 401


async def test_refused_deletions_delete_nothing(cast: Cast) -> None:
    named = {"id": org_id(cast.north), "cascade": True}
    codes = refusals(viewer="FORBIDDEN", editor="FORBIDDEN", admin="FORBIDDEN")
    await cast.refused("deleteOrganization", named, codes)
    stale = {**named, "expectedVersion": 5}
    assert await cast.error("owner", "deleteOrganization", stale) == ("CONFLICT", ["expectedVersion"])
    assert await cast.count(ORGANIZATION) == 3


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_what_holds_too_many_things_is_emptied_first(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascades, "MAX_THINGS", 0)
    named = {"id": org_id(cast.acme), "cascade": True}
    assert await cast.error("owner", "deleteOrganization", named) == ("LIMIT_REACHED", ["id"])
    assert (await cast.count(ORGANIZATION), await cast.count(THING)) == (3, 1)
