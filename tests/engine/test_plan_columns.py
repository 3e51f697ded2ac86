"""A plan selects the columns that its fields are declared over and those that hang rows on their parents, no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from engine.declarations import DECLARATION, Column, Computed, Contextual, Identifier, Part, ToAll, ToMany, ToOne
from engine.execution import Operations
from resolvers.fleet_schema import build_schema
from tests.engine.columns import selected
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_campaign, store_of
from tests.statements import Recorder, Statements
from tests.trust import add_identity, add_signing


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return Operations(build_schema()).schema


def object_type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def declared(field: GraphQLField) -> Any:
    """The declaration of a field."""
    return field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata[DECLARATION]


def columns_of(field: GraphQLField) -> set[str]:
    """The columns of its parent's row that a field needs."""
    match declared(field):
        case Column(name) | Identifier(name):
            return {name}
        case Computed(names) | Contextual(names):
            return set(names)
        case ToOne(parent) | ToAll(parent):
            return {parent}
        case ToMany(str(parent)):
            return {parent}
    raise AssertionError(field)


def selections(kind: GraphQLObjectType) -> Iterator[tuple[str, set[str]]]:
    """One selection for each field of a type, as short as can be, and the columns that it needs."""
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            yield name, columns_of(field)
        elif isinstance(declared(field), Part):
            yield from ((f"{name} {{ {each} }}", columns) for each, columns in selections(inner))
        else:
            deeper = "nodes { __typename }" if isinstance(declared(field), ToMany) else "__typename"
            yield f"{name} {{ {deeper} }}", columns_of(field)


def root_lists(schema: GraphQLSchema) -> dict[str, str]:
    """The root list of each type that has one, by the name of the type."""
    assert schema.query_type is not None
    lists = {name: field for name, field in schema.query_type.fields.items() if "after" in field.args}
    return {get_named_type(field.type).name.removesuffix("Connection"): name for name, field in lists.items()}


class Asking:
    """Asks as somebody whose access is known already, and looks at the statements."""

    def __init__(self, gateway: Gateway, statements: Recorder, token: str) -> None:
        self._gateway = gateway
        self._statements = statements
        self._token = token

    async def __call__(self, query: str) -> Statements:
        with self._statements() as seen:
            await self._gateway.data(query, token=self._token)
        return seen


@pytest.fixture
async def ask(gateway: Gateway, fleet: Fleet, statements: Recorder) -> Asking:
    asking = Asking(gateway, statements, fleet.alder.viewer.token)
    await asking("{ things(first: 1) { nodes { id } } }")
    return asking


def test_what_a_statement_selects_is_read() -> None:
    inner = "(SELECT access_epoch.value\nFROM access_epoch) AS access_epoch"
    statement = f'SELECT page.name, "page".id, {inner}, parents."key" AS parent_key FROM thing, (SELECT 1 AS b) AS c'
    assert selected(statement) == {"name", "id", "parent_key"}
    assert selected("SELECT count(*) AS total FROM thing") == {"total"}


async def test_a_root_list_selects_what_one_field_needs(ask: Asking, schema: GraphQLSchema) -> None:
    found, wanted = {}, {}
    for kind, name in root_lists(schema).items():
        for selection, columns in selections(object_type(schema, kind)):
            query = f"{{ {name}(first: 1) {{ nodes {{ {selection} }} }} }}"
            seen = await ask(query)
            found[query], wanted[query] = selected(seen.texts[0]), columns
    assert found == wanted
    assert len(found) > 100


async def test_one_row_by_its_id_selects_what_one_field_needs(ask: Asking, fleet: Fleet, schema: GraphQLSchema) -> None:
    found, wanted = {}, {}
    for selection, columns in selections(object_type(schema, "Thing")):
        query = f'{{ thing(id: "{fleet.alder.pump.id}") {{ {selection} }} }}'
        seen = await ask(query)
        found[query], wanted[query] = selected(seen.texts[0]) - {"id"}, columns - {"id"}
    assert found == wanted


async def test_an_edge_selects_what_one_field_needs_and_what_hangs_it_on_its_parent(
    ask: Asking, gateway: Gateway, fleet: Fleet, schema: GraphQLSchema
) -> None:
    alder, store = fleet.alder, store_of(gateway)
    things = [thing.id for thing in alder.things[:3]]
    campaign = await add_campaign(store, alder.organization, things, created_by=alder.owner.id)
    await add_identity(store, alder.organization, alder.pump.id, created_by=alder.owner.id)
    await add_signing(store, alder.organization, campaign, created_by=alder.owner.id)
    found, allowed, needed = {}, {}, {}
    for kind, root in root_lists(schema).items():
        for edge, field in object_type(schema, kind).fields.items():
            link = declared(field)
            if isinstance(link, ToMany):
                inner, hanging = f"{edge} {{ nodes {{ %s }} }}", {"parent_key", *ordered_by(link)}
            elif isinstance(link, ToOne):
                inner, hanging = f"{edge} {{ %s }}", {link.child.key}
            else:
                continue
            target = get_named_type(field.type).name.removesuffix("Connection")
            leaf, columns = next(each for each in selections(object_type(schema, target)) if each[0] in LEAVES)
            query = f"{{ {root}(first: 100) {{ nodes {{ {inner % leaf} }} }} }}"
            seen = await ask(query)
            if len(seen.texts) == 1:
                continue  # no row has such an edge
            found[query] = selected(seen.texts[1])
            needed[query] = columns
            allowed[query] = columns | hanging
    assert {query: columns for query, columns in found.items() if not needed[query] <= columns <= allowed[query]} == {}
    assert len(found) > 60


def ordered_by(link: ToMany) -> set[str]:
    """The columns that a list is in the order of."""
    return {term.column.key for term in link.order.terms}


LEAVES: Final = ("name", "role", "status", "version", "file", "expiresAt")
"""A leaf that is not part of how rows hang together; each type has one of them."""

PAGES: Final = {
    "cursors need the order": ("edges { cursor }", "", {"id"}),
    "cursors of another order": ("edges { cursor }", "orderBy: {field: LAST_SEEN_AT}", {"last_seen_at", "id"}),
    "the end of a page": ("pageInfo { endCursor }", "orderBy: {field: NAME}", {"name", "id"}),
    "whether there is more": ("pageInfo { hasNextPage }", "orderBy: {field: NAME}", {"id"}),
    "an order that nobody sees": ("nodes { type }", "orderBy: {field: NAME}", {"type"}),
    "a filter": ("nodes { type }", 'filter: {name: {contains: "p"}, tag: {exists: true}}', {"type"}),
    "a total": ("totalCount", 'filter: {name: {contains: "p"}}', {"total"}),
    "the same twice": ("nodes { a: type b: type } edges { node { type } }", "", {"type"}),
    "fragments": ("nodes { ... on Node { ... on Group { kind } ... on Thing { type } } }", "", {"type"}),
    "what is left out": ("nodes { type name @skip(if: true) metadata @include(if: false) }", "", {"type"}),
}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_selects_what_is_asked_of_it(name: str, ask: Asking) -> None:
    selection, arguments, columns = PAGES[name]
    given = f"(first: 2, {arguments})" if "total" not in selection else f"({arguments})"
    query = f"{{ things{given} {{ {selection} }} }}"
    seen = await ask(query)
    assert seen.count == 1
    assert selected(seen.texts[0]) == columns
