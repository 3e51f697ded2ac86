"""The cost of operations over the graph of the fleet, each sum worked out by hand from the formula of `engine.cost`."""

from __future__ import annotations

from typing import Any, Final

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_introspection_query
from strawberry.schema.schema_converter import GraphQLCoreConverter

from bench.operations import NESTED
from engine.cost import WEIGHT, Cost
from engine.declarations import DECLARATION
from engine.documents import Documents
from engine.limits import Limits
from resolvers.fleet_schema import build_schema

SCHEMA: Final[GraphQLSchema] = build_schema()._schema
DOCUMENTS: Final = Documents(SCHEMA, Limits())


def cost(text: str, variables: dict[str, Any] | None = None) -> Cost:
    return DOCUMENTS.prepare(text).cost.of(variables or {})


def total(text: str, variables: dict[str, Any] | None = None) -> int:
    """The total without the 1 of the operation itself."""
    return cost(text, variables).total - 1


def test_an_operation_costs_something_even_when_it_reads_nothing() -> None:
    assert cost("{ __typename }") == Cost(total=1, nodes=0, requests=0, connections=0)


def test_an_object_is_a_request_and_a_node() -> None:
    assert cost('{ thing(id: "x") { id name } }') == Cost(total=3, nodes=1, requests=1, connections=0)


def test_a_page_is_one_request_and_its_whole_size_in_nodes() -> None:
    assert cost("{ things(first: 40) { nodes { name } } }") == Cost(total=42, nodes=40, requests=1, connections=1)
    assert cost("{ things(last: 7) { nodes { name } } }") == Cost(total=9, nodes=7, requests=1, connections=1)
    assert cost("{ things { nodes { name } } }") == Cost(total=27, nodes=25, requests=1, connections=1)
    assert cost("{ things(first: 0) { nodes { name } } }") == Cost(total=2, nodes=0, requests=1, connections=1)


def test_sizes_multiply_down_the_tree() -> None:
    # 1 + 1 and 10; 10 times 1 and 20; 200 times a row to one: 1 and 1
    text = "{ groups(first: 10) { nodes { things(first: 20) { nodes { state { version } } } } } }"
    assert cost(text) == Cost(
        total=1 + (1 + 10) + 10 * (1 + 20) + 200 * (1 + 1),
        nodes=10 + 200 + 200,
        requests=1 + 10 + 200,
        connections=1 + 10,
    )


def test_the_nested_query_of_the_benchmark() -> None:
    # organization; groups; things; state; executions; job; deployment
    edges = [1 + 1, 1 + 10, 10 + 200, 200 + 200, 200 + 600, 600 + 600, 600 + 600]
    assert cost(NESTED, {"id": "org_0"}).total == 1 + sum(edges)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, 25),
        ({"first": None}, 25),
        ({"first": 3}, 3),
        ({"last": 60}, 60),
        ({"first": 3, "last": None}, 3),
        ({"first": 3, "last": 4}, 4),
        ({"first": 101}, 100),
        ({"first": -1}, 100),
        ({"first": 10**30}, 100),
        ({"first": "many"}, 100),
        ({"first": {"a": [1]}}, 100),
        ({"first": 0}, 0),
    ],
)
def test_pages_follow_the_variables_even_those_that_will_be_refused(asked: dict[str, Any], size: int) -> None:
    text = "query ($first: Int, $last: Int) { things(first: $first, last: $last) { nodes { organization { id } } } }"
    assert total(text, asked) == 1 + size * (1 + 1 + 1)


def test_a_default_of_a_variable_counts_when_the_variable_is_left_out() -> None:
    text = "query ($first: Int = 50) { things(first: $first) { nodes { id } } }"
    assert [total(text, asked) for asked in ({}, {"first": 2}, {"first": None})] == [51, 3, 26]


def test_variable_pages_inside_of_each_other() -> None:
    text = """query ($outer: Int, $inner: Int) {
      groups(first: $outer) { nodes { organization { name } things(first: $inner) { nodes { state { version } } } } }
    }"""
    for outer, inner in ((10, 20), (1, 100), (0, 5)):
        of_group = 1 + (1 + 1) + 1 + inner * (1 + 1 + 1)
        assert total(text, {"outer": outer, "inner": inner}) == 1 + outer * of_group


