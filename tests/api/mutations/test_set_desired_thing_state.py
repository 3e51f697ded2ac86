from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select

from models.ids import new_id
from models.tables import EVENT, THING_STATE
from tests.api.mutations.thing_facts import events, seen
from tests.cast import Cast, org_id, refusals, thing_id

STATE = "state { reported desired delta version desiredAt reportedAt } thing { connected lastSeenAt }"
DESIRE = """
mutation Desire($input: SetDesiredThingStateInput!) {
  setDesiredThingState(input: $input) { state { version } userErrors { code path } }
}
"""


def wish(cast: Cast, values: Any, **more: Any) -> dict[str, Any]:
    return {"thingId": thing_id(cast.thing), "desired": values, **more}


async def desire(cast: Cast, values: Any, **more: Any) -> Any:
    """What the state is after an editor wished so."""
    return (await cast.change("editor", "setDesiredThingState", wish(cast, values, **more), STATE))["state"]


async def test_a_wish_is_kept_and_leaves_the_thing_alone(cast: Cast) -> None:
    payload = await cast.change("editor", "setDesiredThingState", wish(cast, {"Light": {"on": True}}), STATE)
    state = payload["state"]
    assert state.pop("desiredAt") is not None
    values = {"reported": {}, "desired": {"Light": {"on": True}}, "delta": {"Light": {"on": True}}}
    assert state == {**values, "version": 1, "reportedAt": None}
    assert payload["thing"] == {"connected": False, "lastSeenAt": None}
    own = await cast.data("thing", "{ viewer { thing { state { desired delta } } } }")
    assert own["viewer"]["thing"]["state"] == {key: values[key] for key in ("desired", "delta")}
    assert await events(cast) == [("THING_STATE_CHANGED", cast.thing)]
    detail = {"side": "DESIRED", "patch": {"Light": {"on": True}}, "version": 1}
    assert await cast.value(EVENT.c.detail) == detail


async def test_delta_goes_when_the_thing_reports_what_is_wanted(cast: Cast) -> None:
    await desire(cast, {"on": True, "level": 5, "inner": {"a": 1, "b": [1]}})
    await cast.change("thing", "reportThingState", {"reported": {"on": True, "inner": {"a": 1.0, "b": [2]}, "x": 1}})
    delta = (await seen(cast, cast.thing, "state { delta }"))["state"]["delta"]
    assert delta == {"level": 5, "inner": {"b": [1]}}
    await cast.change("thing", "reportThingState", {"reported": delta})
    assert (await seen(cast, cast.thing, "state { delta version }"))["state"] == {"delta": {}, "version": 3}


async def test_wishes_are_merged_or_stand_alone(cast: Cast) -> None:
    await desire(cast, {"a": {"b": 1, "c": 2}, "d": [1]})
    assert (await desire(cast, {"a": {"b": None, "e": 3}, "d": [2]}))["desired"] == {"a": {"c": 2, "e": 3}, "d": [2]}
    alone = await desire(cast, {"z": None}, replace=True)
    assert (alone["desired"], alone["delta"], alone["version"]) == ({"z": None}, {}, 3)
    await cast.change("thing", "reportThingState", {"reported": {"z": 1}})
    assert (await seen(cast, cast.thing, "state { delta }"))["state"]["delta"] == {"z": None}


async def test_older_version_is_a_conflict(cast: Cast) -> None:
    await desire(cast, {"a": 1}, expectedVersion=0)
    await cast.change("thing", "reportThingState", {"reported": {"a": 1}})
    late = wish(cast, {"a": 2}, expectedVersion=1)
    assert await cast.error("editor", "setDesiredThingState", late) == ("CONFLICT", ["expectedVersion"])
    assert (await seen(cast, cast.thing, "state { desired version }"))["state"] == {"desired": {"a": 1}, "version": 2}
    assert len(await events(cast)) == 3


async def test_of_many_wishes_for_one_version_one_is_kept(cast: Cast) -> None:
    token = await cast.token("editor")
    given = [{"input": wish(cast, {str(number): number}, expectedVersion=0)} for number in range(6)]
    answers = await asyncio.gather(*(cast.gateway.graphql(DESIRE, each, token=token) for each in given))
    errors = [answer.data["setDesiredThingState"]["userErrors"] for answer in answers]
    assert sorted(map(len, errors)) == [0, 1, 1, 1, 1, 1]
    ((desired, version),) = await cast.rows(
        select(THING_STATE.c.desired, THING_STATE.c.version).where(THING_STATE.c.thing_id == cast.thing)
    )
    winner = errors.index([])
    assert (desired, version) == ({str(winner): winner}, 1)
    assert len(await events(cast)) == 1


async def test_wish_is_an_object_within_bounds(cast: Cast) -> None:
    await desire(cast, {"many": [0] * 4990})
    refused: list[Any] = ["text", 0, False, [], {"a": 2**53 + 1}, {"text": "x" * 65_537}, {"more": [0] * 20}]
    for bad in refused:
        assert await cast.error("editor", "setDesiredThingState", wish(cast, bad)) == ("INVALID_INPUT", ["desired"])
    assert await cast.refusal("editor", "setDesiredThingState", wish(cast, None)) == "BAD_USER_INPUT"
    assert await cast.refusal("editor", "setDesiredThingState", wish(cast, {"\0": 1})) == "BAD_USER_INPUT"
    assert (await seen(cast, cast.thing, "state { version }"))["state"] == {"version": 1}


async def test_large_floats_survive_a_merge(cast: Cast) -> None:
    await desire(cast, {"a": 1e17, "b": 6.02e23})
    assert (await desire(cast, {"c": 1}))["desired"] == {"a": 1e17, "b": 6.02e23, "c": 1}


async def test_whoever_may_not_wishes_nothing(cast: Cast) -> None:
    await cast.refused("setDesiredThingState", wish(cast, {"a": 1}), refusals(viewer="FORBIDDEN"))
    for thing, code in ((org_id(cast.acme), "INVALID_INPUT"), (thing_id(new_id()), "NOT_FOUND")):
        given = {**wish(cast, {"a": 1}), "thingId": thing}
        assert await cast.error("owner", "setDesiredThingState", given) == (code, ["thingId"])
    assert (await seen(cast, cast.thing, "state { desired version }"))["state"] == {"desired": {}, "version": 0}
    assert await events(cast) == []
