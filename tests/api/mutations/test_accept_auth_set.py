from __future__ import annotations

import asyncio
from typing import Any

import pytest

from models.ids import new_id
from models.tables import AUTH_SET, EVENT, ORGANIZATION, THING, THING_ATTRIBUTE
from services.auth_sets import MOVES
from tests.api.mutations.thing_facts import events, seen
from tests.cast import Cast, org_id, refusals
from tests.key_pairs import Device, accepted_count, add_tenant, pem_of, set_organization
from tests.rows import key

MAC = {"mac": "00:11"}
SELECT = (
    "authSet { id status version } thing { authStatus version authSets { status } attributes { scope name value } }"
)
ACCEPT = "mutation A($input: AcceptAuthSetInput!) { acceptAuthSet(input: $input) { userErrors { code } } }"


@pytest.fixture
async def device(cast: Cast) -> Device:
    """A thing that waits."""
    await add_tenant(cast)
    made = Device(cast, MAC)
    assert await made.is_refused()
    return made


async def test_what_waits_is_let_in(cast: Cast, device: Device) -> None:
    auth_set, thing = await device.auth_set(), await device.thing()
    payload = await cast.change("editor", "acceptAuthSet", {"id": auth_set}, SELECT)
    assert payload["authSet"] == {"id": auth_set, "status": "ACCEPTED", "version": 2}
    assert payload["thing"] == {
        "authStatus": "ACCEPTED",
        "version": 2,
        "authSets": [{"status": "ACCEPTED"}],
        "attributes": [
            {"scope": "IDENTITY", "name": "mac", "value": "00:11"},
            {"scope": "SYSTEM", "name": "auth_status", "value": "ACCEPTED"},
        ],
    }
    assert await device.sign_in()
    assert await accepted_count(cast) == 1
    assert await events(cast) == [("THING_CREATED", key(thing)), ("THING_UPDATED", key(thing))]


async def test_the_status_that_it_has_changes_nothing(cast: Cast, device: Device) -> None:
    auth_set = await device.auth_set()
    first = await cast.change("editor", "acceptAuthSet", {"id": auth_set}, SELECT)
    told = await events(cast)
    assert await cast.change("editor", "acceptAuthSet", {"id": auth_set}, SELECT) == first
    assert await events(cast) == told
    assert await accepted_count(cast) == 1


async def test_what_was_rejected_may_be_accepted(cast: Cast, device: Device) -> None:
    auth_set = await device.auth_set()
    await cast.change("editor", "rejectAuthSet", {"id": auth_set})
    assert await accepted_count(cast) == 0
    await cast.change("editor", "acceptAuthSet", {"id": auth_set})
    assert await device.sign_in()
    assert await accepted_count(cast) == 1


async def test_one_set_of_a_thing_is_accepted_at_most(cast: Cast, device: Device) -> None:
    """What was accepted or preauthorized of the thing is rejected; what waits or was rejected stays so."""
    preauthorized, waiting = Device(cast, {"mac": "two"}), Device(cast, {"mac": "two"})
    given = {"organizationId": org_id(cast.acme), "identity": {"mac": "two"}, "publicKey": pem_of(preauthorized.key)}
    await cast.change("editor", "preauthorizeThing", given)
    third = Device(cast, {"mac": "two"})
    assert [await waiting.is_refused(), await third.is_refused()] == [True, True]
    await cast.change("editor", "acceptAuthSet", {"id": await waiting.auth_set()})
    thing = key(await waiting.thing())
    assert await seen(cast, thing, "authStatus authSets { status version }") == {
        "authStatus": "ACCEPTED",
        "authSets": [
            {"status": "REJECTED", "version": 2},
            {"status": "ACCEPTED", "version": 2},
            {"status": "PENDING", "version": 1},
        ],
    }
    assert await preauthorized.is_refused()
    token = await waiting.sign_in()
    await cast.change("editor", "acceptAuthSet", {"id": await third.auth_set()})
    assert [each["status"] for each in (await seen(cast, thing, "authSets { status }"))["authSets"]] == [
        "REJECTED",
        "REJECTED",
        "ACCEPTED",
    ]
    assert (await cast.gateway.graphql("{ viewer { thing { id } } }", token=token)).codes == ["UNAUTHENTICATED"]
    assert await accepted_count(cast) == 1


async def test_what_is_preauthorized_waits_for_the_thing_itself(cast: Cast) -> None:
    device = Device(cast, MAC)
    given = {"organizationId": org_id(cast.acme), "identity": MAC, "publicKey": pem_of(device.key)}
    await cast.change("editor", "preauthorizeThing", given)
    told = await events(cast)
    for name in ("acceptAuthSet", "rejectAuthSet"):
        assert await cast.error("owner", name, {"id": await device.auth_set()}) == ("WRONG_STATE", ["id"])
    assert await cast.value(AUTH_SET.c.status) == "PREAUTHORIZED"
    assert await events(cast) == told


