from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from models.columns import now
from models.ids import new_id
from models.tables import EVENT, THING, THING_STATE
from tests.api.mutations.thing_facts import events, seen
from tests.cast import THING_KEY, Cast, org_id, thing_id

STATE = "state { reported desired delta version }"
DETAILS = select(EVENT.c.detail).order_by(EVENT.c.sequence)
SELECT = f"{STATE} thing {{ name connected lastSeenAt }}"
REPORT = """
mutation Report($input: ReportThingStateInput!) {
  reportThingState(input: $input) { state { version } userErrors { code path } }
}
"""


async def report(cast: Cast, values: Any, **more: Any) -> Any:
    """What the state is after the thing reported for itself."""
    return (await cast.change("thing", "reportThingState", {"reported": values, **more}, STATE))["state"]


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


async def test_a_thing_reports_for_itself_and_is_seen(cast: Cast) -> None:
    before = await seen(cast, cast.thing, "connected lastSeenAt version state { reportedAt }")
    assert before == {"connected": False, "lastSeenAt": None, "version": 1, "state": {"reportedAt": None}}
    payload = await cast.change("thing", "reportThingState", {"reported": {"on": True}}, SELECT)
    state = {"reported": {"on": True}, "desired": {}, "delta": {}, "version": 1}
    moment = payload["thing"].pop("lastSeenAt")
    assert payload == {"state": state, "thing": {"name": "Pump", "connected": True}}
    after = await seen(cast, cast.thing, "connected lastSeenAt state { reportedAt desiredAt } version")
    moments = {"lastSeenAt": moment, "state": {"reportedAt": moment, "desiredAt": None}}
    assert after == {"connected": True, "version": 1, **moments}
    await report(cast, {"on": False}, thingId=thing_id(cast.thing))
    assert (await seen(cast, cast.thing, "state { reportedAt }"))["state"]["reportedAt"] > moment
    kinds = ["THING_CONNECTIVITY_CHANGED", "THING_STATE_CHANGED", "THING_STATE_CHANGED"]
    assert await events(cast) == [(kind, cast.thing) for kind in kinds]
    details = [row.detail for row in await cast.rows(DETAILS)]
    assert details == [
        {"connected": True, "reason": "REPORT"},
        {"side": "REPORTED", "patch": {"on": True}, "version": 1},
        {"side": "REPORTED", "patch": {"on": False}, "version": 2},
    ]


@pytest.mark.parametrize(
    ("interval", "seconds", "is_renewed"), [(None, 4, False), (None, 6, True), (8, 1, False), (8, 3, True)]
)
async def test_when_a_thing_was_last_seen_is_exact_to_seconds(
    cast: Cast, interval: int | None, seconds: int, *, is_renewed: bool
) -> None:
    before = now() - timedelta(seconds=seconds)
    async with cast.store.write() as session:
        known = {"connected": True, "last_seen_at": before, "report_interval_seconds": interval}
        await session.execute(update(THING).where(THING.c.id == cast.thing).values(known))
    await report(cast, {})
    assert (await cast.value(THING.c.last_seen_at, THING.c.id == cast.thing) > before) is is_renewed
    assert await cast.value(THING_STATE.c.reported_at, THING_STATE.c.thing_id == cast.thing) > before


async def test_reports_are_merged_or_stand_alone(cast: Cast) -> None:
    await report(cast, {"a": {"b": 1, "c": [1, {"x": None}]}, "d": 1})
    merged = await report(cast, {"a": {"b": None, "e": {"f": None, "g": 2}}, "d": {"h": 1}, "i": None})
    assert merged["reported"] == {"a": {"c": [1, {"x": None}], "e": {"g": 2}}, "d": {"h": 1}}
    assert (await report(cast, {"a": {"c": [2]}, "d": 3}))["reported"] == {"a": {"c": [2], "e": {"g": 2}}, "d": 3}
    alone = await report(cast, {"z": 1}, replace=True)
    assert (alone["reported"], alone["version"]) == ({"z": 1}, 4)
    assert (await report(cast, {}))["version"] == 5


async def test_every_json_value_comes_back_as_it_was(cast: Cast) -> None:
    values = {
        "numbers": [0, -1, 2**53, -(2**53), 1.5, 1e-300, 1e17, 1e300, -2.5e20],
        "texts": ["", "äöü", "\U0001f600", '"\\', "\u2028"],
        "others": [None, True, False, [], {}],
        "": {"$key": "{}"},
    }
    assert (await report(cast, values))["reported"] == values
    assert (await report(cast, {"next": 1}))["reported"] == {**values, "next": 1}
    assert (await seen(cast, cast.thing, "state { reported }"))["state"]["reported"] == {**values, "next": 1}


