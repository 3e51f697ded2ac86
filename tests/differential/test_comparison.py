"""What counts as a difference between two answers."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Final

import pytest

from engine.execution import Answer
from tests.differential.comparison import difference

ANSWER: Final = Answer({"a": {"b": 1, "c": None}})
AN_ERROR: Final[Any] = {"message": "no", "extensions": {"code": "NOT_FOUND"}, "path": ["a", 0, "b"]}


@pytest.mark.parametrize(
    "other",
    [
        Answer({"a": {"c": None, "b": 1}}),
        Answer({"a": {"b": 1}}),
        Answer({"a": {"b": "1", "c": None}}),
        Answer(None),
        Answer({"a": {"b": 1, "c": None}}, [AN_ERROR]),
        replace(ANSWER, executed=False),
    ],
    ids=["order", "absent", "type", "null", "error", "refused"],
)
def test_bodies_are_compared_byte_by_byte(other: Answer) -> None:
    assert difference(ANSWER, other) is not None
    assert difference(ANSWER, copy.deepcopy(ANSWER)) is None


@pytest.mark.parametrize(
    "change",
    [{"extensions": {"code": "FORBIDDEN"}}, {"path": ["a", 1, "b"]}, {"path": None}],
    ids=["code", "path", "no path"],
)
def test_errors_are_compared_by_code_and_path(change: dict[str, Any]) -> None:
    other = Answer(ANSWER.data, [AN_ERROR | change])
    assert difference(Answer(ANSWER.data, [AN_ERROR]), other) is not None
    worded = Answer(ANSWER.data, [AN_ERROR | {"message": "in other words"}])
    assert difference(Answer(ANSWER.data, [AN_ERROR]), worded) is None
    assert difference(Answer(ANSWER.data, [AN_ERROR]), Answer(None, [AN_ERROR])) is not None
