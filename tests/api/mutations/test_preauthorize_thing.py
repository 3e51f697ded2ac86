from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.ids import new_id
from models.tables import AUTH_SET, EVENT, THING
from tests.api.mutations.thing_facts import events, limit_things
from tests.cast import Cast, org_id, refusals
from tests.key_pairs import Device, accepted_count, add_tenant, new_key, pem_of
from tests.rows import key

IDENTITY = {"mac": "00:11", "serial": 7}
KEY = new_key("p256")
SELECT = (
    "thing { id name type authStatus identity attributes { scope name value } } "
    "authSet { id status publicKey thing { id } } existing { id authSets { status } }"
)


def given(cast: Cast, **more: Any) -> dict[str, Any]:
    return {"organizationId": org_id(cast.acme), "identity": IDENTITY, "publicKey": pem_of(KEY), **more}


@pytest.mark.parametrize("name", [None, "Press 4"])
async def test_a_thing_is_known_before_it_comes(cast: Cast, name: str | None) -> None:
    payload = await cast.change("editor", "preauthorizeThing", given(cast, name=name), SELECT)
    thing = payload["thing"]["id"]
    assert payload["thing"] == {
        "id": thing,
        "name": name or "7",
        "type": "DEVICE",
        "authStatus": "PREAUTHORIZED",
        "identity": IDENTITY,
        "attributes": [
            {"scope": "IDENTITY", "name": "mac", "value": "00:11"},
            {"scope": "IDENTITY", "name": "serial", "value": 7},
            {"scope": "SYSTEM", "name": "auth_status", "value": "PREAUTHORIZED"},
        ],
    }
    auth_set = payload["authSet"]
    assert (auth_set["status"], auth_set["publicKey"], auth_set["thing"]) == (
        "PREAUTHORIZED",
        pem_of(KEY),
        {"id": thing},
    )
    assert payload["existing"] is None
    assert await accepted_count(cast) == 0
    assert await events(cast) == [("THING_CREATED", key(thing))]


async def test_a_known_identity_is_a_conflict_that_carries_the_thing(cast: Cast) -> None:
    await add_tenant(cast)
    device = Device(cast, IDENTITY)
    assert await device.is_refused()
    again = given(cast, identity=dict(reversed(IDENTITY.items())))
    payload = await cast.gateway.mutate("preauthorizeThing", again, select=SELECT, token=await cast.token("editor"))
    assert [(each["code"], each["path"]) for each in payload["userErrors"]] == [("CONFLICT", ["identity"])]
    assert payload["existing"] == {"id": await device.thing(), "authSets": [{"status": "PENDING"}]}
    assert (payload["thing"], payload["authSet"]) == (None, None)
    assert [await cast.count(AUTH_SET), await cast.count(EVENT)] == [1, 1]
    # Another organization has identities of its own.
    elsewhere = given(cast, organizationId=org_id(cast.other))
    assert (await cast.change("outsider", "preauthorizeThing", elsewhere, SELECT))["thing"]


async def test_of_many_at_the_same_time_one_makes_the_thing(cast: Cast) -> None:
    token = await cast.token("editor")
    calls = (cast.gateway.mutate("preauthorizeThing", given(cast), select=SELECT, token=token) for _ in range(6))
    payloads = await asyncio.gather(*calls)
    assert sorted(len(each["userErrors"]) for each in payloads) == [0, 1, 1, 1, 1, 1]
    assert [await cast.count(AUTH_SET), await cast.count(THING, THING.c.identity_digest.is_not(None))] == [1, 1]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"identity": "{}"}, ["identity"]),
        ({"identity": {}}, ["identity"]),
        ({"identity": {"a": {"b": 1}}}, ["identity", "a"]),
        ({"identity": {"a": None}}, ["identity", "a"]),
        ({"identity": {f"a{number}": "x" for number in range(21)}}, ["identity"]),
        ({"publicKey": ""}, ["publicKey"]),
        ({"publicKey": "x"}, ["publicKey"]),
        (
            {
                "publicKey": ec.generate_private_key(ec.SECP521R1())
                .public_key()
                .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
                .decode()
            },
            ["publicKey"],
        ),
        ({"name": " "}, ["name"]),
        ({"organizationId": "thing_x"}, ["organizationId"]),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_what_is_malformed_makes_nothing(cast: Cast, wrong: dict[str, Any], path: list[str]) -> None:
    assert await cast.error("owner", "preauthorizeThing", given(cast, **wrong)) == ("INVALID_INPUT", path)
    assert await cast.count(THING) == 1


async def test_the_number_of_things_is_limited(cast: Cast) -> None:
    await limit_things(cast, cast.acme, 1)
    assert await cast.error("owner", "preauthorizeThing", given(cast)) == ("LIMIT_REACHED", ["organizationId"])
    assert [await cast.count(THING), await cast.count(AUTH_SET), await cast.count(EVENT)] == [1, 0, 0]


async def test_whoever_may_not_preauthorizes_nothing(cast: Cast) -> None:
    await cast.refused("preauthorizeThing", given(cast), refusals(viewer="FORBIDDEN"))
    nowhere = given(cast, organizationId=org_id(new_id()))
    assert await cast.error("owner", "preauthorizeThing", nowhere) == ("NOT_FOUND", ["organizationId"])
    assert [await cast.count(THING), await cast.count(AUTH_SET), await cast.count(EVENT)] == [1, 0, 0]
