"""The operations that the explorer ships are valid in the schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

from tests.explorer.javascript import ROOT

OPERATIONS = ROOT / "explorer" / "src" / "operations"
DOCUMENTS = sorted(OPERATIONS.glob("*.graphql"))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


def test_there_is_a_first_query_mutation_and_subscription() -> None:
    tabs = [path for path in DOCUMENTS if path.with_suffix(".variables.json").exists()]
    kinds = {operation_of(path).operation.value for path in tabs}
    assert kinds == {"query", "mutation", "subscription"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_it_is_valid(schema: GraphQLSchema, path: Path) -> None:
    assert validate(schema, parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", sorted(OPERATIONS.glob("*.variables.json")), ids=lambda path: path.stem)
def test_its_variables_fit(schema: GraphQLSchema, path: Path) -> None:
    operation = operation_of(path.with_name(path.name.replace(".variables.json", ".graphql")))
    given = json.loads(path.read_text(encoding="utf-8"))
    values = get_variable_values(schema, operation.variable_definitions or (), given)
    assert not isinstance(values, list), values


def operation_of(path: Path) -> OperationDefinitionNode:
    [operation] = [each for each in parse(path.read_text()).definitions if isinstance(each, OperationDefinitionNode)]
    return operation
