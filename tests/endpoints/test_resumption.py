"""A stream goes on behind `Last-Event-ID`, however its document gives the argument `after`."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import print_ast

from endpoints.application import SERVICE
from endpoints.resumption import resumed
from tests.endpoints.laboratory import SCHEMA, Served
from tests.endpoints.streaming import COMPLETE, events, parts

VARIABLE = "subscription Watch($after: String) { counted(after: $after) { number } }"


def numbers(heard: list[Any]) -> list[int]:
    assert heard[-1] == COMPLETE
    return [event.data["data"]["counted"]["number"] for event in heard[:-1]]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (VARIABLE, {"after": "2"}),
        (VARIABLE, {"after": None}),
        (VARIABLE, {}),
        (VARIABLE.replace("$after", "$since").replace("String)", "String!)"), {"since": "2"}),
        ('subscription { counted(after: "2") { number } }', {}),
        ("subscription { counted { number } }", {}),
        ("subscription { ...Watched } fragment Watched on Subscription { counted(after: null) { number } }", {}),
        ("subscription { ... on Subscription { counted { number } } ... { counted { number } } }", {}),
    ],
)
async def test_it_wins_over_whatever_the_document_says(gateway: Served, query: str, variables: dict[str, Any]) -> None:
    async with events(gateway, query, variables=variables, headers={"Last-Event-ID": "5"}) as stream:
        assert numbers(await stream.rest()) == [6, 7, 8]


async def test_without_it_the_argument_counts(gateway: Served) -> None:
    for headers in ({}, {"Last-Event-ID": ""}):
        async with events(gateway, VARIABLE, variables={"after": "2"}, headers=headers) as stream:
            assert numbers(await stream.rest()) == [3, 4, 5]


async def test_parts_go_on_behind_it_as_well(gateway: Served) -> None:
    async with parts(gateway, VARIABLE, headers={"Last-Event-ID": "5"}) as stream:
        heard = await stream.rest()
    assert [part["payload"]["data"]["counted"]["number"] for part in heard] == [6, 7, 8]


@pytest.mark.parametrize(
    "query",
    ["subscription { ticks(count: 2) { number } }", "{ hello }", "subscription { expired(after: -1) { number } }"],
)
async def test_an_operation_that_cannot_go_on_runs_as_it_is(gateway: Served, query: str) -> None:
    async with events(gateway, query, headers={"Last-Event-ID": "5"}) as stream:
        heard = await stream.rest()
    assert [event.data["data"] is not None for event in heard[:-1]] == [True] * (len(heard) - 1)
    assert len(heard) > 1


async def test_the_operation_that_is_named_goes_on(gateway: Served) -> None:
    query = f"query Other {{ hello }} {VARIABLE} subscription Third {{ counted(after: null) {{ number }} }}"
    async with events(gateway, query, operationName="Watch", headers={"Last-Event-ID": "5"}) as stream:
        assert numbers(await stream.rest()) == [6, 7, 8]


async def test_a_variable_of_the_client_cannot_take_its_place(gateway: Served) -> None:
    variables = {"after": "1", "__after": "9"}
    async with events(gateway, VARIABLE, variables=variables) as stream:
        assert numbers(await stream.rest()) == [2, 3, 4]
    async with events(gateway, VARIABLE, variables=variables, headers={"Last-Event-ID": "5"}) as stream:
        assert numbers(await stream.rest()) == [6, 7, 8]


async def test_the_document_is_changed_once_and_stays_what_it_was(gateway: Served) -> None:
    operations = gateway.application[SERVICE].operations
    prepared = operations.prepare(VARIABLE)
    before = print_ast(prepared.document)
    one, first = resumed(SCHEMA._schema, prepared, {"after": "2"}, "5")
    two, second = resumed(SCHEMA._schema, prepared, {"after": "2"}, "6")
    assert one is two
    assert (first["__after"], second["__after"]) == ("5", "6")
    assert print_ast(prepared.document) == before
    assert one.node in one.document.definitions
    assert one.cost.of({}) == prepared.cost.of({})
