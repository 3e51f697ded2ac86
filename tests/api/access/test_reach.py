"""What each kind of caller can reach: never more through an edge than through a list, and nothing of another tenant."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

from resolvers.fleet_schema import build_schema
from tests.fleets import Fleet, Tenant
from tests.gateways import Gateway

Ids = dict[str, set[str]]
LISTS = {
    "Organization": "organizations",
    "User": "users",
    "Group": "groups",
    "Profile": "profiles",
    "Thing": "things",
    "Artifact": "artifacts",
    "Release": "releases",
    "Deployment": "deployments",
    "OtaJob": "otaJobs",
    "OtaExecution": "otaExecutions",
}
FILE = b"firmware of the tests"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


async def deploy(gateway: Gateway, tenant: Tenant) -> None:
    """Give a tenant one of everything that updates over the air consist of."""
    artifact = {
        "organizationId": tenant.organization,
        "releaseName": "pump-1.0",
        "fileName": "pump.bin",
        "version": "1.0",
        "model": "pump",
        "size": len(FILE),
        "sha256": hashlib.sha256(FILE).hexdigest(),
    }
    made = await gateway.change(
        "createArtifact", artifact, select="artifact { id release { id } } uploadUrl", token=tenant.owner.token
    )
    uploaded = await gateway.request("PUT", made["uploadUrl"], data=FILE)
    assert uploaded.status == 201, uploaded.body
    deployment = {
        "organizationId": tenant.organization,
        "releaseId": made["artifact"]["release"]["id"],
        "name": "All",
        "target": {"thingIds": [tenant.pump.id, tenant.probe.id]},
    }
    await gateway.change("createDeployment", deployment, select="deployment { id }", token=tenant.owner.token)


async def listed(gateway: Gateway, token: str) -> Ids:
    """Every id that a caller finds in the root lists."""
    asked = " ".join(f"{kind}: {name}(first: 100) {{ nodes {{ id }} }}" for kind, name in LISTS.items())
    data = await gateway.data(f"{{ {asked} }}", token=token)
    found = {kind: {node["id"] for node in data[kind]["nodes"]} for kind in LISTS}
    found["Membership"] = set()
    for user in await visit(gateway, token, "User", found["User"], "memberships { nodes { id } }"):
        found["Membership"] |= {node["id"] for node in user["memberships"]["nodes"]}
    return found


async def visit(gateway: Gateway, token: str, kind: str, ids: set[str], selection: str) -> list[Any]:
    """Select something of every object of a type."""
    if not ids:
        return []
    query = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ {selection} }} }} }}"
    nodes = (await gateway.data(query, {"ids": sorted(ids)}, token=token))["nodes"]
    assert None not in nodes, f"a {kind} that was listed cannot be found"
    return list(nodes)


def edges(schema: GraphQLSchema, kind: str) -> Iterator[tuple[str, str, bool]]:
    """The edges of a type to node types: name, target, and whether it is a connection."""
    found = schema.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    for name, field in found.fields.items():
        target = get_named_type(field.type).name
        if target.removesuffix("Connection") in {*LISTS, "Membership"}:
            yield name, target.removesuffix("Connection"), target.endswith("Connection")


async def through_edges(gateway: Gateway, schema: GraphQLSchema, token: str, own: Ids) -> Ids:
    """Every id that a caller finds on the edges of what the lists gave."""
    found: Ids = {kind: set() for kind in own}
    for kind, ids in own.items():
        for name, target, many in edges(schema, kind):
            selection = f"{name}(first: 100) {{ nodes {{ id }} }}" if many else f"{name} {{ id }}"
            for node in await visit(gateway, token, kind, ids, selection):
                value = node[name]
                items = value["nodes"] if many else [value] if value else []
                found[target] |= {item["id"] for item in items}
    return found


async def test_edges_reach_what_lists_show_and_tenants_do_not_meet(
    gateway: Gateway, fleet: Fleet, schema: GraphQLSchema
) -> None:
    for tenant in (fleet.alder, fleet.birch):
        await deploy(gateway, tenant)
    everything = await listed(gateway, fleet.administrator.token)
    assert all(everything.values()), "the fleet lacks something to look for"
    callers = {
        "alder": fleet.alder.owner.token,
        "birch": fleet.birch.owner.token,
        "alder viewer": fleet.alder.viewer.token,
        "alder branch": fleet.alder.branch_viewer.token,
        "alder thing": fleet.alder.pump.token,
        "nobody's": fleet.stranger.token,
    }
    seen = {name: await listed(gateway, token) for name, token in callers.items()}
    for name, token in callers.items():
        reached = await through_edges(gateway, schema, token, seen[name])
        for kind, ids in reached.items():
            assert ids <= seen[name][kind], f"{name} reaches more of {kind} than it may see"
            assert seen[name][kind] <= everything[kind]
    for kind, ids in seen["alder"].items():
        assert ids, kind
        assert not ids & seen["birch"][kind], f"the tenants share a {kind}"
        assert seen["alder viewer"][kind] == ids, f"a viewer reads all of {kind}"
        assert seen["alder branch"][kind] <= ids
        assert seen["alder thing"][kind] <= ids
    assert seen["alder branch"]["Thing"] == {fleet.alder.relay.id}
    assert seen["alder branch"]["Organization"] == {fleet.alder.branch}
    assert seen["alder thing"]["Thing"] == {fleet.alder.pump.id}
    assert seen["alder thing"]["Organization"] == {fleet.alder.organization}
    assert len(seen["alder thing"]["OtaExecution"]) == 1
    assert seen["alder thing"]["User"] == seen["alder thing"]["Membership"] == set()
    assert {kind for kind, ids in seen["nobody's"].items() if ids} == {"User"}
    assert seen["nobody's"]["User"] == {fleet.stranger.id}


async def test_what_is_another_tenants_does_not_exist(gateway: Gateway, fleet: Fleet) -> None:
    await deploy(gateway, fleet.birch)
    token = fleet.alder.owner.token
    for kind, ids in (await listed(gateway, fleet.birch.owner.token)).items():
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert await gateway.data(query, {"ids": sorted(ids)}, token=token) == {"nodes": [None] * len(ids)}, kind
    stats = await gateway.data("{ thingStats { total } things { totalCount } }", token=token)
    assert stats == {"thingStats": {"total": 4}, "things": {"totalCount": 4}}
    by_name = {"filter": {"organization": {"id": fleet.birch.organization}}}
    counted = "query ($filter: ThingFilter) { things(filter: $filter) { totalCount nodes { id } } }"
    assert await gateway.data(counted, by_name, token=token) == {"things": {"totalCount": 0, "nodes": []}}


async def test_a_lost_role_ends_with_the_next_request(gateway: Gateway, fleet: Fleet) -> None:
    tenant = fleet.alder
    assert (await gateway.data("{ things { totalCount } }", token=tenant.viewer.token))["things"]["totalCount"] == 4
    removal = {"organizationId": tenant.organization, "userIds": [tenant.viewer.id]}
    await gateway.change("removeMembers", removal, select="__typename", token=tenant.owner.token)
    assert (await gateway.data("{ things { totalCount } }", token=tenant.viewer.token))["things"]["totalCount"] == 0
