"""The edges of the graph as its schema says them, and queries that follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLList, GraphQLNonNull, GraphQLObjectType

from resolvers.fleet_schema import build_schema
from tests.client import GatewayClient

SCHEMA = build_schema()._schema
NODE = SCHEMA.get_type("Node")
assert isinstance(NODE, GraphQLInterfaceType)
NODE_TYPES = {kind.name: kind for kind in SCHEMA.get_possible_types(NODE)}


@dataclass(frozen=True)
class Edge:
    """A field that leads from one node type to another."""

    source: str
    field: str
    target: str
    is_connection: bool

    @property
    def name(self) -> str:
        return f"{self.source}.{self.field}"

    def selection(self, inner: str) -> str:
        """What asks for the far end; its pages are as large as they may be."""
        return (
            f"{self.field}(first: 100) {{ nodes {{ {inner} }} }}"
            if self.is_connection
            else f"{self.field} {{ {inner} }}"
        )


def target_of(field: GraphQLField) -> tuple[GraphQLObjectType | None, bool]:
    """The object type that a field leads to, and whether through a connection."""
    kind: Any = field.type
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    if not isinstance(kind, GraphQLObjectType):
        return None, False
    if kind.name.endswith("Connection"):
        return target_of(kind.fields["nodes"])[0], True
    return kind, False


def edges_of(kind: GraphQLObjectType) -> list[Edge]:
    """The edges from one type to node types."""
    found = ((name, *target_of(field)) for name, field in kind.fields.items())
    return [
        Edge(kind.name, name, target.name, is_connection)
        for name, target, is_connection in found
        if target is not None and target.name in NODE_TYPES
    ]


EDGES = {edge.name: edge for kind in NODE_TYPES.values() for edge in edges_of(kind)}


async def follow(client: GatewayClient, token: str, start: str, path: list[Edge]) -> set[str]:
    """The ids at the end of a path of edges from the node with the id `start`."""
    inner = "id"
    for edge in reversed(path):
        inner = edge.selection(inner)
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {path[0].source} {{ {inner} }} }} }}"
    found = [(await client.data(query, {"id": start}, token=token))["node"]]
    for edge in path:
        values = [each[edge.field] for each in found]
        if edge.is_connection:
            found = [node for value in values for node in value["nodes"]]
        else:
            found = [value for value in values if value is not None]
    return {each["id"] for each in found}


async def everything(client: GatewayClient, token: str, kind: str) -> list[str]:
    """The ids of all nodes of a type that the caller sees."""
    lists = {name: target_of(field) for name, field in SCHEMA.query_type.fields.items()} if SCHEMA.query_type else {}
    for name, (target, is_connection) in lists.items():
        if is_connection and target is not None and target.name == kind:
            data = await client.data(f"{{ {name}(first: 100) {{ nodes {{ id }} }} }}", token=token)
            return [node["id"] for node in data[name]["nodes"]]
    data = await client.data("{ users(first: 100) { nodes { memberships { nodes { id } } } } }", token=token)
    assert kind == "Membership"
    return [each["id"] for user in data["users"]["nodes"] for each in user["memberships"]["nodes"]]
