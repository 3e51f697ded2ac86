"""Tokens of things: what they open, how their answers are kept apart, and what ends them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from gateway import PARTS
from models.columns import now
from models.enums import OrganizationStatus
from models.ids import new_id
from models.tables import AUTH_SET, THING, THING_TOKEN
from services.access import Access, ThingPrincipal, resolve_accesses
from services.errors import InvalidInput, TokenExpired, Unauthenticated
from services.sessions import Authenticator
from services.tokens import Audience, TokenKeys
from tests.api.mutations.thing_facts import seen
from tests.cast import THING_KEY, Cast, thing_id
from tests.gateways import TOKEN_SECRET
from tests.key_pairs import Device, add_tenant, set_organization
from tests.rows import key
from tests.statements import Recorder

MAC = {"mac": "00:11"}
VIEWER = "{ viewer { thing { id } user { id } } }"


@pytest.fixture
async def device(cast: Cast) -> Device:
    """An accepted thing."""
    await add_tenant(cast)
    return await Device(cast, MAC).accepted()


def authenticator(cast: Cast) -> Authenticator:
    return Authenticator(cast.store, TokenKeys.of(TOKEN_SECRET))


async def outcome(cast: Cast, header: str | None) -> str:
    """What the door of devices makes of a header: the status that it stands for, or the thing."""
    try:
        return (await authenticator(cast).authenticate_thing(header)).id
    except InvalidInput:
        return "400 malformed"
    except TokenExpired:
        return "403 expired"
    except Unauthenticated:
        return "401"


async def test_a_token_is_the_thing_everywhere(cast: Cast, device: Device) -> None:
    """Queries, mutations, sockets; and it sees what a thing sees, with a key or with a token."""
    token, me = await device.sign_in(), await device.thing()
    assert await cast.gateway.data(VIEWER, token=token) == {"viewer": {"thing": {"id": me}, "user": None}}
    things = await cast.gateway.data("{ things { nodes { id } } organizations { nodes { name } } }", token=token)
    assert things == {"things": {"nodes": [{"id": me}]}, "organizations": {"nodes": [{"name": "Acme"}]}}
    report = {"reported": {"level": 4}}
    async with cast.gateway.subscribe("subscription { thingStateChanged { version } }", token=token) as stream:
        made = await cast.gateway.change("reportThingState", report, select="state { version }", token=token)
        assert (await stream.next())["thingStateChanged"] == made["state"]
    assert (await seen(cast, key(me), "state { reported }"))["state"] == {"reported": {"level": 4}}
    named = {"thingId": thing_id(cast.thing), "reported": {"level": 5}}
    payload = await cast.gateway.mutate("reportThingState", named, select="state { version }", token=token)
    assert [each["code"] for each in payload["userErrors"]] == ["NOT_FOUND"]
    set_of_mine = {"id": await device.auth_set()}
    asked = await cast.gateway.data("query($id: ID!) { authSet(id: $id) { id } }", set_of_mine, token=token)
    assert asked == {"authSet": None}


async def test_a_thing_decides_on_nobody(cast: Cast, device: Device) -> None:
    token, other = await device.sign_in(), Device(cast, {"mac": "other"})
    assert await other.is_refused()
    for name in ("acceptAuthSet", "rejectAuthSet", "deleteAuthSet"):
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation M($input: {kind}!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
        answer = await cast.gateway.graphql(document, {"input": {"id": await other.auth_set()}}, token=token)
        assert answer.codes == ["FORBIDDEN"]
    assert await cast.value(AUTH_SET.c.status, AUTH_SET.c.id == key(await other.auth_set())) == "PENDING"


async def test_answers_are_kept_apart(cast: Cast, device: Device) -> None:
    """Malformed or missing, not good, and good until its time was over."""
    token = await device.sign_in()
    thing = key(await device.thing())
    ours, theirs = TokenKeys.of(TOKEN_SECRET), TokenKeys.of("a secret of somebody else, long enough")
    claims: dict[str, Any] = {"jti": new_id().hex, "sub": thing.hex, "org": cast.acme.hex}
    person = await cast.token("owner")
    assert await outcome(cast, f"Bearer {token}") == f"thing_{thing.hex}"
    assert await outcome(cast, f"bearer  {token} ") == f"thing_{thing.hex}"
    for header in (None, "", "Bearer", "Bearer x", f"Bearer {token}.x", f"Thing {THING_KEY}", f"Basic {token}", token):
        assert await outcome(cast, header) == "400 malformed", header
    forged = [
        ours.sign(Audience.THING, claims, seconds=60),  # a token that nobody was given
        theirs.sign(Audience.THING, claims, seconds=60),
        theirs.sign(Audience.THING, claims, seconds=-60),
        ours.sign(Audience.THING, {"sub": thing.hex, "org": cast.acme.hex}, seconds=60),
        ours.sign(Audience.THING, {**claims, "jti": 5}, seconds=60),
        ours.sign(Audience.DOWNLOAD, claims, seconds=60),
        ours.sign(Audience.ACCESS, claims, seconds=60),
        person,
        f"{token}x",
        f"x{token}",
    ]
    for each in forged:
        assert await outcome(cast, f"Bearer {each}") == "401", each
    over = ours.sign(Audience.THING, claims, seconds=-60)
    assert await outcome(cast, f"Bearer {over}") == "403 expired"
    for each in (over, *forged[:6]):
        assert (await cast.gateway.graphql(VIEWER, token=each)).codes == ["UNAUTHENTICATED"]
    assert (await cast.gateway.data(VIEWER, token=person))["viewer"]["user"]


@pytest.mark.parametrize("what", ["token", "auth set", "thing", "organization", "time", "row"])
async def test_what_ends_a_token_ends_it_at_both_doors(cast: Cast, device: Device, what: str) -> None:
    """Each of the conditions by itself, as rows."""
    token = await device.sign_in()
    kept = authenticator(cast)
    header = f"Bearer {token}"
    assert (await kept.authenticate_thing(header)).thing_id == key(await device.thing())
    async with cast.store.write() as session:
        if what == "token":
            await session.execute(THING_TOKEN.delete())
        elif what == "auth set":
            await session.execute(update(AUTH_SET).values(status="REJECTED"))
        elif what == "thing":
            await session.execute(update(THING).values(decommissioned_at=now()))
        elif what == "time":
            await session.execute(update(THING_TOKEN).values(expires_at=now() - timedelta(seconds=1)))
        elif what == "row":
            await session.execute(THING.delete().where(THING.c.id == key(await device.thing())))
    if what == "organization":
        await set_organization(cast, status=OrganizationStatus.SUSPENDED)
    with pytest.raises(Unauthenticated):
        await kept.authenticate_thing(header)
    assert (await cast.gateway.graphql(VIEWER, token=token)).codes == ["UNAUTHENTICATED"]
    report = "mutation { reportThingState(input: {reported: {a: 1}}) { userErrors { code } } }"
    assert (await cast.gateway.graphql(report, token=token)).codes == ["UNAUTHENTICATED"]


async def test_a_remembered_token_ends_with_its_time(
    cast: Cast, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = f"Bearer {await device.sign_in()}"
    kept = authenticator(cast)
    principal = await kept.authenticate_thing(header)
    assert principal.expires_at is not None
    monkeypatch.setattr("services.tokens.time.time", lambda: float(principal.expires_at or 0) + 1)
    with pytest.raises(TokenExpired):
        await kept.authenticate_thing(header)


async def test_many_tokens_are_looked_up_with_few_statements(cast: Cast, device: Device, statements: Recorder) -> None:
    """Each gets its own thing, and those that are not good are refused by themselves."""
    other = await Device(cast, {"mac": "other"}).accepted()
    tokens = [await device.sign_in(), await other.sign_in(), await device.sign_in()]
    ours = TokenKeys.of(TOKEN_SECRET)
    claims = {"jti": new_id().hex, "sub": key(await device.thing()).hex, "org": cast.acme.hex}
    headers = [f"Bearer {each}" for each in (*tokens, ours.sign(Audience.THING, claims, seconds=60))]
    kept = authenticator(cast)
    with statements() as seen_statements:
        answers = await asyncio.gather(*map(kept.authenticate_thing, headers * 10), return_exceptions=True)
    assert seen_statements.count <= 2
    found = [each.thing_id for each in answers if isinstance(each, ThingPrincipal)]
    mine, theirs = key(await device.thing()), key(await other.thing())
    assert found == [mine, theirs, mine] * 10
    assert sum(isinstance(each, Unauthenticated) for each in answers) == 10


async def test_accesses_of_people_keys_and_tokens_are_read_together(
    cast: Cast, device: Device, statements: Recorder
) -> None:
    kept = authenticator(cast)
    headers = [f"Bearer {await device.sign_in()}", f"Bearer {await cast.token('viewer')}", f"Thing {THING_KEY}"]
    principals = [each for each in [await kept.authenticate(header) for header in headers] if each is not None]
    with statements() as seen_statements:
        accesses = await resolve_accesses(cast.store, principals)
    assert seen_statements.count == 3
    assert set(accesses) == set(principals)
    token, _, pump = principals
    assert isinstance(token, ThingPrincipal)
    assert (accesses[token], accesses[pump]) == (Access(token), Access(pump))
    stranger = ThingPrincipal(cast.thing, cast.acme, expires_at=token.expires_at, token_id=token.token_id)
    assert await resolve_accesses(cast.store, [stranger]) == {}


async def test_a_remembered_token_is_asked_about_each_time(cast: Cast, device: Device) -> None:
    parts = cast.gateway.application[PARTS]
    tokens = [await device.sign_in() for _ in range(2)]
    assert [(await cast.gateway.graphql(VIEWER, token=token)).errors for token in tokens] == [[], []]
    first = parts.keys.verify(Audience.THING, tokens[0])["jti"]
    await cast.change("editor", "revokeThingTokens", {"tokenId": f"thingtoken_{first}"})
    assert [(await cast.gateway.graphql(VIEWER, token=token)).codes for token in tokens] == [["UNAUTHENTICATED"], []]
