"""What a compiled input type takes is what graphql-core takes, and means the same; everything else it leaves alone."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    is_list_type,
)
from graphql.utilities import coerce_input_value

from engine.limits import Limits, check_variables
from engine.plans.coercion import Room, Unusual, compiled
from resolvers.fleet_schema import build_schema

LIMITS = Limits()
DRAWS = 300
SCALARS: dict[str, Any] = {"Int": 7, "Boolean": False, "Float": 1.5, "JSON": {"a": [1, {"b": 2}]}}
ODD: list[Any] = [
    *(None, True, 0, 1, -1, 2**31, -(2**31) - 1, 2**63, -(2**63) - 1, 1.0, 1.5, float("nan"), float("inf")),
    *("", "text", "ü", "\0", "\ud800", "thing_1", "GATEWAY", [], [None], ["a"], [[1]], {}, {"a": 1}, {"\0": 1}),
    *({"ü": {"b": [1, None, {"c": "\u2028"}]}}, (1, 2), {"reports": []}),
]


@pytest.fixture(scope="module")
def graph() -> GraphQLSchema:
    return build_schema()._schema


def draw(drawn: Random, kind: GraphQLInputType, level: int = 0) -> Any:
    """A value that mostly fits the type, with something odd in it now and then."""
    if drawn.random() < 0.06 or level > 6:
        return drawn.choice(ODD)
    if isinstance(kind, GraphQLNonNull):
        return draw(drawn, kind.of_type, level)
    if drawn.random() < 0.05:
        return None
    if is_list_type(kind):
        return [draw(drawn, kind.of_type, level + 1) for _ in range(drawn.randrange(3))]
    if isinstance(kind, GraphQLInputObjectType):
        given = {
            name: draw(drawn, field.type, level + 1) for name, field in kind.fields.items() if drawn.random() < 0.9
        }
        return {**given, "unknown": 1} if drawn.random() < 0.03 else given
    if isinstance(kind, GraphQLEnumType):
        return drawn.choice(list(kind.values))
    name = str(kind)
    scalars = {
        "ID": "thing_1",
        "String": "text",
        "Int": 7,
        "Boolean": False,
        "Float": 1.5,
        "JSON": {"a": [1, {"b": 2}]},
    }
    return scalars.get(name, "text")


def test_what_is_taken_is_what_graphql_core_makes_of_it(graph: GraphQLSchema) -> None:
    taken: dict[str, int] = {}
    for name, kind in graph.type_map.items():
        if not isinstance(kind, GraphQLInputObjectType):
            continue
        coerce = compiled(GraphQLNonNull(kind))
        if coerce is None:
            continue
        drawn = Random(name)
        for _ in range(DRAWS):
            value = draw(drawn, kind)
            try:
                made = coerce(value, Room(LIMITS))
            except Unusual:
                continue
            check_variables({"input": value}, LIMITS)
            expected = coerce_input_value(value, GraphQLNonNull(kind))
            assert expected is not Undefined, (name, value)
            assert repr(made) == repr(expected), (name, value)
            taken[name] = taken.get(name, 0) + 1
    assert {"ReportThingStateInput", "ReportThingStatesInput"} <= taken.keys()
    assert all(count > DRAWS / 20 for count in taken.values()), taken


@pytest.mark.parametrize("value", ODD)
def test_free_json_is_held_to_the_limits(graph: GraphQLSchema, value: Any) -> None:
    coerce = compiled(graph.type_map["JSON"])  # type: ignore[arg-type]
    assert coerce is not None
    for given in (value, {"deep": [value]}):
        try:
            made = coerce(given, Room(LIMITS))
        except Unusual:
            continue
        check_variables({"value": given}, LIMITS)
        assert made is given


def test_what_is_near_a_limit_gets_the_longer_look(graph: GraphQLSchema) -> None:
    coerce = compiled(graph.type_map["JSON"])  # type: ignore[arg-type]
    assert coerce is not None
    limits = Limits(values=100, value_depth=20)
    nested: Any = 1
    for _ in range(12):
        nested = [nested]
    assert coerce(nested, Room(limits)) is nested
    for value in ([nested], [0] * 51, {"a": [0] * 30, "b": [0] * 30}):
        with pytest.raises(Unusual):
            coerce(value, Room(limits))
