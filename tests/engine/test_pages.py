"""Pages walk through a list in its order, each row once, whatever the order and while rows come in."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.places import LISTS, Place, Row, Term, orders, rows
from tests.fleets import Fleet
from tests.gateways import Gateway

bounded = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
kinds = st.sampled_from([*LISTS])
sizes = st.integers(1, 5)
ways = st.sampled_from(["forward", "backward"])


@bounded
@given(kind=kinds, things=st.lists(rows, max_size=12), order=orders, size=sizes, way=ways)
async def test_pages_are_the_list(
    gateway: Gateway, fleet: Fleet, kind: str, things: list[Row], order: Sequence[Term], size: int, way: str
) -> None:
    place = await Place.make(gateway, fleet)
    await place.add(things)
    whole = await place.page(kind, order, first=100)
    assert [node["id"] for node in whole["nodes"]] == place.in_order(order)
    assert await place.walk(kind, order, size, backward=way == "backward") == place.in_order(order)


@bounded
@given(
    kind=kinds,
    things=st.lists(rows, min_size=4, max_size=10),
    newcomers=st.lists(rows, min_size=3, max_size=3),
    order=orders,
    size=sizes,
    way=ways,
)
async def test_rows_that_come_in_meanwhile_move_nothing(
    gateway: Gateway,
    fleet: Fleet,
    kind: str,
    things: list[Row],
    newcomers: list[Row],
    order: Sequence[Term],
    size: int,
    way: str,
) -> None:
    """What was there is met once and in its place; a newcomer is met once when it stands ahead of the reader."""
    backward = way == "backward"
    place = await Place.make(gateway, fleet)
    old = await place.add(things)
    waiting = list(newcomers)
    ahead: set[str] = set()

    async def one_comes(found: list[str]) -> None:
        if not waiting:
            return
        (new,) = await place.add([waiting.pop()])
        listed = place.in_order(order)
        passed = listed.index(found[0 if backward else -1])
        if (listed.index(new) < passed) is backward:
            ahead.add(new)

    found = await place.walk(kind, order, size, backward=backward, between=one_comes)
    listed = place.in_order(order)
    assert found == [each for each in listed if each in ahead or each in old]


async def test_texts_of_any_kind_have_one_order(gateway: Gateway, fleet: Fleet) -> None:
    """Case, accents, blanks and marks: the pages agree with the list, whatever the database's collation says."""
    names = [
        "B",
        "a",
        "A",
        "b",
        "ä",
        "Ä",
        "ß",
        "z",
        "é",
        "_",
        "%",
        "a b",
        "ab",
        "a-b",
        "Ω",
        "😀",
        "1",
        "10",
        "2",
        "A a",
    ]
    place = await Place.make(gateway, fleet)
    made = await place.add([{"name": name} for name in names])
    for descending in (False, True):
        order = [("NAME", descending)]
        whole = [node["id"] for node in (await place.page("the root list", order, first=100))["nodes"]]
        assert sorted(whole) == sorted(made)
        for size in (1, 3):
            assert await place.walk("the root list", order, size) == whole
            assert await place.walk("a list of a parent", order, size, backward=True) == whole


@pytest.mark.parametrize("size", [0, 1, 99, 100])
async def test_sizes_of_pages(gateway: Gateway, fleet: Fleet, size: int) -> None:
    place = await Place.make(gateway, fleet)
    made = await place.add([{}] * 101)
    for kind in LISTS:
        page = await place.page(kind, [], first=size)
        assert [node["id"] for node in page["nodes"]] == made[:size]
        assert page["pageInfo"]["hasNextPage"] is True
        page = await place.page(kind, [], last=size)
        assert [node["id"] for node in page["nodes"]] == made[len(made) - size :]
        assert page["pageInfo"]["hasPreviousPage"] is True


async def test_a_page_has_25_items_unless_told_otherwise(gateway: Gateway, fleet: Fleet) -> None:
    place = await Place.make(gateway, fleet)
    made = await place.add([{}] * 30)
    for kind in LISTS:
        page = await place.page(kind, [])
        assert [node["id"] for node in page["nodes"]] == made[:25]
        last = (await place.page(kind, [], last=1))["edges"][0]["cursor"]
        page = await place.page(kind, [], before=last)
        assert [node["id"] for node in page["nodes"]] == made[4:29]
        assert page["pageInfo"] == {
            "hasNextPage": True,
            "hasPreviousPage": True,
            "startCursor": page["edges"][0]["cursor"],
            "endCursor": page["edges"][-1]["cursor"],
        }


async def test_a_page_of_what_has_no_items(gateway: Gateway, fleet: Fleet) -> None:
    place = await Place.make(gateway, fleet)
    nothing = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    for kind in LISTS:
        for arguments in ({}, {"first": 0}, {"last": 5}):
            page = await place.page(kind, [("NAME", True)], **arguments)
            assert page == {"edges": [], "nodes": [], "pageInfo": nothing}


async def test_the_longest_values_fit_into_cursors(gateway: Gateway, fleet: Fleet) -> None:
    place = await Place.make(gateway, fleet)
    long = [{"name": letter * 1024, "external_id": letter * 250} for letter in ("\x01", '"', "\\", "x", "ä")]
    made = await place.add([*long, {"name": "😀" * 640, "external_id": "😀" * 250}])
    order = [("NAME", False), ("EXTERNAL_ID", True), ("LAST_SEEN_AT", True), ("CREATED_AT", False)]
    for kind in LISTS:
        assert sorted(await place.walk(kind, order, 1)) == sorted(made)
        assert sorted(await place.walk(kind, order, 1, backward=True)) == sorted(made)
