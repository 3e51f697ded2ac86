"""Every GraphQL document of the documentation fits the committed schema; those that can run as they stand, do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableValues,
    build_schema,
    get_variable_values,
    parse,
    validate,
)

from tests.client import GatewayClient
from tests.docs.pages import PAGES, ROOT, Operation, operations, sent_operations
from tests.docs.shapes import differences
from tests.gateways import LiveGateway

FENCED = [operation for page in PAGES for operation in operations(page)]
SENT = [operation for page in PAGES for operation in sent_operations(page)]
DOCUMENTED = [pytest.param(operation, id=operation.place) for operation in [*FENCED, *SENT]]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("operation", DOCUMENTED)
def test_it_fits_the_schema(operation: Operation, schema: GraphQLSchema) -> None:
    assert [error.message for error in validate(schema, parse(operation.document))] == []


@pytest.mark.parametrize("operation", DOCUMENTED)
def test_its_variables_fit_it(operation: Operation, schema: GraphQLSchema) -> None:
    for node in definitions(operation):
        given = operation.variables or {}
        assert set(given) <= {definition.variable.name.value for definition in node.variable_definitions or ()}
        values = get_variable_values(schema, node.variable_definitions or (), given)
        assert isinstance(values, VariableValues), values


def definitions(operation: Operation) -> Iterator[OperationDefinitionNode]:
    return (node for node in parse(operation.document).definitions if isinstance(node, OperationDefinitionNode))


def runs_as_it_stands(operation: Operation) -> bool:
    """Whether it is a query that names no object of somebody's fleet."""
    named = "_01" in repr(operation.variables) or "_01" in operation.document
    return not named and all(node.operation is OperationType.QUERY for node in definitions(operation))


RUNNABLE = [pytest.param(operation, id=operation.place) for operation in FENCED if runs_as_it_stands(operation)]


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    """Access tokens by the address of the gateway: one sign-in for all operations."""
    return {}


# The first test waits for a gateway with its demo fleet.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("operation", RUNNABLE)
async def test_it_runs_on_the_demo_fleet(
    operation: Operation, live: GatewayClient, live_gateway: LiveGateway, tokens: dict[str, str]
) -> None:
    if live.url not in tokens:
        session = await live.sign_in(live_gateway.demo_email, live_gateway.demo_password)
        tokens[live.url] = session.access_token
    data = await live.data(operation.document, operation.variables, token=tokens[live.url])
    assert data
    if operation.answer is not None:
        assert differences(operation.answer["data"], data) == []


def test_the_readme_and_the_guides_have_operations() -> None:
    pages = {Path(operation.place.partition(":")[0]).name for operation in [*FENCED, *SENT]}
    assert pages >= {"README.md", "first-steps.md", "subscriptions.md", "integrators.md"}
    assert RUNNABLE
