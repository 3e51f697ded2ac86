"""One document asked several times: nothing of an earlier answer, its variables or its caller shows in a later one."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from tests.differential.comparison import Report, Stand, difference
from tests.differential.operations import plain_operation

DOCUMENTS: Final[dict[str, tuple[str, list[dict[str, Any]]]]] = {
    "introspection by name": (
        'query ($kind: String! = "Group") { __type(name: $kind) { name } }',
        [{}, {"kind": "Thing"}, {"kind": "Nothing"}, {"kind": None}, {"kind": 17}, {}],
    ),
    "introspection on a condition": (
        "query ($wanted: Boolean = true) { __schema @include(if: $wanted) { queryType { name } } }",
        [{}, {"wanted": False}, {"wanted": True}, {"wanted": None}, {"wanted": "yes"}],
    ),
    "conditions": (
        (
            "query ($a: Boolean!, $b: Boolean = false) { things(first: 2) { totalCount @include(if: $b) "
            "nodes { id @skip(if: $b) ... @include(if: $a) { name group: homeGroup { name @skip(if: $b) } } } } }"
        ),
        [{"a": a, "b": b} for a in (True, False) for b in (True, False)] + [{"a": True}, {}, {"a": True, "b": None}],
    ),
    "sizes": (
        (
            "query ($first: Int = 2, $last: Int) { organizations { nodes { things(first: $first, last: $last) "
            "{ nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }"
        ),
        [{}, {"first": 0}, {"first": 3}, {"first": None}, {"first": None, "last": 2}, {"first": 1, "last": 1}],
    ),
    "filters": (
        (
            "query ($filter: ThingFilter, $limit: Int) { things(filter: $filter, first: 3) { nodes { name } "
            "totalCount(limit: $limit) } thingStats(filter: $filter) { total } }"
        ),
        [
            {},
            {"filter": None, "limit": None},
            {"filter": {}, "limit": 0},
            {"filter": {"connected": True}, "limit": 2},
            {"filter": {"type": ["SENSOR"], "or": [{"name": {"contains": "p"}}, {"tag": {"exists": True}}]}},
            {"filter": {"type": []}},
            {"filter": {"name": {"nin": ["pump"]}, "not": {"lifecycle": ["NEW"]}}},
        ],
    ),
    "orders": (
        (
            "query ($by: [ThingOrder!], $way: OrderDirection! = DESC) { "
            "a: things(orderBy: $by, first: 5) { edges { cursor node { name lastSeenAt } } } "
            "b: things(orderBy: {field: NAME, direction: $way}, first: 3) { nodes { id } } }"
        ),
        [
            {},
            {"by": None},
            {"by": []},
            {"by": {"field": "NAME"}},
            {"by": [{"field": "LAST_SEEN_AT", "direction": "DESC"}, {"field": "NAME"}], "way": "ASC"},
            {"by": [{"field": "NAME"}, {"field": "NAME"}]},
        ],
    ),
    "no variables": (
        (
            "{ viewer { user { email } thing { name } grants { organization { name } permissions } } "
            "things(first: 3) { totalCount nodes { name organization { name } } } }"
        ),
        [{}, {"unused": 1}],
    ),
}
CALLERS: Final = ("owner", "viewer", "traveller", "administrator", "thing", "stranger", "nobody", "owner")


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_every_time_is_the_first(name: str, stand: Stand) -> None:
    text, several = DOCUMENTS[name]
    findings = []
    for caller in CALLERS:
        for variables in several:
            # Each twice: what the first has kept serves the second.
            for _ in range(2):
                operation = plain_operation(text, variables)
                found = await stand.compare(caller, operation, stand.operations.execute, Report())
                if found is not None and not ("__" in text and found.reason.startswith("stepped aside")):
                    findings.append(str(found))
    assert findings == []


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_many_at_the_same_time_are_each_alone(name: str, stand: Stand) -> None:
    text, several = DOCUMENTS[name]
    asked = [(caller, plain_operation(text, variables)) for caller in CALLERS for variables in several]
    expected = [await stand.ask(stand.reference, caller, operation) for caller, operation in asked]
    # More than there are connections to the database, so that some wait while others are half done.
    answers = await asyncio.gather(
        *(stand.ask(stand.operations.execute, caller, operation) for caller, operation in asked)
    )
    different = [difference(one, other) for one, other in zip(expected, answers, strict=True)]
    assert [each for each in different if each is not None] == []
