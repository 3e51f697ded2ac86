from __future__ import annotations

import pytest

from models.ids import new_id
from models.tables import AUTH_SET, THING, THING_TOKEN
from tests.api.mutations.thing_facts import events, seen
from tests.cast import Cast, org_id, refusals, thing_id
from tests.key_pairs import Device, accepted_count, add_tenant, pem_of
from tests.rows import key

MAC = {"mac": "00:11"}
SELECT = "deletedId deletedThingId thing { authStatus authSets { status } attributes { name value } }"


@pytest.fixture
async def device(cast: Cast) -> Device:
    """A thing that waits."""
    await add_tenant(cast)
    made = Device(cast, MAC)
    assert await made.is_refused()
    return made


@pytest.mark.parametrize("decision", [None, "acceptAuthSet", "rejectAuthSet"])
async def test_the_only_set_goes_and_the_thing_stays(cast: Cast, device: Device, decision: str | None) -> None:
    """The same key comes back as pending, to the same thing."""
    auth_set, thing = await device.auth_set(), await device.thing()
    if decision is not None:
        await cast.change("editor", decision, {"id": auth_set})
    token = await device.sign_in() if decision == "acceptAuthSet" else None
    payload = await cast.change("editor", "deleteAuthSet", {"id": auth_set}, SELECT)
    assert payload == {
        "deletedId": auth_set,
        "deletedThingId": None,
        "thing": {
            "authStatus": "NOAUTH",
            "authSets": [],
            "attributes": [{"name": "mac", "value": "00:11"}, {"name": "auth_status", "value": "NOAUTH"}],
        },
    }
    assert [await cast.count(AUTH_SET), await cast.count(THING_TOKEN)] == [0, 0]
    assert await accepted_count(cast) == 0
    if token is not None:
        assert (await cast.gateway.graphql("{ viewer { thing { id } } }", token=token)).codes == ["UNAUTHENTICATED"]
    assert (await events(cast))[-1] == ("THING_UPDATED", key(thing))
    assert await device.is_refused()
    assert await device.thing() == thing
    assert await seen(cast, key(thing), "authStatus authSets { status }") == {
        "authStatus": "PENDING",
        "authSets": [{"status": "PENDING"}],
    }
    assert await cast.error("editor", "deleteAuthSet", {"id": auth_set}) == ("NOT_FOUND", ["id"])


async def test_one_of_several_leaves_what_the_others_come_to(cast: Cast, device: Device) -> None:
    other = Device(cast, MAC)
    assert await other.is_refused()
    await cast.change("editor", "rejectAuthSet", {"id": await device.auth_set()})
    await cast.change("editor", "acceptAuthSet", {"id": await other.auth_set()})
    payload = await cast.change("editor", "deleteAuthSet", {"id": await other.auth_set()}, SELECT)
    assert payload["thing"]["authStatus"] == "REJECTED"
    assert payload["thing"]["authSets"] == [{"status": "REJECTED"}]
    assert await accepted_count(cast) == 0


async def test_a_preauthorized_thing_goes_with_its_only_set(cast: Cast) -> None:
    device = Device(cast, MAC)
    given = {"organizationId": org_id(cast.acme), "identity": MAC, "publicKey": pem_of(device.key)}
    await cast.change("editor", "preauthorizeThing", given)
    auth_set, thing = await device.auth_set(), await device.thing()
    payload = await cast.change("editor", "deleteAuthSet", {"id": auth_set}, SELECT)
    assert payload == {"deletedId": auth_set, "deletedThingId": thing, "thing": None}
    assert await cast.count(THING, THING.c.id == key(thing)) == 0
    assert await events(cast) == [("THING_CREATED", key(thing)), ("THING_DELETED", key(thing))]


async def test_a_preauthorized_set_beside_another_goes_alone(cast: Cast, device: Device) -> None:
    preauthorized, other = Device(cast, {"mac": "two"}), Device(cast, {"mac": "two"})
    given = {"organizationId": org_id(cast.acme), "identity": {"mac": "two"}, "publicKey": pem_of(preauthorized.key)}
    await cast.change("editor", "preauthorizeThing", given)
    assert await other.is_refused()
    payload = await cast.change("editor", "deleteAuthSet", {"id": await preauthorized.auth_set()}, SELECT)
    assert payload["thing"]["authStatus"] == "PENDING"
    assert await cast.count(THING, THING.c.id == key(await other.thing())) == 1


async def test_whoever_may_not_deletes_nothing(cast: Cast, device: Device) -> None:
    await cast.refused("deleteAuthSet", {"id": await device.auth_set()}, refusals(viewer="FORBIDDEN"))
    for value, code in ((thing_id(cast.thing), "INVALID_INPUT"), (f"authset_{new_id().hex}", "NOT_FOUND")):
        assert await cast.error("owner", "deleteAuthSet", {"id": value}) == (code, ["id"])
    assert await cast.count(AUTH_SET) == 1
