"""Accepted things that leave by other doors: each frees its place, or may not leave."""

from __future__ import annotations

import pytest

from models.tables import AUTH_SET, THING, THING_TOKEN
from tests.cast import Cast, group_id, org_id
from tests.key_pairs import Device, accepted_count, add_tenant
from tests.rows import key


@pytest.fixture
async def devices(cast: Cast) -> list[Device]:
    """Two accepted things, and one that waits."""
    await add_tenant(cast)
    made = [await Device(cast, {"mac": f"m{number}"}).accepted() for number in range(2)]
    waiting = Device(cast, {"mac": "waiting"})
    assert await waiting.is_refused()
    assert await accepted_count(cast) == 2
    return [*made, waiting]


async def test_deleted_things_free_their_places(cast: Cast, devices: list[Device]) -> None:
    tokens = [await device.sign_in() for device in devices[:2]]
    await cast.change("admin", "deleteThings", {"ids": [await devices[0].thing(), await devices[2].thing()]})
    assert await accepted_count(cast) == 1
    assert [await cast.count(AUTH_SET), await cast.count(THING_TOKEN)] == [1, 1]
    answers = [await cast.gateway.graphql("{ viewer { thing { id } } }", token=token) for token in tokens]
    assert [answer.codes for answer in answers] == [["UNAUTHENTICATED"], []]


async def test_things_that_go_with_their_group_free_their_places(cast: Cast, devices: list[Device]) -> None:
    placed = {"ids": [await device.thing() for device in devices], "homeGroupId": group_id(cast.group)}
    await cast.change("editor", "moveThings", placed)
    await cast.change("admin", "deleteGroup", {"id": group_id(cast.group), "cascade": True})
    assert await accepted_count(cast) == 0
    assert await cast.count(THING) == 0


async def test_things_with_keys_stay_in_their_organization(cast: Cast, devices: list[Device]) -> None:
    """The tenant token in them says where they belong; within it they move as others do."""
    token = await devices[0].sign_in()
    for device in (devices[0], devices[2]):
        away = {"ids": [await device.thing()], "organizationId": org_id(cast.north)}
        assert await cast.error("owner", "moveThings", away) == ("WRONG_STATE", ["ids", "0"])
    assert await cast.count(THING, THING.c.organization_id == cast.north) == 0
    await cast.change("editor", "moveThings", {"ids": [await devices[0].thing()], "homeGroupId": group_id(cast.group)})
    assert (await cast.gateway.data("{ viewer { thing { id } } }", token=token))["viewer"]["thing"]
    await cast.change("editor", "deleteAuthSet", {"id": await devices[2].auth_set()})
    free = await devices[2].thing()
    await cast.change("owner", "moveThings", {"ids": [free], "organizationId": org_id(cast.north)})
    assert await cast.value(THING.c.organization_id, THING.c.id == key(free)) == cast.north


async def test_each_organization_counts_its_own(cast: Cast, devices: list[Device]) -> None:
    await add_tenant(cast, cast.north, "of-north")
    north = Device(cast, {"mac": "m0"}, tenant="of-north")
    await north.accepted()
    assert [await accepted_count(cast), await accepted_count(cast, cast.north)] == [2, 1]
    await cast.change("owner", "deleteOrganization", {"id": org_id(cast.north), "cascade": True})
    assert await accepted_count(cast) == 2
