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
        """What asks for the far end; its pages are larger than any list of the tests."""
        return (
            f"{self.field}(first: 20) {{ nodes {{ {inner} }} }}"
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


WITHOUT_LIST = {
    "Attachment": ("artifacts", "Artifact.attachments"),
    "AuthSet": ("things", "Thing.authSets"),
    "Membership": ("users", "User.memberships"),
    "Signature": ("signingKeys", "SigningKey.signatures"),
    "TenantToken": ("organizations", "Organization.tenantTokens"),
    "ThingToken": ("things", "Thing.tokens"),
}
"""Types of which there is no list of all: the list and the edge that lead to them."""


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
        elif any(isinstance(value, list) for value in values):
            found = [node for value in values for node in value]
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
    root, edge = WITHOUT_LIST[kind]
    data = await client.data(f"{{ {root}(first: 100) {{ nodes {{ {EDGES[edge].selection('id')} }} }} }}", token=token)
    below = [node[EDGES[edge].field] for node in data[root]["nodes"]]
    return [each["id"] for found in below for each in (found if isinstance(found, list) else found["nodes"])]
