from __future__ import annotations

from typing import Any

import pytest

from models.tables import AUTH_SET, EVENT, GROUP_THING, OTA_EXECUTION, THING, THING_ATTRIBUTE, THING_TOKEN
from tests.api.mutations.thing_facts import can_sign_in, events, seen
from tests.cast import THING_KEY, Cast, group_id, org_id, refusals, thing_id
from tests.client import SubscriptionRefused
from tests.key_pairs import Device, accepted_count, add_tenant, set_organization
from tests.ota import assert_counts
from tests.rows import add_campaign, key

MAC = {"mac": "00:11"}
WATCH = "subscription { thingStateChanged { cursor } }"


@pytest.fixture
async def device(cast: Cast) -> Device:
    """An accepted thing of Acme."""
    await add_tenant(cast)
    return await Device(cast, MAC).accepted()


async def test_a_thing_leaves_with_all_that_lets_it_in(cast: Cast, device: Device) -> None:
    thing = key(await device.thing())
    placed = {"ids": [await device.thing()], "homeGroupId": group_id(cast.group)}
    await cast.change("editor", "moveThings", placed)
    await add_campaign(cast.store, org_id(cast.acme), [await device.thing(), thing_id(cast.thing)])
    token = await device.sign_in()
    given = {"ids": [await device.thing()], "reason": "scrapped"}
    select = (
        "things { lifecycle authStatus identity decommissionedAt authSets { id } "
        "groups { nodes { id } } homeGroup { id } }"
    )
    async with cast.gateway.subscribe(WATCH, token=token) as stream:
        payload = await cast.change("admin", "decommissionThings", given, select)
        with pytest.raises(SubscriptionRefused) as refused:
            await stream.next()
    assert refused.value.codes == ["UNAUTHENTICATED"]
    (left,) = payload["things"]
    assert left.pop("decommissionedAt") is not None
    assert left == {
        "lifecycle": "RETIRED",
        "authStatus": "NOAUTH",
        "identity": {},
        "authSets": [],
        "groups": {"nodes": []},
        "homeGroup": None,
    }
    for table in (AUTH_SET, THING_TOKEN, GROUP_THING, THING_ATTRIBUTE):
        assert await cast.count(table, table.c.thing_id == thing) == 0
    assert await cast.value(OTA_EXECUTION.c.status, OTA_EXECUTION.c.thing_id == thing) == "DECOMMISSIONED"
    assert await cast.value(OTA_EXECUTION.c.status, OTA_EXECUTION.c.thing_id == cast.thing) == "PENDING"
    await assert_counts(cast)
    assert (await cast.gateway.graphql("{ viewer { thing { id } } }", token=token)).codes == ["UNAUTHENTICATED"]
    assert await accepted_count(cast) == 0
    detail = await cast.value(EVENT.c.detail, EVENT.c.kind == "THING_LIFECYCLE_CHANGED")
    assert detail == {"from": "NEW", "to": "RETIRED", "reason": "scrapped", "leftGroups": [cast.group.hex]}
    history = (await seen(cast, thing, "lifecycleHistory { lifecycle reason }"))["lifecycleHistory"]
    assert history[-1] == {"lifecycle": "RETIRED", "reason": "scrapped"}


async def test_the_same_hardware_applies_again_as_another_thing(cast: Cast, device: Device) -> None:
    await set_organization(cast, accepted_thing_limit=1)
    before = await device.thing()
    await cast.change("admin", "decommissionThings", {"ids": [before]})
    assert await device.is_refused()
    after = await device.thing()
    assert after != before
    await cast.change("editor", "acceptAuthSet", {"id": await device.auth_set()})
    assert await device.sign_in()
    assert await accepted_count(cast) == 1


async def test_a_key_is_void_for_good(cast: Cast) -> None:
    given = {"ids": [thing_id(cast.thing)]}
    async with cast.gateway.subscribe(WATCH, token=f"Thing {THING_KEY}") as stream:
        await cast.change("admin", "decommissionThings", given)
        with pytest.raises(SubscriptionRefused):
            await stream.next()
    assert not await can_sign_in(cast, THING_KEY)
    assert await cast.error("owner", "replaceThingKey", {"id": thing_id(cast.thing)}) == ("WRONG_STATE", ["id"])
    told = await events(cast)
    await cast.change("admin", "decommissionThings", given)
    assert await events(cast) == told
    assert await seen(cast, cast.thing, "version") == {"version": 2}


async def test_one_that_cannot_go_keeps_all(cast: Cast) -> None:
    (foreign,) = await cast.add_things(1, organization=cast.other)
    good = thing_id(cast.thing)
    wrong: list[tuple[list[str], tuple[str, list[str]]]] = [
        ([good, thing_id(foreign)], ("NOT_FOUND", ["ids", "1"])),
        ([good, good], ("INVALID_INPUT", ["ids"])),
        ([], ("INVALID_INPUT", ["ids"])),
        (["x"], ("INVALID_INPUT", ["ids", "0"])),
    ]
    for ids, expected in wrong:
        assert await cast.error("owner", "decommissionThings", {"ids": ids}) == expected
    assert await cast.count(THING, THING.c.decommissioned_at.is_not(None)) == 0
    assert await events(cast) == []


async def test_each_for_itself_the_others_go(cast: Cast) -> None:
    first, second = await cast.add_things(2)
    (foreign,) = await cast.add_things(1, organization=cast.other)
    given: dict[str, Any] = {"ids": [thing_id(each) for each in (first, foreign, second)], "mode": "PARTIAL"}
    payload = await cast.change("admin", "decommissionThings", given, "things { id } results { userErrors { code } }")
    assert payload["things"] == [{"id": thing_id(first)}, {"id": thing_id(second)}]
    assert [each["userErrors"] for each in payload["results"]] == [[], [{"code": "NOT_FOUND"}], []]
    assert await cast.count(THING, THING.c.decommissioned_at.is_not(None)) == 2


async def test_whoever_may_not_decommissions_nothing(cast: Cast) -> None:
    given = {"ids": [thing_id(cast.thing)]}
    await cast.refused("decommissionThings", given, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    assert await cast.count(THING, THING.c.decommissioned_at.is_not(None)) == 0
    assert await can_sign_in(cast, THING_KEY)
