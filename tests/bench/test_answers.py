"""Answers are held against each other value by value."""

from __future__ import annotations

from typing import Any

import pytest

from bench.answers import Differing, check_equal, data_of, differences


@pytest.mark.parametrize(
    ("actual", "place"),
    [
        ({"things": {"nodes": [{"id": "a", "on": True}]}}, "data.things.nodes: 1 items, not 2"),
        (
            {"things": {"nodes": [{"id": "a", "on": True}, {"id": "c", "on": None}]}},
            "data.things.nodes[1].id: 'c', not 'b'",
        ),
        ({"things": {"nodes": [{"id": "a", "on": True}, {"id": "b"}]}}, "data.things.nodes[1].on: missing"),
        (
            {"things": {"nodes": [{"id": "a", "on": 1}, {"id": "b", "on": None}]}},
            "data.things.nodes[0].on: 1, not True",
        ),
        ({"things": {"nodes": None}}, "data.things.nodes: None, not ["),
        ({"things": {"nodes": [], "more": 1}}, "data.things.more: not asked for"),
    ],
)
def test_a_difference_is_found_and_named(actual: Any, place: str) -> None:
    expected = {"things": {"nodes": [{"id": "a", "on": True}, {"id": "b", "on": None}]}}
    assert next(differences(expected, actual)).startswith(place)
    with pytest.raises(Differing, match="the other differs from the one at data"):
        check_equal({"the one": expected, "the other": actual})


def test_equal_values_may_be_written_differently() -> None:
    check_equal({"one": {"a": 1, "b": [54.0]}, "other": {"b": [54], "a": 1.0}})


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":{"thing":null}}',
        b'{"data":null}',
        b'{"errors":[{"message":"no"}]}',
        b'{"data":{"thing":{}},"errors":[]}',
    ],
)
def test_null_and_errors_are_no_answers(body: bytes) -> None:
    with pytest.raises(Differing, match="not an answer"):
        data_of(body)