def test_the_table_of_decisions_has_no_way_into_or_out_of_a_preauthorization() -> None:
    ways = sorted((before.value, after.value) for before, others in MOVES.items() for after in others)
    assert ways == [
        ("ACCEPTED", "REJECTED"),
        ("PENDING", "ACCEPTED"),
        ("PENDING", "REJECTED"),
        ("REJECTED", "ACCEPTED"),
    ]


async def test_no_more_are_accepted_than_may_be(cast: Cast, device: Device) -> None:
    """A lower limit rejects nobody; a free place lets the next one in."""
    other = Device(cast, {"mac": "other"})
    assert await other.is_refused()
    await cast.change("editor", "acceptAuthSet", {"id": await device.auth_set()})
    await set_organization(cast, accepted_thing_limit=1)
    refused = {"id": await other.auth_set()}
    before = await cast.count(EVENT)
    assert await cast.error("owner", "acceptAuthSet", refused) == ("LIMIT_REACHED", ["id"])
    assert await cast.value(AUTH_SET.c.status, AUTH_SET.c.id == key(refused["id"])) == "PENDING"
    mirror = (THING_ATTRIBUTE.c.name == "auth_status", THING_ATTRIBUTE.c.thing_id == key(await other.thing()))
    assert await cast.value(THING_ATTRIBUTE.c.value, *mirror) == "PENDING"
    assert await cast.count(EVENT) == before
    await set_organization(cast, accepted_thing_limit=0)
    assert await device.sign_in()
    assert await cast.error("owner", "acceptAuthSet", refused) == ("LIMIT_REACHED", ["id"])
    await set_organization(cast, accepted_thing_limit=1)
    await cast.change("editor", "rejectAuthSet", {"id": await device.auth_set()})
    await cast.change("editor", "acceptAuthSet", refused)
    assert await accepted_count(cast) == 1


async def test_a_second_key_of_an_accepted_thing_takes_no_place(cast: Cast, device: Device) -> None:
    await cast.change("editor", "acceptAuthSet", {"id": await device.auth_set()})
    await set_organization(cast, accepted_thing_limit=1)
    other = await Device(cast, MAC).accepted()
    assert await other.sign_in()
    assert await accepted_count(cast) == 1


async def test_of_many_who_accept_at_once_the_limit_lets_so_many_through(cast: Cast) -> None:
    await add_tenant(cast)
    await set_organization(cast, accepted_thing_limit=3)
    devices = [Device(cast, {"mac": f"m{number}"}) for number in range(8)]
    for each in devices:
        assert await each.is_refused()
    token = await cast.token("editor")
    sets = [await each.auth_set() for each in devices]

    async def accept(auth_set: str) -> str | None:
        while True:
            answer = await cast.gateway.graphql(ACCEPT, {"input": {"id": auth_set}}, token=token)
            errors = answer.data["acceptAuthSet"]["userErrors"]
            if [each["code"] for each in errors] != ["CONFLICT"]:
                return errors[0]["code"] if errors else None

    outcomes = await asyncio.gather(*(accept(each) for each in sets))
    assert sorted(map(str, outcomes)) == ["LIMIT_REACHED"] * 5 + ["None"] * 3
    assert await accepted_count(cast) == 3
    assert await cast.count(AUTH_SET, AUTH_SET.c.status == "ACCEPTED") == 3


async def test_decisions_on_two_keys_at_once_leave_one_accepted(cast: Cast, device: Device) -> None:
    others = [Device(cast, MAC) for _ in range(4)]
    for each in others:
        assert await each.is_refused()
    token = await cast.token("editor")
    sets = [await each.auth_set() for each in (device, *others)]
    calls = (cast.gateway.graphql(ACCEPT, {"input": {"id": each}}, token=token) for each in sets)
    answers = await asyncio.gather(*calls)
    failed = [error["code"] for answer in answers for error in answer.data["acceptAuthSet"]["userErrors"]]
    assert set(failed) <= {"CONFLICT"}
    assert await cast.count(AUTH_SET, AUTH_SET.c.status == "ACCEPTED") == 1
    assert await accepted_count(cast) == 1


async def test_whoever_may_not_accepts_nothing(cast: Cast, device: Device) -> None:
    given: dict[str, Any] = {"id": await device.auth_set()}
    await cast.refused("acceptAuthSet", given, refusals(viewer="FORBIDDEN"))
    for value, code in ((await device.thing(), "INVALID_INPUT"), (f"authset_{new_id().hex}", "NOT_FOUND")):
        assert await cast.error("owner", "acceptAuthSet", {"id": value}) == (code, ["id"])
    assert await cast.value(AUTH_SET.c.status) == "PENDING"
    assert await cast.value(THING.c.version, THING.c.id == key(await device.thing())) == 1
    assert await cast.value(ORGANIZATION.c.accepted_thing_count, ORGANIZATION.c.id == cast.acme) == 0