async def test_report_is_an_object_within_bounds(cast: Cast) -> None:
    assert (await report(cast, nested(20)))["reported"] == nested(20)
    await report(cast, {"many": [0] * 4996, "text": "x" * 65_000}, replace=True)
    before = await seen(cast, cast.thing, f"lastSeenAt {STATE}")
    refused: list[Any] = [
        *("text", 1, True, [], [{}]),
        nested(21),
        {"many": [0] * 5000},
        {"text": "x" * 65_537},
        {"x" * 40_000: 1, "y" * 40_000: 1},
        {"number": 2**53 + 1},
        {"number": -(2**63)},
        {"number": 2**63 - 1},
        {"one": 1, "two": 2},
        {"more": "x" * 600},
    ]
    for bad in refused:
        assert await cast.error("thing", "reportThingState", {"reported": bad}) == ("INVALID_INPUT", ["reported"])
    assert await cast.refusal("thing", "reportThingState", {"reported": None}) == "BAD_USER_INPUT"
    assert await cast.refusal("thing", "reportThingState", {"reported": {"a\0": "b"}}) == "BAD_USER_INPUT"
    assert await cast.refusal("thing", "reportThingState", {"reported": {"a": ["\0"]}}) == "BAD_USER_INPUT"
    assert await seen(cast, cast.thing, f"lastSeenAt {STATE}") == before
    assert len(await events(cast)) == 3


async def test_a_person_reports_for_a_thing_that_they_name(cast: Cast) -> None:
    given = {"thingId": thing_id(cast.thing), "reported": {"a": 1}}
    assert (await cast.change("editor", "reportThingState", given, STATE))["state"]["reported"] == {"a": 1}
    for thing, error in (
        (None, ("INVALID_INPUT", ["thingId"])),
        (org_id(cast.acme), ("INVALID_INPUT", ["thingId"])),
        (thing_id(new_id()), ("NOT_FOUND", ["thingId"])),
    ):
        assert await cast.error("editor", "reportThingState", {**given, "thingId": thing}) == error
    assert len(await events(cast)) == 2


async def test_whoever_may_not_reports_nothing(cast: Cast) -> None:
    given = {"thingId": thing_id(cast.thing), "reported": {"a": 1}}
    codes = {"anonymous": "UNAUTHENTICATED", "viewer": "FORBIDDEN", "outsider": "NOT_FOUND", "loner": "NOT_FOUND"}
    await cast.refused("reportThingState", given, codes)
    (neighbour,) = await cast.add_things(1)
    other = {"thingId": thing_id(neighbour), "reported": {"a": 1}}
    assert await cast.error("thing", "reportThingState", other) == ("NOT_FOUND", ["thingId"])
    answer = await cast.gateway.graphql(REPORT, {"input": {"reported": {}}}, token="Thing of nobody")
    assert answer.codes == ["UNAUTHENTICATED"]
    for key in (cast.thing, neighbour):
        quiet = {"connected": False, "lastSeenAt": None, "state": {"reported": {}, "version": 0}}
        assert await seen(cast, key, "connected lastSeenAt state { reported version }") == quiet
    assert await events(cast) == []


async def test_connectivity_is_told_when_it_changes(cast: Cast) -> None:
    await report(cast, {})
    async with cast.store.write() as session:
        await session.execute(update(THING).where(THING.c.id == cast.thing).values(connected=False))
    await report(cast, {})
    await report(cast, {})
    assert [kind for kind, _ in await events(cast)].count("THING_CONNECTIVITY_CHANGED") == 2
    assert await cast.value(THING.c.connected, THING.c.id == cast.thing) is True


async def test_reports_at_the_same_time_lose_nothing(cast: Cast) -> None:
    given = [{"input": {"reported": {str(number): number, "shared": {str(number): True}}}} for number in range(20)]
    answers = await asyncio.gather(*(cast.gateway.graphql(REPORT, each, token=f"Thing {THING_KEY}") for each in given))
    assert [answer.data["reportThingState"]["userErrors"] for answer in answers] == [[]] * 20
    ((reported, version),) = await cast.rows(
        select(THING_STATE.c.reported, THING_STATE.c.version).where(THING_STATE.c.thing_id == cast.thing)
    )
    each = {str(number): number for number in range(20)}
    assert (reported, version) == ({**each, "shared": dict.fromkeys(each, True)}, 20)
    assert [kind for kind, _ in await events(cast)].count("THING_CONNECTIVITY_CHANGED") == 1
    versions = [row.detail["version"] for row in (await cast.rows(DETAILS))[1:]]
    assert versions == list(range(1, 21))


@pytest.mark.parametrize("reported", ["{a: 1e400}", "{a: 9007199254740993}", "{a: 1, a: 2}", '{a: "\\u0000"}'])
async def test_literals_in_the_document_are_held_to_the_same_bounds(cast: Cast, reported: str) -> None:
    document = f"mutation {{ reportThingState(input: {{reported: {reported}}}) {{ userErrors {{ code }} }} }}"
    answer = await cast.gateway.graphql(document, token=f"Thing {THING_KEY}")
    codes = answer.codes or [each["code"] for each in answer.data["reportThingState"]["userErrors"]]
    assert set(codes) <= {"INVALID_INPUT", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}
    assert codes
    assert await events(cast) == []
