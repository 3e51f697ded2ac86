"""What a caller sees of the world, asked before operations are drawn: ids of every type, and cursors of every list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, GraphQLSchema, get_named_type

from tests.differential.arguments import ORDERS, Known, Value, list_of
from tests.differential.comparison import Stand
from tests.differential.operations import plain_operation

MANY: Final = 40


async def look_around(stand: Stand, caller: str) -> Known:
    """Ask as a caller for all lists, directly and below each type of node; once as long as nothing changes."""
    if caller in stand.sights:
        return stand.sights[caller]
    known = stand.sights[caller] = Known(stand.world)
    schema = stand.operations.schema
    for name, order, document in _documents(schema):
        operation = plain_operation(document)
        answer = await stand.ask(stand.reference, caller, operation)
        if answer.errors:
            continue
        for prefix, identity in _ids(answer.payload):
            if identity not in known.ids.setdefault(prefix, []):
                known.ids[prefix].append(identity)
        cursors = known.cursors.setdefault(order or name, [])
        cursors += [each for each in _under(answer.payload, "cursor") if each not in cursors]
    return known


def _documents(schema: GraphQLSchema) -> Iterator[tuple[str, str | None, str]]:
    """Each list, the order when it is not the declared one, and the query for its items."""
    query = schema.query_type
    assert query is not None
    items = f"(first: {MANY}) {{ edges {{ cursor node {{ id }} }} }}"
    roots: dict[str, str] = {}
    for name, declared in query.fields.items():
        if "after" in declared.args:
            roots[_node(declared).name] = name
            yield list_of("Query", name, None), None, f"{{ {name}{items} }}"
    for order in ORDERS:
        arguments = f"first: 100, orderBy: {_literal(order)}"
        whole = f"{{ things({arguments}) {{ edges {{ cursor node {{ id }} }} }} }}"
        yield "things", list_of("", "", order), whole
    for kind, root in roots.items():
        parent = schema.type_map[kind]
        assert isinstance(parent, GraphQLObjectType)
        for name, declared in parent.fields.items():
            if "after" in declared.args:
                yield list_of(kind, name, None), None, f"{{ {root}(first: {MANY}) {{ nodes {{ {name}{items} }} }} }}"
    yield list_of("Viewer", "organizations", None), None, f"{{ viewer {{ organizations{items} }} }}"


def _node(connection: GraphQLField) -> GraphQLNamedType:
    kind = get_named_type(connection.type)
    assert isinstance(kind, GraphQLObjectType)
    inner: GraphQLNamedType = get_named_type(kind.fields["nodes"].type)
    return inner


def _literal(order: Sequence[Value]) -> str:
    return re.sub(r'"', "", json.dumps(order))


def _ids(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for identity in _under(payload, "id"):
        yield identity.partition("_")[0], identity


def _under(value: Any, name: str) -> Iterator[str]:
    """Everything that stands under a name, anywhere in an answer."""
    if isinstance(value, list):
        for item in value:
            yield from _under(item, name)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key == name:
                yield part
            else:
                yield from _under(part, name)


async def look_into(stand: Stand, caller: str, organization: str) -> Known:
    """What a caller sees of one organization alone: ids that belong together."""
    known = Known(stand.world)
    kind = stand.operations.schema.type_map["Organization"]
    assert isinstance(kind, GraphQLObjectType)
    more = {"things": "executions(first: 3) { nodes { id } }", "memberships": "user { id }"}
    for name, declared in kind.fields.items():
        if "after" in declared.args and name != "children":
            items = f"{name}(first: {MANY}) {{ nodes {{ id {more.get(name, '')} }} }}"
            document = f'{{ organization(id: "{organization}") {{ id {items} }} }}'
            answer = await stand.ask(stand.reference, caller, plain_operation(document))
            for prefix, identity in _ids(answer.payload):
                if identity not in known.ids.setdefault(prefix, []):
                    known.ids[prefix].append(identity)
    return known
