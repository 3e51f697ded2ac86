"""The difference between what is wanted and what is reported."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from schema.delta import state_delta
from services.states import merge
from tests.services.test_state_merge import OBJECTS


@pytest.mark.parametrize(
    ("reported", "desired", "delta"),
    [
        ({}, {}, {}),
        ({"a": 1}, {}, {}),
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 2}, {"a": 2}),
        ({"a": 1.0}, {"a": 1}, {}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": 0}, {"a": False}, {"a": False}),
        ({"a": "1"}, {"a": 1}, {"a": 1}),
        ({"a": None}, {"a": False}, {"a": False}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": {"b": 1, "more": 2}}, {"a": {"b": 1}}, {}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
        ({}, {"a": {}}, {"a": {}}),
        ({"a": [1, 2]}, {"a": [1, 2]}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a": [2, 1]}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 2]}),
        ({"a": [1]}, {"a": [True]}, {"a": [True]}),
        ({"a": [{"b": 1.0}]}, {"a": [{"b": 1}]}, {}),
        ({"a": [{"b": 1, "c": 1}]}, {"a": [{"b": 1}]}, {"a": [{"b": 1}]}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": None}, {}),
        ({}, {"a": None}, {}),
        ({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {"b": None}}),
    ],
)
def test_examples(reported: dict[str, Any], desired: dict[str, Any], delta: dict[str, Any]) -> None:
    assert state_delta(reported, desired) == delta


@given(reported=OBJECTS, desired=OBJECTS)
def test_a_thing_that_reports_the_delta_is_as_wanted(reported: dict[str, Any], desired: dict[str, Any]) -> None:
    assert state_delta(merge(reported, state_delta(reported, desired)), desired) == {}


@given(desired=OBJECTS)
def test_a_thing_that_reports_just_what_is_wanted_has_no_delta(desired: dict[str, Any]) -> None:
    assert state_delta(desired, desired) == {}
