"""The schema as clients see it: described throughout, named by one rule, and committed as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import unified_diff

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_scalar_type,
)

from resolvers.fleet_schema import build_schema
from tests.structure.sources import ROOT

COMMITTED = ROOT / "schema" / "schema.graphql"
Element = GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLEnumValue


@pytest.fixture(scope="module")
def sdl() -> str:
    return build_schema().as_str() + "\n"


@pytest.fixture(scope="module")
def graph() -> GraphQLSchema:
    return build_schema()._schema


def elements(graph: GraphQLSchema) -> Iterator[tuple[str, Element]]:
    """Everything inside the types of ours, by a path such as `Query.things(filter)`."""
    for name, kind in graph.type_map.items():
        if is_introspection_type(kind):
            continue
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field
                yield from ((f"{name}.{field_name}({key})", argument) for key, argument in field.args.items())
        elif isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{name}.{key}", field) for key, field in kind.fields.items())
        elif isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{key}", value) for key, value in kind.values.items())


def test_committed_schema_is_what_the_code_says(sdl: str) -> None:
    difference = unified_diff(COMMITTED.read_text(encoding="utf-8").splitlines(), sdl.splitlines(), n=0, lineterm="")
    assert list(difference) == [], "renew it: make schema"


def test_every_type_is_described(graph: GraphQLSchema) -> None:
    ours = [kind for kind in graph.type_map.values() if not is_introspection_type(kind)]
    bare = [kind.name for kind in ours if not is_specified_scalar_type(kind) and not kind.description]
    assert bare == []


def test_everything_in_the_types_is_described(graph: GraphQLSchema) -> None:
    assert [path for path, element in elements(graph) if not (element.description or "").strip()] == []


def test_every_directive_is_described(graph: GraphQLSchema) -> None:
    assert [directive.name for directive in graph.directives if not directive.description] == []


def test_names_follow_one_rule(graph: GraphQLSchema) -> None:
    """Fields and arguments in camelCase, enum values in UPPER_CASE, no enum called so."""
    wrong = []
    for path, element in elements(graph):
        name = re.split(r"[.(]", path)[-1].rstrip(")")
        rule = r"[A-Z][A-Z0-9_]*" if isinstance(element, GraphQLEnumValue) else r"_?[a-z][a-zA-Z0-9]*"
        wrong += [] if re.fullmatch(rule, name) else [path]
    wrong += [name for name, kind in graph.type_map.items() if isinstance(kind, GraphQLEnumType) and "Enum" in name]
    assert [path for path in wrong if not path.startswith("__")] == []


def test_mutations_have_one_input_and_a_payload_with_user_errors(graph: GraphQLSchema) -> None:
    assert graph.mutation_type is not None
    wrong = []
    for name, field in graph.mutation_type.fields.items():
        title = name[0].upper() + name[1:]
        payload = graph.get_type(f"{title}Payload")
        inputs = {key: str(argument.type).rstrip("!") for key, argument in field.args.items()}
        answers = isinstance(payload, GraphQLObjectType) and str(payload.fields["userErrors"].type) == "[UserError!]!"
        if str(field.type) != f"{title}Payload!" or not answers or inputs != {"input": f"{title}Input"}:
            wrong.append(name)
    assert wrong == []
