from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from models.ids import new_id
from models.tables import EVENT, THING_STATE
from services.reports import MAX_REPORTS
from tests.api.mutations.thing_facts import events, seen
from tests.cast import THING_KEY, Cast, org_id, thing_id

RESULTS = "taken results { index version state { reported version } thing { id } userErrors { code path } }"
NEEDLESS = "mutation ($input: ReportThingStatesInput!) { reportThingStates(input: $input) { taken } }"


def given(*reports: Any) -> dict[str, Any]:
    return {"reports": list(reports)}


async def test_each_report_has_its_own_result(cast: Cast) -> None:
    pump, other, foreign = thing_id(cast.thing), *map(thing_id, await cast.add_things(1)), thing_id(new_id())
    reports = [
        {"thingId": pump, "reported": {"a": 1, "b": 1}},
        {"thingId": foreign, "reported": {"a": 1}},
        {"thingId": org_id(cast.acme), "reported": {"a": 1}},
        {"reported": {"a": 1}},
        {"thingId": pump, "reported": {"b": None}},
        {"thingId": pump, "reported": ["no object"]},
        {"thingId": other, "reported": {"c": {"d": 1}}, "replace": True},
    ]
    payload = await cast.change("editor", "reportThingStates", given(*reports), RESULTS)
    assert payload["taken"] == 3
    assert [result["index"] for result in payload["results"]] == list(range(7))
    assert [result["version"] for result in payload["results"]] == [1, None, None, None, 2, None, 1]
    errors = [[(each["code"], each["path"]) for each in result["userErrors"]] for result in payload["results"]]
    assert errors == [
        [],
        [("NOT_FOUND", ["reports", "1", "thingId"])],
        [("INVALID_INPUT", ["reports", "2", "thingId"])],
        [("INVALID_INPUT", ["reports", "3", "thingId"])],
        [],
        [("INVALID_INPUT", ["reports", "5", "reported"])],
        [],
    ]
    state = {"reported": {"a": 1}, "version": 2}
    assert [payload["results"][place]["state"] for place in (0, 1, 4)] == [state, None, state]
    assert [payload["results"][place]["thing"] for place in (1, 6)] == [None, {"id": other}]
    assert await seen(cast, cast.thing, "connected state { reported version }") == {"connected": True, "state": state}
    kinds = [kind for kind, _ in await events(cast)]
    assert (kinds.count("THING_STATE_CHANGED"), kinds.count("THING_CONNECTIVITY_CHANGED")) == (3, 2)


async def test_a_thing_reports_several_times_for_itself(cast: Cast) -> None:
    (neighbour,) = await cast.add_things(1)
    reports = [{"reported": {"n": number}} for number in range(3)] + [{"thingId": thing_id(neighbour), "reported": {}}]
    payload = await cast.change("thing", "reportThingStates", given(*reports), RESULTS)
    assert [result["version"] for result in payload["results"]] == [1, 2, 3, None]
    assert payload["results"][3]["userErrors"] == [{"code": "NOT_FOUND", "path": ["reports", "3", "thingId"]}]
    details = [row.detail for row in await cast.rows(select(EVENT.c.detail).order_by(EVENT.c.sequence))]
    assert [detail.get("patch") for detail in details] == [None, {"n": 0}, {"n": 1}, {"n": 2}]


async def test_whoever_may_not_reports_nothing(cast: Cast) -> None:
    report = {"thingId": thing_id(cast.thing), "reported": {"a": 1}}
    for caller, code in (("viewer", "FORBIDDEN"), ("outsider", "NOT_FOUND"), ("loner", "NOT_FOUND")):
        payload = await cast.change(caller, "reportThingStates", given(report), RESULTS)
        assert payload["taken"] == 0
        assert [each["code"] for each in payload["results"][0]["userErrors"]] == [code]
    assert await cast.refusal("anonymous", "reportThingStates", given(report)) == "UNAUTHENTICATED"
    answer = await cast.gateway.graphql(NEEDLESS, {"input": given(report)}, token="Thing of nobody")
    assert answer.codes == ["UNAUTHENTICATED"]
    assert (await events(cast), await cast.value(THING_STATE.c.version)) == ([], 0)


@pytest.mark.parametrize("number", [0, MAX_REPORTS + 1])
async def test_so_many_are_taken_at_once(cast: Cast, number: int) -> None:
    reports: list[Any] = [{"reported": {}}] * number
    assert await cast.error("thing", "reportThingStates", given(*reports)) == ("INVALID_INPUT", ["reports"])
    assert await events(cast) == []


async def test_the_most_that_are_taken_at_once(cast: Cast) -> None:
    keys = await cast.add_things(100)
    numbers = range(MAX_REPORTS)
    reports = [{"thingId": thing_id(keys[n % 100]), "reported": {str(n // 100): n}} for n in numbers]
    payload = await cast.change("owner", "reportThingStates", given(*reports), "taken results { version }")
    assert payload["taken"] == MAX_REPORTS
    assert [result["version"] for result in payload["results"]] == [1 + n // 100 for n in numbers]
    stored = {row.thing_id: row for row in await cast.rows(select(THING_STATE)) if row.thing_id != cast.thing}
    rows = [stored[key] for key in keys]
    assert [row.version for row in rows] == [10] * 100
    assert rows[7].reported == {str(place): place * 100 + 7 for place in range(10)}


@pytest.mark.parametrize(
    "variables",
    [
        {"reports": {"reported": {"ü": "\u2028"}}},
        {"reports": [{"reported": {"a": 1}, "replace": None}]},
        {"reports": [{"reported": {"a": 2**63}}]},
        {"reports": [{"reported": {"a": 1}, "more": 1}]},
        {"reports": [{"replace": True}]},
        {"reports": [None]},
        {"reports": None},
        {"reports": [{"reported": {"a": "\0"}}]},
        {"reports": [{"reported": {"\0": 1}}]},
        {"reports": [{"reported": "text", "thingId": True}]},
        {},
    ],
)
async def test_unusual_values_mean_what_they_mean_to_everybody(cast: Cast, variables: dict[str, Any]) -> None:
    """What is not coerced by a function made for its type is left to graphql-core, and to its errors."""
    answer = await cast.gateway.graphql(NEEDLESS, {"input": variables}, token=f"Thing {THING_KEY}")
    is_taken = variables.get("reports") == {"reported": {"ü": "\u2028"}}
    if is_taken:
        assert answer.data["reportThingStates"]["taken"] == 1
    else:
        assert answer.codes == ["BAD_USER_INPUT"]
    assert len(await events(cast)) == 2 * is_taken
