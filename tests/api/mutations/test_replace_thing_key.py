from __future__ import annotations

import asyncio

import pytest

from models.ids import new_id
from models.tables import THING
from services.tokens import digest
from tests.api.mutations.thing_facts import can_sign_in, events, seen
from tests.cast import THING_KEY, Cast, org_id, refusals, thing_id
from tests.client import SubscriptionRefused

REPLACE = "mutation Replace($input: ReplaceThingKeyInput!) { replaceThingKey(input: $input) { key { key } } }"


async def test_new_key_opens_and_the_old_one_does_not(cast: Cast) -> None:
    assert await can_sign_in(cast, THING_KEY)
    given = {"id": thing_id(cast.thing)}
    payload = await cast.change("editor", "replaceThingKey", given, "key { key thing { id name version } }")
    assert payload["key"]["thing"] == {"id": thing_id(cast.thing), "name": "Pump", "version": 2}
    secret = payload["key"]["key"]
    assert secret != THING_KEY
    assert not await can_sign_in(cast, THING_KEY)
    assert await can_sign_in(cast, secret)
    assert await cast.value(THING.c.key_digest, THING.c.id == cast.thing) == digest(secret)
    assert await events(cast) == [("THING_UPDATED", cast.thing)]
    again = (await cast.change("editor", "replaceThingKey", given, "key { key }"))["key"]["key"]
    assert again != secret
    assert not await can_sign_in(cast, secret)


async def test_open_subscription_does_not_outlive_the_key(cast: Cast) -> None:
    query = "subscription { thingStateChanged { cursor } }"
    async with cast.gateway.subscribe(query, token=f"Thing {THING_KEY}") as stream:
        await cast.change("editor", "replaceThingKey", {"id": thing_id(cast.thing)}, "key { key }")
        wished = {"thingId": thing_id(cast.thing), "desired": {"a": 1}}
        await cast.change("editor", "setDesiredThingState", wished)
        with pytest.raises(SubscriptionRefused) as refused:
            await stream.next()
    assert refused.value.codes == ["UNAUTHENTICATED"]


async def test_of_keys_replaced_at_the_same_time_one_works(cast: Cast) -> None:
    token = await cast.token("editor")
    variables = {"input": {"id": thing_id(cast.thing)}}
    answers = await asyncio.gather(*(cast.gateway.graphql(REPLACE, variables, token=token) for _ in range(4)))
    secrets = [answer.data["replaceThingKey"]["key"]["key"] for answer in answers]
    assert sorted([await can_sign_in(cast, secret) for secret in secrets]) == [False, False, False, True]
    assert await seen(cast, cast.thing, "version") == {"version": 5}


async def test_whoever_may_not_replaces_no_key(cast: Cast) -> None:
    await cast.refused("replaceThingKey", {"id": thing_id(cast.thing)}, refusals(viewer="FORBIDDEN"))
    for thing, code in ((org_id(cast.acme), "INVALID_INPUT"), (thing_id(new_id()), "NOT_FOUND")):
        assert await cast.error("owner", "replaceThingKey", {"id": thing}) == (code, ["id"])
    assert await can_sign_in(cast, THING_KEY)
    assert await events(cast) == []
