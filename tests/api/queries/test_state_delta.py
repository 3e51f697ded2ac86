"""`Thing.state.delta`: what is wanted and not reported yet, so that taking it over leaves nothing to want."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from models.tables import THING_STATE
from schema.delta import state_delta
from services.states import merge
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import key, store_of

KEYS = st.sampled_from("abc")
leaves = st.booleans() | st.sampled_from([0, 1, 1.0, 2, -1.5]) | st.sampled_from(["", "x", "1"])
listed = st.lists(st.recursive(leaves | st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=3), max_size=2)
values = st.recursive(leaves | listed, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
reports = st.dictionaries(KEYS, values, max_size=3)
wishes = st.dictionaries(
    KEYS,
    st.recursive(leaves | listed | st.none(), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8),
    max_size=3,
)


def same(left: Any, right: Any) -> bool:
    """JSON equality, told from Python's: true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[each], right[each]) for each in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return bool(left == right)


@settings(max_examples=100, deadline=None)
@given(reported=reports, desired=wishes)
def test_taking_the_delta_over_leaves_nothing_to_want(reported: dict[str, Any], desired: dict[str, Any]) -> None:
    taken_over = merge(reported, state_delta(reported, desired))
    assert state_delta(taken_over, desired) == {}
    assert same(taken_over, merge(reported, desired))


@settings(max_examples=100, deadline=None)
@given(reported=reports, desired=wishes)
def test_the_delta_is_empty_when_the_thing_is_as_wanted_and_only_then(
    reported: dict[str, Any], desired: dict[str, Any]
) -> None:
    assert (state_delta(reported, desired) == {}) is same(merge(reported, desired), reported)


CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {}, {}),
    ({"a": 1}, {}, {}),
    ({}, {"a": 1}, {"a": 1}),
    ({"a": 1}, {"a": 1}, {}),
    ({"a": 1}, {"a": 1.0}, {}),
    ({"a": 1}, {"a": 2}, {"a": 2}),
    ({"a": 1}, {"a": True}, {"a": True}),
    ({"a": [1, 0]}, {"a": [True, False]}, {"a": [True, False]}),
    ({"a": [{"b": 1}]}, {"a": [{"b": True}]}, {"a": [{"b": True}]}),
    ({"a": "1"}, {"a": 1}, {"a": 1}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
    ({"a": {"b": 1}}, {"a": {}}, {}),
    ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
    ({"a": [1, 2]}, {"a": [1, 2, 3]}, {"a": [1, 2, 3]}),
    ({"a": [1, 2]}, {"a": [2, 1]}, {"a": [2, 1]}),
    ({"a": 1}, {"a": None}, {"a": None}),
    ({}, {"a": None}, {}),
    ({"a": None}, {"a": None}, {}),
    ({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {"b": None}}),
]


async def test_deltas_in_the_graph(gateway: Gateway, fleet: Fleet) -> None:
    store, pump = store_of(gateway), fleet.alder.pump
    query = "query ($id: ID!) { thing(id: $id) { state { reported desired delta } } }"
    for reported, desired, delta in CASES:
        async with store.write() as session:
            mine = THING_STATE.c.thing_id == key(pump.id)
            await session.execute(update(THING_STATE).where(mine).values(reported=reported, desired=desired))
        for token in (fleet.alder.viewer.token, pump.token):
            data = await gateway.data(query, {"id": pump.id}, token=token)
            assert data["thing"]["state"] == {"reported": reported, "desired": desired, "delta": delta}
