"""JSON Merge Patch as states are merged: the examples of RFC 7396, appendix A, and its laws."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.states import merge

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=2)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@pytest.mark.parametrize(
    ("stored", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": {"b": {"c": 2, "d": None}}}, {"a": {"b": {"c": 2}}}),
        ({}, {"a": [None, {"b": None}]}, {"a": [None, {"b": None}]}),
    ],
)
def test_examples(stored: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merge(stored, patch) == merged


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(each) for key, each in value.items() if each is not None}


@given(stored=OBJECTS, patch=OBJECTS)
def test_laws(stored: dict[str, Any], patch: dict[str, Any]) -> None:
    before, sent = deepcopy(stored), deepcopy(patch)
    merged = merge(stored, patch)
    assert (stored, patch) == (before, sent), "what was given is not touched"
    assert merge(merged, patch) == merged, "a patch that is sent twice does no more"
    assert merge(stored, {}) == stored
    assert merge({}, patch) == without_nulls(patch)
    assert {key for key in merged if key not in patch} == set(stored) - set(patch)
