"""A cursor that is none, or none of this list, is the caller's mistake and never a fault."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.places import MOMENTS, Place
from tests.fleets import Fleet
from tests.gateways import Gateway

IDENTITY = "0190a3b4c5d67e8f9a0b1c2d3e4f5a6b"
MOMENT = "2026-01-01T12:00:00+00:00"
ORDERED = """
query ($after: String, $before: String, $first: Int, $last: Int, $order: [ThingOrder!]) {
  things(first: $first, last: $last, after: $after, before: $before, orderBy: $order) { nodes { id } }
}
"""
BY_NAME = [{"field": "NAME", "direction": "ASC"}]
BY_ALL = [{"field": field} for field in ("CREATED_AT", "LAST_SEEN_AT", "TYPE", "NAME")]
ALL = "created_at+,last_seen_at+,type+,name+,id+"


def cursor(body: Any) -> str:
    """A cursor as the gateway writes them, with any body."""
    return base64.urlsafe_b64encode(orjson.dumps(body)).rstrip(b"=").decode()


BROKEN = {
    "empty": "",
    "garbage": "garbage",
    "not base64": "!!!",
    "not ASCII": "añb",
    "very long": "A" * 5000,
    "not JSON": base64.urlsafe_b64encode(b"{").decode(),
    "not UTF-8": base64.urlsafe_b64encode(b'["\xff"]').decode(),
    "very deep": base64.urlsafe_b64encode(b"[" * 2000).decode(),
    "an object": cursor({ALL: 1}),
    "null": cursor(None),
    "a text": cursor("abcdef"),
    "nothing in it": cursor([]),
    "no values": cursor([ALL]),
    "too few values": cursor([ALL, MOMENT]),
    "too many values": cursor([ALL, MOMENT, None, "DEVICE", "a", IDENTITY, IDENTITY]),
    "another order": cursor(["name+,id+", "a", IDENTITY]),
    "the other way": cursor(["created_at-,last_seen_at+,type+,name+,id+", MOMENT, None, "DEVICE", "a", IDENTITY]),
    "no id": cursor([ALL, MOMENT, None, "DEVICE", "a", "not an id"]),
    "a number for the id": cursor([ALL, MOMENT, None, "DEVICE", "a", 5]),
    "a list for the id": cursor([ALL, MOMENT, None, "DEVICE", "a", [IDENTITY]]),
    "null for the id": cursor([ALL, MOMENT, None, "DEVICE", "a", None]),
    "null for a moment that is never absent": cursor([ALL, None, None, "DEVICE", "a", IDENTITY]),
    "a number for a moment": cursor([ALL, 5, None, "DEVICE", "a", IDENTITY]),
    "a moment of no day": cursor([ALL, "2026-02-30T00:00:00Z", None, "DEVICE", "a", IDENTITY]),
    "a moment without its offset": cursor([ALL, "2026-01-01T12:00:00", None, "DEVICE", "a", IDENTITY]),
    "a moment before all time": cursor([ALL, "0001-01-01T00:00:00+23:59", None, "DEVICE", "a", IDENTITY]),
    "a moment after all time": cursor([ALL, MOMENT, "9999-12-31T23:59:59-23:59", "DEVICE", "a", IDENTITY]),
    "no such type": cursor([ALL, MOMENT, None, "TOASTER", "a", IDENTITY]),
    "a list for the type": cursor([ALL, MOMENT, None, ["DEVICE"], "a", IDENTITY]),
    "a number for the name": cursor([ALL, MOMENT, None, "DEVICE", 5, IDENTITY]),
    "true for the name": cursor([ALL, MOMENT, None, "DEVICE", True, IDENTITY]),
    "a list for the name": cursor([ALL, MOMENT, None, "DEVICE", ["a"], IDENTITY]),
    "an object for the name": cursor([ALL, MOMENT, None, "DEVICE", {"a": 1}, IDENTITY]),
    "NUL in the name": cursor([ALL, MOMENT, None, "DEVICE", "a\0", IDENTITY]),
}


async def test_broken_cursors_are_refused(gateway: Gateway, fleet: Fleet) -> None:
    token = fleet.alder.viewer.token
    sound = cursor([ALL, MOMENT, None, "DEVICE", "a", IDENTITY])
    assert (await gateway.graphql(ORDERED, {"after": sound, "order": BY_ALL}, token=token)).errors == []
    for what, broken in BROKEN.items():
        for argument in ("after", "before"):
            answer = await gateway.graphql(ORDERED, {argument: broken, "order": BY_ALL}, token=token)
            assert answer.codes == ["BAD_USER_INPUT"], (what, argument, answer.json)
            assert argument in answer.errors[0]["message"]


IMPOSSIBLE: list[dict[str, Any]] = [
    {"first": -1},
    {"last": -1},
    {"first": 101},
    {"last": 101},
    {"first": 1_000_000},
    {"first": 2**31 - 1},
    {"first": -(2**31)},
    {"first": 2**31},
    {"first": 1.5},
    {"first": "1"},
    {"first": 1, "last": 1},
    {"first": 0, "last": 0},
    {"first": 1, "before": "x"},
    {"last": 1, "after": "x"},
    {"after": "x", "before": "x"},
]
"""Arguments of a page; x stands for a sound cursor."""


async def test_impossible_pages_are_refused(gateway: Gateway, fleet: Fleet) -> None:
    token = fleet.alder.viewer.token
    found = (await gateway.data("{ things(first: 1) { edges { cursor } } }", token=token))["things"]["edges"][0]
    for page in IMPOSSIBLE:
        arguments = {name: found["cursor"] if value == "x" else value for name, value in page.items()}
        answer = await gateway.graphql(ORDERED, arguments, token=token)
        assert answer.codes == ["BAD_USER_INPUT"], (page, answer.json)


async def test_a_cursor_holds_for_its_own_order_alone(gateway: Gateway, fleet: Fleet) -> None:
    place = await Place.make(gateway, fleet)
    await place.add([{"name": "a", "last_seen_at": moment} for moment in MOMENTS])
    fields = ("NAME", "LAST_SEEN_AT", "TYPE", "CREATED_AT")
    orders = [[(field, descending)] for field in fields for descending in (False, True)]
    cursors = [(await place.page("the root list", order, first=1))["edges"][0]["cursor"] for order in orders]
    for mine, order in enumerate(orders):
        terms = [{"field": order[0][0], "direction": "DESC" if order[0][1] else "ASC"}]
        for other, found in enumerate(cursors):
            answer = await gateway.graphql(ORDERED, {"after": found, "order": terms}, token=place.token)
            assert answer.codes == ([] if mine == other else ["BAD_USER_INPUT"])


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
) | st.sampled_from([MOMENT, IDENTITY, "DEVICE"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made_up=st.text(max_size=40)
    | st.binary(max_size=40).map(lambda each: base64.urlsafe_b64encode(each).decode())
    | st.tuples(st.sampled_from([ALL, "name+,id+"]), st.lists(values, min_size=4, max_size=6)).map(
        lambda parts: cursor([parts[0], *parts[1]])
    )
)
async def test_no_cursor_is_a_fault(gateway: Gateway, fleet: Fleet, made_up: str) -> None:
    for order in (BY_ALL, BY_NAME):
        answer = await gateway.graphql(ORDERED, {"after": made_up, "order": order}, token=fleet.alder.viewer.token)
        assert answer.status < 500
        assert answer.codes in ([], ["BAD_USER_INPUT"], ["BAD_REQUEST"])
