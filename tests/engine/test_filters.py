"""Filters of things mean what they say: every operator and every joining of them, against a model in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.enums import Lifecycle, ThingType
from tests.engine.model import meets
from tests.engine.places import MOMENTS
from tests.engine.stand import MARKS, NAMES, NUMBERS, SCOPES, TAGS, TEXTS, Stand, make_stand
from tests.fleets import Fleet
from tests.gateways import Gateway

Filter = Mapping[str, Any]
WORDS: Final = [moment.isoformat().replace("+00:00", "Z") for moment in MOMENTS]
AT_ONCE: Final = 20
PLACES: Final = "place"
"""Stands for the place of an organization or a group in the stand, until its id is known."""


@pytest.fixture
async def stand(gateway: Gateway, fleet: Fleet) -> Stand:
    return await make_stand(gateway, fleet)


def optional(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An input object with some of its fields, some of them null."""
    return st.fixed_dictionaries({}, optional={name: st.none() | part for name, part in parts.items()})


def operators(values: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    one, many = st.sampled_from(values), st.lists(st.sampled_from(values), max_size=3)
    comparisons = {"eq": one, "ne": one, "in": many, "nin": many, "exists": st.booleans()}
    return optional(**comparisons, contains=one | st.just(""), startsWith=one | st.just(""))


one_number = st.sampled_from(NUMBERS)
numbers = optional(
    eq=one_number, ne=one_number, gt=one_number, gte=one_number, lt=one_number, lte=one_number,
    **{"in": st.lists(one_number, max_size=3)},
)  # fmt: skip
one_moment = st.sampled_from(WORDS)
moments = optional(eq=one_moment, gt=one_moment, gte=one_moment, lt=one_moment, lte=one_moment, exists=st.booleans())
attributes = st.fixed_dictionaries(
    {"name": st.sampled_from([*MARKS, "none"])},
    optional={
        "scope": st.sampled_from([scope.value for scope in SCOPES]),
        "text": st.none() | operators(TEXTS),
        "number": st.none() | numbers,
        "exists": st.none() | st.booleans(),
    },
)
parts: dict[str, st.SearchStrategy[Any]] = {
    "search": st.sampled_from(NAMES),
    "name": operators(NAMES),
    "externalId": operators([f"{name}1" for name in NAMES] + NAMES),
    "type": st.lists(st.sampled_from([kind.value for kind in ThingType]), max_size=2),
    "lifecycle": st.lists(st.sampled_from([step.value for step in Lifecycle]), max_size=3),
    "connected": st.booleans(),
    "lastSeenAt": moments,
    "createdAt": moments,
    "updatedAt": moments,
    "tag": operators(TAGS),
    "attribute": attributes,
    "ids": st.lists(st.tuples(st.just(PLACES), st.just("things"), st.integers(0, 9)), max_size=4),
    "organization": st.fixed_dictionaries(
        {"id": st.tuples(st.just(PLACES), st.just("organizations"), st.integers(0, 2))},
        optional={"includeDescendants": st.booleans()},
    ),
    "group": st.fixed_dictionaries(
        {"id": st.tuples(st.just(PLACES), st.just("groups"), st.integers(0, 2))},
        optional={"includeSubgroups": st.booleans()},
    ),
    "profileIds": st.lists(st.tuples(st.just(PLACES), st.just("profiles"), st.just(0)), max_size=1),
}
single = st.sampled_from([*parts]).flatmap(lambda name: st.fixed_dictionaries({name: st.none() | parts[name]}))
pairs = st.tuples(single, single).map(lambda both: both[0] | both[1])
filters: st.SearchStrategy[Filter] = st.recursive(
    single | pairs,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "and": st.none() | st.lists(inner, max_size=3),
            "or": st.none() | st.lists(inner, max_size=3),
            "not": st.none() | inner,
        },
    ),
    max_leaves=6,
)


def placed(wanted: Any, stand: Stand) -> Any:
    """The filter with the ids of the stand in it."""
    match wanted:
        case (str(word), str(kind), int(index)) if word is PLACES:
            ids = {
                "things": [thing.id for thing in stand.things],
                "organizations": stand.organizations,
                "groups": stand.groups,
                "profiles": [stand.profile],
            }
            return ids[kind][index * 7 % len(ids[kind])]
        case dict():
            return {name: placed(value, stand) for name, value in wanted.items()}
        case list():
            return [placed(value, stand) for value in wanted]
    return wanted


async def holds(stand: Stand, wanted: Filter | None) -> None:
    """The gateway finds what the model finds."""
    expected = sorted(thing.id for thing in stand.things if meets(thing, wanted))
    data = (await stand.ask(wanted)).data
    assert sorted(node["id"] for node in data["things"]["nodes"]) == expected
    assert data["things"]["totalCount"] == data["thingStats"]["total"] == len(expected)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=filters)
async def test_filters_mean_what_they_say(stand: Stand, wanted: Filter) -> None:
    await holds(stand, placed(wanted, stand))


async def test_each_operator_by_itself(stand: Stand) -> None:
    """So that none of them rests on luck: every operator with every value, with and without `not`."""
    texts = ["eq", "ne", "contains", "startsWith"]
    cases: list[Filter] = [
        {field: {operator: value}} for field in ("name", "externalId") for operator in texts for value in NAMES
    ]
    cases += [{"tag": {operator: tag}} for operator in texts for tag in TAGS]
    cases += [
        {field: {"exists": there}} for field in ("name", "externalId", "tag", "lastSeenAt") for there in (True, False)
    ]
    cases += [{"lastSeenAt": {operator: word}} for operator in ("eq", "gt", "gte", "lt", "lte") for word in WORDS]
    cases += [
        {"attribute": {"name": name, "number": {operator: number}}}
        for name in MARKS
        for operator in ("eq", "ne", "gt", "gte", "lt", "lte")
        for number in NUMBERS
    ]
    cases += [{"attribute": {"name": name, "exists": there}} for name in [*MARKS, "none"] for there in (True, False)]
    for field, some in (("tag", TAGS[:2]), ("name", NAMES[:3]), ("externalId", [f"{name}4" for name in NAMES])):
        cases += [{field: {operator: some}} for operator in ("in", "nin")]
    cases += [{"search": name} for name in NAMES]
    cases += [{"not": case} for case in cases]
    for start in range(0, len(cases), AT_ONCE):
        several = cases[start : start + AT_ONCE]
        for case, found in zip(several, await stand.ask_all(several), strict=True):
            assert sorted(found) == sorted(thing.id for thing in stand.things if meets(thing, case)), case


async def test_the_stand_tells_filters_apart(stand: Stand) -> None:
    """The model is no model of everything or nothing: each value is met by some things and not by others."""
    for case in ({"name": {"eq": name}} for name in NAMES):
        assert 0 < sum(meets(thing, case) for thing in stand.things) < len(stand.things)
    for case in ({"tag": {"eq": tag}} for tag in TAGS):
        assert 0 < sum(meets(thing, case) for thing in stand.things) < len(stand.things)


async def test_no_filter_is_everything(stand: Stand) -> None:
    everything: list[Filter | None] = [None, {}, {"and": []}, {"not": None}, {"or": None}, {"name": {}}, {"name": None}]
    for wanted in everything:
        await holds(stand, wanted)
        data = (await stand.ask(wanted)).data
        assert data["things"]["totalCount"] == len(stand.things)
    nothing: list[Filter] = [{"or": []}, {"not": {}}, {"type": []}, {"ids": []}, {"name": {"in": []}}]
    assert await stand.ask_all(nothing) == [[]] * len(nothing)
