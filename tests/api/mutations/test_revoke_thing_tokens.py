from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import select

from engine.ids import global_id
from models.ids import new_id
from models.tables import EVENT, THING_TOKEN
from tests.api.mutations.thing_facts import events, seen
from tests.cast import Cast, org_id, refusals, thing_id
from tests.client import SubscriptionRefused
from tests.key_pairs import Device, add_tenant
from tests.rows import key

VIEWER = "{ viewer { thing { id } } }"
WATCH = "subscription { thingStateChanged { cursor } }"
REVOKED = "revokedCount"


@pytest.fixture
async def devices(cast: Cast) -> list[Device]:
    """Three accepted things: two of Acme, one of Other."""
    await add_tenant(cast)
    await add_tenant(cast, cast.other, "of-other")
    made = [await Device(cast, {"mac": f"m{number}"}).accepted() for number in range(2)]
    foreign = Device(cast, {"mac": "foreign"}, tenant="of-other")
    assert await foreign.is_refused()
    await cast.change("outsider", "acceptAuthSet", {"id": await foreign.auth_set()})
    return [*made, foreign]


async def newest_token(cast: Cast) -> str:
    rows = await cast.rows(select(THING_TOKEN.c.id).order_by(THING_TOKEN.c.id.desc()).limit(1))
    return global_id("thingtoken", rows[0].id)


async def opens(cast: Cast, token: str) -> bool:
    answer = await cast.gateway.graphql(VIEWER, token=token)
    assert not answer.errors or answer.codes == ["UNAUTHENTICATED"]
    return not answer.errors


async def test_one_token_ends_and_the_thing_signs_in_anew(cast: Cast, devices: list[Device]) -> None:
    device = devices[0]
    kept, ended = await device.sign_in(), await device.sign_in()
    given = {"tokenId": await newest_token(cast)}
    thing = key(await device.thing())
    before = (await events(cast)).count(("THING_UPDATED", thing))
    async with cast.gateway.subscribe(WATCH, token=ended) as stream:
        assert await cast.change("editor", "revokeThingTokens", given, REVOKED) == {"revokedCount": 1}
        with pytest.raises(SubscriptionRefused) as refused:
            await stream.next()
    assert refused.value.codes == ["UNAUTHENTICATED"]
    assert [await opens(cast, kept), await opens(cast, ended)] == [True, False]
    assert await seen(cast, thing, "authStatus authSets { status version }") == {
        "authStatus": "ACCEPTED",
        "authSets": [{"status": "ACCEPTED", "version": 2}],
    }
    assert (await events(cast)).count(("THING_UPDATED", thing)) == before + 1
    assert await opens(cast, await device.sign_in())
    assert await cast.error("editor", "revokeThingTokens", given) == ("NOT_FOUND", ["tokenId"])


async def test_a_socket_on_another_token_stays_open(cast: Cast, devices: list[Device]) -> None:
    device = devices[0]
    kept, _ = await device.sign_in(), await device.sign_in()
    async with cast.gateway.subscribe(WATCH, token=kept) as stream:
        await cast.change("editor", "revokeThingTokens", {"tokenId": await newest_token(cast)})
        await cast.change("editor", "setDesiredThingState", {"thingId": await device.thing(), "desired": {"a": 1}})
        assert (await stream.next())["thingStateChanged"]["cursor"]


async def test_all_tokens_of_a_thing_end(cast: Cast, devices: list[Device]) -> None:
    device, other = devices[:2]
    tokens = [await device.sign_in() for _ in range(3)]
    theirs = await other.sign_in()
    given = {"thingId": await device.thing()}
    assert await cast.change("editor", "revokeThingTokens", given, REVOKED) == {"revokedCount": 3}
    assert [await opens(cast, token) for token in [*tokens, theirs]] == [False, False, False, True]
    told = await events(cast)
    assert told[-1] == ("THING_UPDATED", key(await device.thing()))
    assert await cast.change("editor", "revokeThingTokens", given, REVOKED) == {"revokedCount": 0}
    assert await events(cast) == told


async def test_all_tokens_of_an_organization_end_and_no_others(cast: Cast, devices: list[Device]) -> None:
    first, second, foreign = devices
    tokens = [await each.sign_in() for each in (first, first, second, foreign)]
    before = await cast.count(EVENT)
    async with AsyncExitStack() as open_sockets:
        streams = [
            await open_sockets.enter_async_context(cast.gateway.subscribe(WATCH, token=token)) for token in tokens[:3]
        ]
        given = {"organizationId": org_id(cast.acme)}
        assert await cast.change("admin", "revokeThingTokens", given, REVOKED) == {"revokedCount": 3}
        for stream in streams:
            with pytest.raises(SubscriptionRefused):
                await stream.next()
    assert [await opens(cast, token) for token in tokens] == [False, False, False, True]
    # One event for each thing that had tokens, not for each token.
    assert await cast.count(EVENT, EVENT.c.kind == "THING_UPDATED", EVENT.c.sequence > before) == 2
    for device in (first, second):
        assert await opens(cast, await device.sign_in())


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"tokenId": None, "thingId": None, "organizationId": None},
        {"thingId": thing_id(new_id()), "organizationId": org_id(new_id())},
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_no_organization_never_means_all(cast: Cast, devices: list[Device], given: dict[str, Any]) -> None:
    await devices[0].sign_in()
    assert await cast.error("platform", "revokeThingTokens", given) == ("INVALID_INPUT", None)
    assert await cast.count(THING_TOKEN) == 1


async def test_whoever_may_not_revokes_nothing(cast: Cast, devices: list[Device]) -> None:
    token = await devices[0].sign_in()
    ways = {
        "tokenId": (await newest_token(cast), refusals(viewer="FORBIDDEN")),
        "thingId": (await devices[0].thing(), refusals(viewer="FORBIDDEN")),
        "organizationId": (org_id(cast.acme), refusals(viewer="FORBIDDEN", editor="FORBIDDEN")),
    }
    for name, (value, codes) in ways.items():
        await cast.refused("revokeThingTokens", {name: value}, codes)
    for name, value in (("tokenId", "thing_x"), ("thingId", "x"), ("organizationId", thing_id(cast.thing))):
        assert await cast.error("owner", "revokeThingTokens", {name: value}) == ("INVALID_INPUT", [name])
    assert await opens(cast, token)