def test_a_node_costs_one_for_every_ten_values() -> None:
    def values(number: int) -> str:
        return " ".join(f"v{place}: name" for place in range(number))

    for number, width in ((1, 1), (10, 1), (11, 2), (30, 3)):
        assert total(f"{{ things(first: 10) {{ nodes {{ {values(number)} }} }} }}") == 1 + 10 * width
    # Parts are made of the same row: their values count to it, and they are no nodes.
    parts = "{ otaJobs(first: 10) { nodes { name counts { total success failure } } } }"
    assert cost(parts) == Cost(total=12, nodes=10, requests=1, connections=1)
    wide = f"{{ otaJobs(first: 10) {{ nodes {{ {values(9)} counts {{ total success }} }} }} }}"
    assert total(wide) == 1 + 10 * 2


def test_a_page_is_read_for_its_cursors_too() -> None:
    for part in (
        "pageInfo { hasNextPage }",
        "edges { cursor }",
        "edges { node { id } }",
        "edges { cursor } pageInfo { endCursor }",
    ):
        assert cost(f"{{ things(first: 30) {{ {part} }} }}") == Cost(total=32, nodes=30, requests=1, connections=1)
    assert cost("{ things(first: 30) { __typename } }").total == 1


def test_a_count_costs_more_than_a_row_and_that_of_everything_more() -> None:
    assert cost("{ things { totalCount } }") == Cost(total=1 + 250, nodes=0, requests=0, connections=0)
    assert total("{ things(first: 5) { totalCount nodes { id } } }") == 250 + 1 + 5
    assert total("{ groups(first: 5) { nodes { things { totalCount } } } }") == 1 + 5 + 5 * 10
    assert total('{ group(id: "x") { things { a: totalCount b: totalCount(limit: 5) } } }') == 2 + 20


def test_lists_without_pages_count_as_ten() -> None:
    assert cost('{ thing(id: "x") { attributes { name } } }') == Cost(
        total=1 + 2 + 11, nodes=11, requests=2, connections=0
    )
    assert cost('{ thing(id: "x") { tags } }') == Cost(total=1 + 2 + 11, nodes=11, requests=2, connections=0)
    # who asks is known already; the grants are ten, each with an organization
    assert total("{ viewer { grants { organization { name } } } }") == 1 + 1 + 10 * (1 + 1 + 1)


def test_aggregates_have_a_weight() -> None:
    # beside the weight: the object, and ten buckets
    assert total("{ thingStats(groupBy: TYPE) { total buckets { key count } } }") == 500 + 1 + 10


def test_every_root_field_with_a_resolver_of_its_own_has_a_weight() -> None:
    assert SCHEMA.query_type is not None
    unweighted = []
    for name, field in SCHEMA.query_type.fields.items():
        declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        if DECLARATION not in declared.metadata and WEIGHT not in declared.metadata:
            unweighted.append(name)
    assert unweighted == ["viewer"], "viewer reads nothing by itself"


def test_of_the_types_of_an_interface_the_dearest_counts() -> None:
    text = """query ($first: Int = 10) { node(id: "x") {
      id ... on Thing { name } ... on Group { things(first: $first) { nodes { id } } } ... on User { name }
    } }"""
    assert total(text) == 1 + 1 + (1 + 10)
    assert cost(text, {"first": 0}) == Cost(total=1 + 1 + 1 + 1, nodes=1, requests=2, connections=1)
    fixed = (
        'query { node(id: "x") { ... on Thing { state { version } } ... on Group { home: organization { name } } } }'
    )
    assert total(fixed) == 1 + 1 + 2


def test_nodes_cost_as_many_as_there_are_ids() -> None:
    listed = "{ nodes(ids: [%s]) { id } }"
    assert total(listed % '"a", "b", "c"') == 3 * 2
    asked = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert total(asked, {"ids": ["a"] * 40}) == 40 * 2
    assert total(asked, {"ids": "a"}) == 2
    assert total(asked, {"ids": ["a"] * 100_000}) == 100 * 2
    assert total("query ($id: ID!) { nodes(ids: [$id, $id]) { id } }", {"id": "a"}) == 2 * 2


