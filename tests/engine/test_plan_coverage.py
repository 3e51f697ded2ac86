"""What people are shown, and what is measured, runs by a plan: examples, tabs of the explorer, guides, benchmarks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse

from bench import operations as demo_operations
from bench import workloads
from engine.execution import Operations
from engine.plans.planner import Planner
from engine.plans.variables import Variables
from resolvers.fleet_schema import build_schema
from tests.gateways import ROOT

SCHEMA = build_schema()
OPERATIONS = Operations(SCHEMA)
PLANNER = Planner(SCHEMA, OPERATIONS.limits, hide_suggestions=False)
QUOTED = re.compile(r"`([^`]*)`|\"\"\"(.*?)\"\"\"", re.DOTALL)
BLOCK = re.compile(r"```graphql\n(.*?)```", re.DOTALL)


def documents() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "explorer" / "src" / "operations").glob("*.graphql")):
        yield path.name, path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "examples").glob("*/operations.*")):
        quoted = [found[1] or found[2] or "" for found in QUOTED.finditer(path.read_text(encoding="utf-8"))]
        yield from ((f"{path.parent.name} {number}", text) for number, text in enumerate(quoted))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]:
        blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
        yield from ((f"{path.name} {number}", text) for number, text in enumerate(blocks))
    for module in (demo_operations, workloads):
        named = {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
        yield from ((f"bench {name}", text) for name, text in named.items())


def is_document(text: str) -> bool:
    try:
        tree = parse(text)
    except GraphQLSyntaxError:
        return False
    return any(isinstance(node, OperationDefinitionNode) for node in tree.definitions)


DOCUMENTS = [(name, text) for name, text in documents() if is_document(text)]


def test_documents_are_found_everywhere() -> None:
    named = " ".join(name for name, _ in DOCUMENTS)
    for place in ("fleet-overview.graphql", "apollo-client", "python-gql", "graphql-ws", "README.md", "bench NESTED"):
        assert place in named


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("name", "text"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_it_has_a_plan(name: str, text: str, dialect: str) -> None:
    for node in parse(text).definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        prepared = OPERATIONS.prepare(text, node.name.value if node.name else None)
        planned = PLANNER.planned(prepared)
        conditions = dict.fromkeys((each.variable.name.value for each in node.variable_definitions or ()), True)
        plan = planned.plan(Variables(planned.variables, conditions, None), dialect)
        assert plan.fields
