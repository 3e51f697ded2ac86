from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from models.columns import now
from models.ids import new_id
from models.tables import (
    EVENT,
    GROUP_THING,
    OTA_EXECUTION,
    OTA_JOB,
    PROFILE,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    THING_TAG,
)
from tests.api.mutations.thing_facts import can_sign_in, events, seen
from tests.cast import THING_KEY, Cast, org_id, profile_id, refusals, thing_id
from tests.rows import add_campaign

PARTS = (THING, THING_STATE, THING_LIFECYCLE, THING_TAG, THING_ATTRIBUTE, GROUP_THING, OTA_EXECUTION)
SHORT = "deletedIds results { index thing { id } userErrors { code path } }"


def gone(things: Iterable[UUID], **more: Any) -> dict[str, Any]:
    return {"ids": [thing_id(key) for key in things], **more}


async def test_a_thing_goes_with_everything_that_is_its(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    attribute = {"name": "a", "value": 1}
    full = {"id": thing_id(cast.thing), "tags": ["t"], "attributes": [attribute], "externalId": "x"}
    await cast.change("editor", "updateThings", {"things": [full]})
    await cast.change("editor", "changeThingLifecycle", gone([cast.thing], lifecycle="INSTALLED"))
    await add_campaign(cast.store, org_id(cast.acme), [thing_id(cast.thing), thing_id(other)])
    assert await can_sign_in(cast, THING_KEY)
    assert await cast.change("admin", "deleteThings", gone([cast.thing]), SHORT) == {
        "deletedIds": [thing_id(cast.thing)],
        "results": None,
    }
    assert await seen(cast, cast.thing, "id") is None
    assert [await cast.count(table) for table in PARTS] == [1, 1, 0, 0, 0, 0, 1]
    assert [row[0] for row in await cast.rows(select(OTA_JOB.c.pending_count))] == [1]
    assert not await can_sign_in(cast, THING_KEY)
    report = "mutation { reportThingState(input: {reported: {}}) { userErrors { code } } }"
    assert (await cast.gateway.graphql(report, token=f"Thing {THING_KEY}")).codes == ["UNAUTHENTICATED"]
    assert (await events(cast))[-1] == ("THING_DELETED", cast.thing)
    deleted = {"name": "Pump", "leftGroups": [cast.group.hex]}
    assert await cast.value(EVENT.c.detail, EVENT.c.kind == "THING_DELETED") == deleted
    assert await cast.error("admin", "deleteThings", gone([cast.thing])) == ("NOT_FOUND", ["ids", "0"])


async def test_profile_stays_and_can_be_deleted_after_its_last_thing(cast: Cast) -> None:
    profile = {"id": profile_id(cast.profile)}
    assert await cast.refusal("admin", "deleteProfile", profile) != "NOT_FOUND"
    assert await cast.count(PROFILE) == 1
    await cast.change("admin", "deleteThings", gone([cast.thing]))
    assert await cast.count(PROFILE) == 1
    await cast.change("admin", "deleteProfile", profile)
    assert await cast.count(PROFILE) == 0


async def test_whoever_may_not_deletes_nothing(cast: Cast) -> None:
    await cast.refused("deleteThings", gone([cast.thing]), refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    for caller, code in (("editor", "FORBIDDEN"), ("outsider", "NOT_FOUND")):
        payload = await cast.gateway.mutate(
            "deleteThings", gone([cast.thing], mode="PARTIAL"), select=SHORT, token=await cast.token(caller)
        )
        assert payload["deletedIds"] == []
        assert [each["code"] for each in payload["results"][0]["userErrors"]] == [code]
    assert await can_sign_in(cast, THING_KEY)
    assert [await cast.count(table) for table in (THING, THING_STATE, GROUP_THING, EVENT)] == [1, 1, 1, 0]


async def test_one_that_cannot_go_keeps_all(cast: Cast) -> None:
    (foreign,) = await cast.add_things(1, organization=cast.other)
    good = thing_id(cast.thing)
    for ids, code, path in (
        ([good, thing_id(foreign)], "NOT_FOUND", ["ids", "1"]),
        ([good, thing_id(new_id())], "NOT_FOUND", ["ids", "1"]),
        ([good, org_id(cast.acme)], "INVALID_INPUT", ["ids", "1"]),
        ([good, good], "INVALID_INPUT", ["ids"]),
        ([], "INVALID_INPUT", ["ids"]),
        ([thing_id(new_id()) for _ in range(501)], "INVALID_INPUT", ["ids"]),
    ):
        assert await cast.error("owner", "deleteThings", {"ids": ids}) == (code, path)
    assert [await cast.count(table) for table in (THING, EVENT)] == [2, 0]


async def test_each_for_itself_the_others_go(cast: Cast) -> None:
    first, second = await cast.add_things(2)
    (foreign,) = await cast.add_things(1, organization=cast.other)
    async with cast.store.write() as session:
        row = {"scope": "SYSTEM", "name": "a", "value": 1, "updated_at": now()}
        await session.execute(insert(THING_ATTRIBUTE), [{**row, "thing_id": key} for key in (first, foreign)])
    given = gone([first, foreign, first, second], mode="PARTIAL")
    payload = await cast.change("admin", "deleteThings", {**given, "ids": ["x", *given["ids"]]}, SHORT)
    assert payload["deletedIds"] == [thing_id(first), thing_id(second)]
    assert [each["thing"] for each in payload["results"]] == [None] * 5
    assert [each["userErrors"] for each in payload["results"]] == [
        [{"code": "INVALID_INPUT", "path": ["ids", "0"]}],
        [],
        [{"code": "NOT_FOUND", "path": ["ids", "2"]}],
        [{"code": "NOT_FOUND", "path": ["ids", "3"]}],
        [],
    ]
    assert await events(cast) == [("THING_DELETED", first), ("THING_DELETED", second)]
    assert [await cast.count(table) for table in (THING, THING_STATE, THING_ATTRIBUTE)] == [2, 2, 1]