def test_what_is_skipped_costs_nothing() -> None:
    text = """query ($more: Boolean = false, $less: Boolean!) {
      things(first: 10) { nodes { id state @include(if: $more) { version } organization @skip(if: $less) { name } } }
    }"""
    page, edge = 1 + 10, 10 * 2
    assert total(text, {"less": True}) == page
    assert total(text, {"less": False}) == page + edge
    assert total(text, {"less": False, "more": True}) == page + 2 * edge
    assert total(text, {"less": True, "more": None}) == page
    assert total("{ things(first: 10) @skip(if: true) { nodes { id } } __typename }") == 0


def test_more_conditions_than_are_remembered() -> None:
    names = [f"c{number}" for number in range(8)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    asked = " ".join(f'{name}: thing(id: "x") @include(if: ${name}) {{ id }}' for name in names)
    operation = DOCUMENTS.prepare(f"query ({declared}) {{ __typename {asked} }}").cost
    for number in (*range(256), 0, 255):
        chosen = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        assert operation.of(chosen).total == 1 + 2 * number.bit_count()


def test_a_field_that_is_written_twice_costs_once_and_one_with_two_names_twice() -> None:
    state = "state { version }"
    assert total(f'{{ thing(id: "x") {{ {state} {state} ...F }} }} fragment F on Thing {{ {state} }}') == 2 + 2
    assert total(f'{{ thing(id: "x") {{ a: {state} b: {state} }} }}') == 2 + 2 * 2


def test_a_mutation_costs_by_the_items_of_its_input() -> None:
    text = """mutation ($input: UpdateThingsInput!) {
      updateThings(input: $input) { things { name organization { name } } results { index thing { id } } }
    }"""
    patches = [{"id": "thing_0", "tags": ["a", "b"] * 50}] * 3
    of_item = 1 + (1 + 1 + 1 + 1) + (1 + 1 + 1)
    assert total(text, {"input": {"things": patches}}) == 10 + 3 * of_item
    assert total(text, {"input": {"things": []}}) == 10 + of_item
    assert total(text, {"input": None}) == 10 + of_item
    assert total(text) == 10 + of_item
    literal = 'mutation { deleteThings(input: { ids: ["a", "b", "c", "d"] }) { deletedIds } }'
    assert total(literal) == 10 + 4
    member = "mutation ($id: ID!) { deleteThings(input: { ids: [$id, $id] }) { deletedIds } }"
    assert total(member, {"id": "a"}) == 10 + 2


def test_lists_in_free_json_are_no_items() -> None:
    text = "mutation ($input: ReportThingStateInput!) { reportThingState(input: $input) { state { version } } }"
    assert total(text, {"input": {"reported": {"samples": list(range(1000))}}}) == 10 + 1 + 1


def test_mutations_that_hash_a_password_weigh_more() -> None:
    text = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }"
    assert total(text, {"input": {}}) == 200 + 1 + 1


def test_a_subscription_costs_what_one_of_its_events_costs() -> None:
    # the stream, the event, and an edge of it
    assert total("subscription { thingStateChanged { cursor thing { name } } }") == 1 + 1 + 2


def test_questions_about_the_schema_cost_the_same_however_much_they_ask() -> None:
    assert total(get_introspection_query()) == 100
    assert total('{ a: __type(name: "Thing") { name } b: __type(name: "Group") { fields { name } } }') == 200
    assert total("{ ...F } fragment F on Query { __schema { queryType { name } } }") == 100


def test_every_object_type_can_be_summed_up() -> None:
    """All fields of all types, as deep as two edges go: nothing in the schema is unknown to the formula."""
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and "Node" in (each.name for each in kind.interfaces):
            fields = " ".join(_written(name, field) for name, field in kind.fields.items())
            assert cost(f'{{ node(id: "x") {{ ... on {kind.name} {{ {fields} }} }} }}').total > len(kind.fields) // 10


def _written(name: str, field: Any, levels: int = 2) -> str:
    kind = field.type
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    if not isinstance(kind, GraphQLObjectType):
        return name
    inner = kind.fields.items() if levels else ()
    return f"{name} {{ __typename {' '.join(_written(each, below, levels - 1) for each, below in inner)} }}"
