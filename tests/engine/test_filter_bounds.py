"""Filters are bounded, and what is wrong in them is told as the caller's mistake."""

from __future__ import annotations

from functools import reduce
from typing import Any

from tests.fleets import Fleet
from tests.gateways import Gateway

QUERIES = (
    "query ($filter: ThingFilter) { things(filter: $filter) { nodes { id } } }",
    "query ($filter: ThingFilter) { things(filter: $filter) { totalCount } }",
    "query ($filter: ThingFilter) { thingStats(filter: $filter) { total } }",
)
STRANGE = "thing_" + "0" * 32


def nested(depth: int) -> dict[str, Any]:
    """`not` in `not`, with one condition at the bottom: `depth` conditions in all."""
    innermost: dict[str, Any] = {"connected": True}
    return reduce(lambda inner, _: {"not": inner}, range(depth - 1), innermost)


async def codes(gateway: Gateway, token: str, wanted: Any) -> set[str]:
    """The error codes of all that takes a filter."""
    found: set[str] = set()
    for query in QUERIES:
        answer = await gateway.graphql(query, {"filter": wanted}, token=token)
        assert answer.status < 500
        found |= set(answer.codes) or {"none"}
    return found


async def test_bounds(gateway: Gateway, fleet: Fleet) -> None:
    token, alder = fleet.alder.viewer.token, fleet.alder
    ids = [STRANGE] * 100
    fine: list[Any] = [
        {"and": [{"connected": True}] * 99},
        nested(16),
        {"or": [{}] * 99},
        {"ids": ids},
        {"name": {"in": ["x"] * 100, "nin": ["x"] * 100}},
        {"tag": {"in": ["x"] * 100, "nin": ["x"] * 100}},
        {"type": ["SENSOR"] * 100, "lifecycle": ["NEW"] * 100},
        {"name": {"contains": "%" * 1_024, "startsWith": "😀" * 1_024}, "search": "x" * 1_024},
        {"name": {"eq": "x" * 100_000}},
        {"lastSeenAt": {"gt": "0001-01-01T00:00:00Z", "lt": "9999-12-31T23:59:59.999999Z"}},
        {"attribute": {"name": "x", "number": {"in": [1.7976931348623157e308] * 100}}},
    ]
    for wanted in fine:
        assert await codes(gateway, token, wanted) == {"none"}, str(wanted)[:200]
    wrong: list[Any] = [
        {"and": [{"connected": True}] * 100},
        {"or": [{"connected": True, "search": "x"}] * 50},
        {"ids": [*ids, STRANGE]},
        {"profileIds": ["profile_" + "0" * 32] * 101},
        {"name": {"in": ["x"] * 101}},
        {"externalId": {"nin": ["x"] * 101}},
        {"tag": {"in": ["x"] * 101}},
        {"tag": {"nin": ["x"] * 101}},
        {"type": ["SENSOR"] * 101},
        {"lifecycle": ["NEW"] * 101},
        {"attribute": {"name": "x", "number": {"in": [1] * 101}}},
        nested(17),
        {"and": [{"or": [nested(15)]}]},
        {"name": {"contains": "x" * 1_025}},
        {"tag": {"startsWith": "x" * 100_000}},
        {"search": "x" * 1_025},
        {"or": [{}] * 100},
        {"and": [{}] * 20_000},
        {"ids": [alder.hall]},
        {"ids": ["garbage"]},
        {"ids": [""]},
        {"group": {"id": alder.organization}},
        {"organization": {"id": alder.hall}},
        {"profileIds": [alder.pump.id]},
        {"organization": {"id": "org_" + "0" * 31}},
        {"organization": {"id": "org_" + "G" * 32}},
        {"name": {"eq": "a\0"}},
        {"name": {"eq": 5}},
        {"connected": "true"},
        {"type": ["TOASTER"]},
        {"lastSeenAt": {"gt": "yesterday"}},
        {"lastSeenAt": {"gt": "2026-01-01T00:00:00"}},
        {"lastSeenAt": {"gt": "0001-01-01T00:00:00+23:59"}},
        {"attribute": {"name": "x", "number": {"eq": "1"}}},
        {"attribute": {}},
        {"nothing": 1},
        [],
        "x",
    ]
    for wanted in wrong:
        assert await codes(gateway, token, wanted) == {"BAD_USER_INPUT"}, str(wanted)[:200]


async def test_deep_filters_are_refused(gateway: Gateway, fleet: Fleet) -> None:
    for depth in (90, 101, 400):
        found = await codes(gateway, fleet.alder.viewer.token, nested(depth))
        assert found <= {"BAD_USER_INPUT", "LIMIT_EXCEEDED", "BAD_REQUEST"}


async def test_totals_are_counted_up_to_a_limit(gateway: Gateway, fleet: Fleet) -> None:
    total = "things { totalCount(limit: $limit) }"
    query = f"query ($limit: Int) {{ {total} organizations {{ nodes {{ {total} }} }} }}"
    for limit, root, inner in ((None, 4, [3, 1]), (0, 0, [0, 0]), (2, 2, [2, 1]), (4, 4, [3, 1]), (100, 4, [3, 1])):
        data = await gateway.data(query, {"limit": limit}, token=fleet.alder.viewer.token)
        assert data["things"]["totalCount"] == root
        assert [node["things"]["totalCount"] for node in data["organizations"]["nodes"]] == inner
    answer = await gateway.graphql(query, {"limit": -1}, token=fleet.alder.viewer.token)
    assert set(answer.codes) == {"BAD_USER_INPUT"}
