"""Queries over the whole schema: the plan executor answers what graphql-core answers, byte for byte.

`--differential-seed` repeats a run, `--differential-operations` makes it longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

import pytest

from tests.differential.comparison import Stand
from tests.differential.operations import Operation, again, draw_query
from tests.differential.sight import look_around

SHARES: Final = {
    "administrator": 0.25,
    "owner": 0.3,
    "traveller": 0.2,
    "viewer": 0.12,
    "thing": 0.08,
    "stranger": 0.03,
    "nobody": 0.02,
}
"""The callers, and their share of the operations."""

pytestmark = [
    # When a root field fails, graphql-core cancels its siblings, and what those had not begun yet complains.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    # As long as it takes for the number that was asked for.
    pytest.mark.timeout(0),
]


@pytest.mark.parametrize("caller", SHARES)
async def test_both_executors_answer_alike(caller: str, stand: Stand, seed: str, how_many: int) -> None:
    known = await look_around(stand, caller)
    labels = [f"{seed}/{caller}/{number}" for number in range(round(how_many * SHARES[caller]))]
    drawn = (draw_query(stand.operations.schema, known, label) for label in labels)
    report = await stand.compare_all(asked_by(caller, drawn), stand.operations.execute)
    assert report.asked >= len(labels)
    assert report.findings == [], f"--differential-seed={seed}: {report}"


def asked_by(caller: str, drawn: Iterable[Operation]) -> Iterator[tuple[str, Operation]]:
    """Each operation, and some of them again: with other variables, by somebody else, or both."""
    for operation in drawn:
        yield caller, operation
        chosen = Random(operation.label).random()
        if chosen < 0.3:
            yield caller, again(operation)
        if 0.2 < chosen < 0.4:
            yield ("owner", "viewer")[caller == "owner"], again(operation)
