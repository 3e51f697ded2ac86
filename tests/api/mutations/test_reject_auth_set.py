from __future__ import annotations

import pytest

from models.ids import new_id
from models.tables import AUTH_SET, THING_TOKEN
from tests.api.mutations.thing_facts import events, seen
from tests.cast import Cast, refusals, thing_id
from tests.client import SubscriptionRefused
from tests.key_pairs import Device, accepted_count, add_tenant
from tests.rows import key

MAC = {"mac": "00:11"}


@pytest.fixture
async def device(cast: Cast) -> Device:
    """A thing that waits."""
    await add_tenant(cast)
    made = Device(cast, MAC)
    assert await made.is_refused()
    return made


async def test_what_waits_is_kept_out(cast: Cast, device: Device) -> None:
    given = {"id": await device.auth_set()}
    payload = await cast.change("editor", "rejectAuthSet", given, "authSet { status version } thing { authStatus }")
    assert payload == {"authSet": {"status": "REJECTED", "version": 2}, "thing": {"authStatus": "REJECTED"}}
    assert await device.is_refused()
    thing = key(await device.thing())
    assert await events(cast) == [("THING_CREATED", thing), ("THING_UPDATED", thing)]
    assert await cast.change("editor", "rejectAuthSet", given, "authSet { version }") == {"authSet": {"version": 2}}
    assert len(await events(cast)) == 2


async def test_the_tokens_of_an_accepted_thing_end_at_once(cast: Cast, device: Device) -> None:
    await cast.change("editor", "acceptAuthSet", {"id": await device.auth_set()})
    tokens = [await device.sign_in() for _ in range(2)]
    query = "subscription { thingStateChanged { cursor } }"
    thing = await device.thing()
    async with cast.gateway.subscribe(query, token=tokens[0]) as stream:
        wished = {"thingId": thing, "desired": {"a": 1}}
        await cast.change("editor", "setDesiredThingState", wished)
        assert (await stream.next())["thingStateChanged"]
        await cast.change("editor", "rejectAuthSet", {"id": await device.auth_set()})
        await cast.change("editor", "setDesiredThingState", {**wished, "desired": {"a": 2}})
        with pytest.raises(SubscriptionRefused) as refused:
            await stream.next()
    assert refused.value.codes == ["UNAUTHENTICATED"]
    assert await cast.count(THING_TOKEN) == 0
    for token in tokens:
        assert (await cast.gateway.graphql("{ viewer { thing { id } } }", token=token)).codes == ["UNAUTHENTICATED"]
        report = "mutation { reportThingState(input: {reported: {a: 9}}) { userErrors { code } } }"
        assert (await cast.gateway.graphql(report, token=token)).codes == ["UNAUTHENTICATED"]
    assert (await seen(cast, key(thing), "state { reported }"))["state"] == {"reported": {}}
    assert await device.is_refused()
    assert await accepted_count(cast) == 0


async def test_the_other_keys_of_a_thing_stay_as_they_are(cast: Cast, device: Device) -> None:
    await cast.change("editor", "acceptAuthSet", {"id": await device.auth_set()})
    other = Device(cast, MAC)
    assert await other.is_refused()
    token = await device.sign_in()
    await cast.change("editor", "rejectAuthSet", {"id": await other.auth_set()})
    assert await seen(cast, key(await device.thing()), "authStatus authSets { status }") == {
        "authStatus": "ACCEPTED",
        "authSets": [{"status": "ACCEPTED"}, {"status": "REJECTED"}],
    }
    assert (await cast.gateway.data("{ viewer { thing { id } } }", token=token))["viewer"]["thing"]


async def test_whoever_may_not_rejects_nothing(cast: Cast, device: Device) -> None:
    await cast.refused("rejectAuthSet", {"id": await device.auth_set()}, refusals(viewer="FORBIDDEN"))
    for value, code in ((thing_id(cast.thing), "INVALID_INPUT"), (f"authset_{new_id().hex}", "NOT_FOUND")):
        assert await cast.error("owner", "rejectAuthSet", {"id": value}) == (code, ["id"])
    assert await cast.value(AUTH_SET.c.status) == "PENDING"
