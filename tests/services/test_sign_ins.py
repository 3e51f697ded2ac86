"""Signing in by a key pair: what is recorded, who gets a token, and for which organization."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select, update

from gateway import PARTS
from models.columns import now
from models.enums import OrganizationStatus
from models.ids import new_id
from models.tables import AUTH_SET, EVENT, THING, THING_ATTRIBUTE, THING_STATE, THING_TOKEN
from services.errors import InvalidInput, Unauthenticated
from services.sign_ins import MAX_BODY, SignIns
from services.thing_tokens import TOKENS_PER_THING, ExpiredTokens
from services.tokens import Audience
from tests.api.mutations.thing_facts import events, limit_things, seen
from tests.cast import Cast, org_id
from tests.key_pairs import Device, accepted_count, add_tenant, new_key, pem_of, set_organization, signature
from tests.rows import key
from tests.statements import Recorder

MAC = {"mac": "00:11:22:33:44:55"}
STORED = (THING, AUTH_SET, THING_TOKEN, EVENT)


@pytest.fixture
async def cast(cast: Cast) -> Cast:
    """The small world, and the tenant token that the images of its things hold."""
    await add_tenant(cast)
    return cast


async def stored(cast: Cast) -> list[int]:
    """How many rows there are of all that a sign-in may write."""
    return [await cast.count(table) for table in STORED]


def signing(cast: Cast, **more: Any) -> SignIns:
    """Another way to sign in to the same gateway."""
    parts = cast.gateway.application[PARTS]
    given = {"seconds": 600, "default_organization": None, **more}
    return SignIns(parts.store, parts.keys, parts.tail.wake, **given)


async def test_the_first_request_is_recorded_once_and_waits(cast: Cast) -> None:
    device = Device(cast, {**MAC, "serial": 7, "ports": ["a", "b"]})
    before = await stored(cast)
    for _ in range(3):
        assert await device.is_refused()
    assert [after - was for after, was in zip(await stored(cast), before, strict=True)] == [1, 1, 0, 1]
    fields = "name type lifecycle identity authStatus authSets { status publicKey identity version } attributes "
    thing = await seen(cast, key(await device.thing()), fields + "{ scope name value } organization { id }")
    assert thing == {
        "name": "7",
        "type": "DEVICE",
        "lifecycle": "NEW",
        "identity": device.identity,
        "authStatus": "PENDING",
        "authSets": [
            {"status": "PENDING", "publicKey": pem_of(device.key), "identity": device.identity, "version": 1},
        ],
        "attributes": [
            {"scope": "IDENTITY", "name": "mac", "value": MAC["mac"]},
            {"scope": "IDENTITY", "name": "ports", "value": ["a", "b"]},
            {"scope": "IDENTITY", "name": "serial", "value": 7},
            {"scope": "SYSTEM", "name": "auth_status", "value": "PENDING"},
        ],
        "organization": {"id": org_id(cast.acme)},
    }
    assert await events(cast) == [("THING_CREATED", key(await device.thing()))]
    assert await cast.count(THING_STATE, THING_STATE.c.thing_id == key(await device.thing())) == 1


async def test_an_accepted_thing_gets_a_fresh_token_with_each_request(cast: Cast) -> None:
    device = await Device(cast, MAC).accepted()
    before = await stored(cast)
    tokens = [await device.sign_in() for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [after - was for after, was in zip(await stored(cast), before, strict=True)] == [0, 0, 3, 0]
    keys = cast.gateway.application[PARTS].keys
    all_claims = [keys.verify(Audience.THING, token) for token in tokens]
    thing = key(await device.thing())
    for claims in all_claims:
        assert (claims["sub"], claims["org"], claims["iss"]) == (thing.hex, cast.acme.hex, "fleetgraph")
        assert claims["exp"] - claims["iat"] == cast.gateway.application[PARTS].settings.thing_token_seconds
    kept = await cast.rows(select(THING_TOKEN.c.id).order_by(THING_TOKEN.c.id))
    assert [row.id.hex for row in kept] == [claims["jti"] for claims in all_claims]
    assert await seen(cast, thing, "tokens { nodes { authSet { status } thing { id } } }") == {
        "tokens": {"nodes": [{"authSet": {"status": "ACCEPTED"}, "thing": {"id": await device.thing()}}] * 3}
    }


async def test_a_rejected_thing_stays_out_and_nothing_is_written(cast: Cast) -> None:
    device = await Device(cast, MAC).accepted()
    await cast.change("editor", "rejectAuthSet", {"id": await device.auth_set()})
    before = await stored(cast)
    assert await device.is_refused()
    assert await stored(cast) == before
    assert await cast.value(AUTH_SET.c.status) == "REJECTED"


async def test_what_costs_nothing_runs_often(cast: Cast, statements: Recorder) -> None:
    """A thing that waits costs one statement that reads; a token, the same and one row that is written."""
    waiting, device = Device(cast, MAC), await Device(cast, {"mac": "accepted"}).accepted()
    assert await waiting.is_refused()
    with statements() as seen_statements:
        assert await waiting.is_refused()
    assert seen_statements.count == 1
    with statements() as seen_statements:
        await device.sign_in()
    assert len([text for text in seen_statements.texts if text.lstrip().startswith(("INSERT", "UPDATE"))]) == 1


async def test_tokens_of_a_thing_are_few_and_the_oldest_ends(cast: Cast) -> None:
    device = await Device(cast, MAC).accepted()
    tokens = [await device.sign_in() for _ in range(TOKENS_PER_THING + 2)]
    assert await cast.count(THING_TOKEN) == TOKENS_PER_THING
    viewer = "{ viewer { thing { id } } }"
    answers = [
        await cast.gateway.graphql(viewer, token=token) for token in (tokens[0], tokens[1], tokens[2], tokens[-1])
    ]
    assert [answer.codes for answer in answers] == [["UNAUTHENTICATED"], ["UNAUTHENTICATED"], [], []]


async def test_tokens_past_their_time_are_removed(cast: Cast) -> None:
    device = await Device(cast, MAC).accepted()
    for _ in range(3):
        await device.sign_in()
    newest = (await cast.rows(select(THING_TOKEN.c.id).order_by(THING_TOKEN.c.id.desc())))[0].id
    async with cast.store.write() as session:
        past = update(THING_TOKEN).where(THING_TOKEN.c.id != newest).values(expires_at=now() - timedelta(seconds=1))
        await session.execute(past)
    duty = ExpiredTokens(cast.store, lambda: None)
    assert [await duty.run(), await duty.run()] == [2, 0]
    assert await cast.value(THING_TOKEN.c.id) == newest


async def test_requests_at_the_same_time_make_one_thing_and_one_set(cast: Cast) -> None:
    devices = [Device(cast, {"mac": f"m{number}"}, new_key()) for number in range(3)]
    refused = await asyncio.gather(*(device.is_refused() for device in devices * 6))
    assert refused == [True] * 18
    assert [await cast.count(THING, THING.c.identity_digest.is_not(None)), await cast.count(AUTH_SET)] == [3, 3]


async def test_keys_at_the_same_time_make_one_thing(cast: Cast) -> None:
    devices = [Device(cast, MAC, new_key()) for _ in range(6)]
    assert await asyncio.gather(*(device.is_refused() for device in devices * 2)) == [True] * 12
    assert [await cast.count(THING, THING.c.identity_digest.is_not(None)), await cast.count(AUTH_SET)] == [1, 6]


async def test_a_new_key_waits_while_the_old_one_works(cast: Cast) -> None:
    """The thing stays the same; once the new key is accepted, the old one is rejected."""
    old = await Device(cast, MAC).accepted()
    thing, token = await old.thing(), await old.sign_in()
    new = Device(cast, MAC, new_key("p256"))
    assert await new.is_refused()
    assert await new.thing() == thing
    assert await seen(cast, key(thing), "authStatus authSets { status }") == {
        "authStatus": "ACCEPTED",
        "authSets": [{"status": "ACCEPTED"}, {"status": "PENDING"}],
    }
    await old.sign_in()
    viewer = "{ viewer { thing { id } } }"
    assert (await cast.gateway.data(viewer, token=token))["viewer"]["thing"] == {"id": thing}
    await cast.change("editor", "acceptAuthSet", {"id": await new.auth_set()})
    assert await seen(cast, key(thing), "authStatus authSets { status }") == {
        "authStatus": "ACCEPTED",
        "authSets": [{"status": "REJECTED"}, {"status": "ACCEPTED"}],
    }
    assert await old.is_refused()
    assert (await cast.gateway.graphql(viewer, token=token)).codes == ["UNAUTHENTICATED"]
    assert (await cast.gateway.data(viewer, token=await new.sign_in()))["viewer"]["thing"] == {"id": thing}
    assert await accepted_count(cast) == 1


async def test_a_preauthorized_thing_is_in_with_its_first_request(cast: Cast) -> None:
    device = Device(cast, MAC)
    given = {"organizationId": org_id(cast.acme), "identity": MAC, "publicKey": pem_of(device.key)}
    await cast.change("editor", "preauthorizeThing", given)
    thing = key(await device.thing())
    other = Device(cast, MAC)
    assert await other.is_refused()
    assert await seen(cast, thing, "authStatus authSets { status }") == {
        "authStatus": "PREAUTHORIZED",
        "authSets": [{"status": "PREAUTHORIZED"}, {"status": "PENDING"}],
    }
    token = await device.sign_in()
    assert (await cast.gateway.data("{ viewer { thing { authStatus } } }", token=token))["viewer"] == {
        "thing": {"authStatus": "ACCEPTED"}
    }
    assert await accepted_count(cast) == 1
    mirror = (THING_ATTRIBUTE.c.thing_id == thing, THING_ATTRIBUTE.c.name == "auth_status")
    assert await cast.value(THING_ATTRIBUTE.c.value, *mirror) == "ACCEPTED"
    assert await events(cast) == [("THING_CREATED", thing), ("THING_UPDATED", thing), ("THING_UPDATED", thing)]


async def test_many_first_requests_of_a_preauthorized_thing_accept_it_once(cast: Cast) -> None:
    device = Device(cast, MAC)
    given = {"organizationId": org_id(cast.acme), "identity": MAC, "publicKey": pem_of(device.key)}
    await cast.change("editor", "preauthorizeThing", given)
    tokens = await asyncio.gather(*(device.sign_in() for _ in range(8)))
    assert len(set(tokens)) == 8
    assert await accepted_count(cast) == 1


async def test_a_preauthorized_thing_waits_for_a_place(cast: Cast) -> None:
    await Device(cast, {"mac": "first"}).accepted()
    await set_organization(cast, accepted_thing_limit=1)
    device = Device(cast, MAC)
    given = {"organizationId": org_id(cast.acme), "identity": MAC, "publicKey": pem_of(device.key)}
    await cast.change("editor", "preauthorizeThing", given)
    assert await device.is_refused()
    assert await seen(cast, key(await device.thing()), "authStatus authSets { status version }") == {
        "authStatus": "PREAUTHORIZED",
        "authSets": [{"status": "PREAUTHORIZED", "version": 1}],
    }
    assert await cast.count(THING_TOKEN) == 0
    await set_organization(cast, accepted_thing_limit=2)
    await device.sign_in()
    assert await accepted_count(cast) == 2


async def test_places_are_never_given_twice(cast: Cast) -> None:
    await set_organization(cast, accepted_thing_limit=3)
    devices = [Device(cast, {"mac": f"m{number}"}) for number in range(8)]
    for device in devices:
        given = {"organizationId": org_id(cast.acme), "identity": device.identity, "publicKey": pem_of(device.key)}
        await cast.change("editor", "preauthorizeThing", given)
    refused = await asyncio.gather(*(device.is_refused() for device in devices))
    assert sorted(refused) == [False] * 3 + [True] * 5
    assert await accepted_count(cast) == 3


async def test_the_tenant_token_says_whose_a_thing_is(cast: Cast) -> None:
    await add_tenant(cast, cast.other, "of-other")
    ours, theirs = Device(cast, MAC), Device(cast, MAC, tenant="of-other")
    theirs.key = ours.key
    assert [await ours.is_refused(), await theirs.is_refused()] == [True, True]
    rows = await cast.rows(select(AUTH_SET.c.organization_id).order_by(AUTH_SET.c.id))
    assert [row.organization_id for row in rows] == [cast.acme, cast.other]
    body = ours.body
    ours.tenant = None
    assert await ours.is_refused()
    beside = cast.gateway.application[PARTS].sign_ins.sign_in(ours.body, signature(ours.key, ours.body), "of-other")
    with pytest.raises(Unauthenticated, match="waits"):
        await beside
    assert body != ours.body
    assert await cast.count(AUTH_SET) == 2


@pytest.mark.parametrize("tenant", [None, "", "nobody-has-this", "é", "x" * 5000])
async def test_without_a_known_tenant_nothing_is_stored(cast: Cast, tenant: str | None) -> None:
    before = await stored(cast)
    assert await Device(cast, MAC, tenant=tenant).is_refused()
    assert await stored(cast) == before
    # A default takes them, though not those whose own organization may not act.
    assert await Device(cast, MAC, tenant=tenant).is_refused(signing(cast, default_organization=cast.other))
    assert await cast.value(AUTH_SET.c.organization_id) == cast.other


@pytest.mark.parametrize("status", [OrganizationStatus.SUSPENDED, OrganizationStatus.CANCELLED])
async def test_in_an_organization_that_may_not_act_nobody_signs_in(cast: Cast, status: OrganizationStatus) -> None:
    device = await Device(cast, MAC).accepted()
    token = await device.sign_in()
    await set_organization(cast, status=status)
    before = await stored(cast)
    for each in (device, Device(cast, {"mac": "new"})):
        assert await each.is_refused()
        assert await each.is_refused(signing(cast, default_organization=cast.other))
    assert await stored(cast) == before
    viewer = "{ viewer { thing { id } } }"
    assert (await cast.gateway.graphql(viewer, token=token)).codes == ["UNAUTHENTICATED"]
    await set_organization(cast, status=OrganizationStatus.ACTIVE)
    assert (await cast.gateway.data(viewer, token=token))["viewer"]["thing"]
    default = signing(cast, default_organization=new_id())
    device.tenant = None
    assert await device.is_refused(default)


def requests_that_lack_something() -> dict[str, tuple[bytes, str | None]]:
    private = new_key()
    good = {"id_data": orjson.dumps(MAC).decode(), "pubkey": pem_of(private), "tenant_token": "t"}

    def signed(given: Any) -> tuple[bytes, str | None]:
        body = given if isinstance(given, bytes) else orjson.dumps(given)
        return body, signature(private, body)

    unsigned = orjson.dumps(good)
    return {
        "no signature": (unsigned, None),
        "an empty signature": (unsigned, ""),
        "no JSON": signed(b"id_data=1"),
        "not UTF-8": signed(b'{"id_data": "\xff"}'),
        "a list": signed([good]),
        "no id_data": signed({**good, "id_data": None}),
        "id_data that are an object": signed({**good, "id_data": MAC}),
        "id_data that are no JSON": signed({**good, "id_data": "mac=1"}),
        "no pubkey": signed({name: good[name] for name in ("id_data", "tenant_token")}),
        "a broken pubkey": signed({**good, "pubkey": "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"}),
        "a tenant token that is no text": signed({**good, "tenant_token": 5}),
        "too long": signed({**good, "more": "x" * MAX_BODY}),
        "too deep": signed(b"[" * 60_000),
    }


BROKEN = requests_that_lack_something()


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_malformed_request_is_invalid(cast: Cast, name: str, statements: Recorder) -> None:
    body, signed = BROKEN[name]
    with statements() as seen_statements, pytest.raises(InvalidInput):
        await cast.gateway.application[PARTS].sign_ins.sign_in(body, signed, None)
    assert seen_statements.count == 0


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_every_type_of_key_signs_in_and_no_altered_body(cast: Cast, kind: str, statements: Recorder) -> None:
    device = await Device(cast, MAC, new_key(kind)).accepted()
    assert await device.sign_in()
    signing_in, body = cast.gateway.application[PARTS].sign_ins, device.body
    good = signature(device.key, body)
    other = signature(new_key("p256" if kind == "ed25519" else "ed25519"), body)
    before = await stored(cast)
    with statements() as seen_statements:
        for altered, signed in (
            (body + b" ", good),
            (body.replace(b"00:11", b"00:12"), good),
            (body, other),
            (body, "x"),
        ):
            with pytest.raises(Unauthenticated, match="signature"):
                await signing_in.sign_in(altered, signed, None)
    assert seen_statements.count == 0
    assert await stored(cast) == before


async def test_only_so_many_wait_in_an_organization(cast: Cast) -> None:
    few = signing(cast, pending_things=2)
    devices = [Device(cast, {"mac": f"m{number}"}) for number in range(4)]
    assert await asyncio.gather(*(device.is_refused(few) for device in devices)) == [True] * 4
    waiting = THING.c.auth_status == "PENDING"
    assert [await cast.count(THING, waiting), await cast.count(AUTH_SET)] == [2, 2]
    async with cast.store.write() as session:
        await session.execute(delete(THING).where(waiting, THING.c.identity == devices[0].identity))
        await session.execute(delete(THING).where(waiting, THING.c.identity == devices[1].identity))
    assert await devices[3].is_refused(few)
    assert await cast.count(AUTH_SET) >= 1


async def test_an_organization_has_no_more_things_than_it_may(cast: Cast) -> None:
    await limit_things(cast, cast.acme, 1)
    assert await Device(cast, MAC).is_refused()
    assert [await cast.count(THING), await cast.count(AUTH_SET)] == [1, 0]
    await limit_things(cast, cast.acme, 2)
    assert await Device(cast, MAC).is_refused()
    assert await cast.count(THING) == 2


async def test_a_thing_has_no_more_keys_than_it_may(cast: Cast) -> None:
    for _ in range(22):
        assert await Device(cast, MAC).is_refused()
    assert [await cast.count(THING, THING.c.auth_status == "PENDING"), await cast.count(AUTH_SET)] == [1, 20]
