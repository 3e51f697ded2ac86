"""Every relation of the graph can be followed in both directions, in the schema and in the data."""

from __future__ import annotations

import itertools

from tests.engine.edges import EDGES, NODE_TYPES, SCHEMA, Edge, everything, follow, target_of
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_campaign, store_of

WAYS_BACK = {
    "Artifact.executions": "OtaExecution.artifact",
    "Artifact.organization": "Organization.artifacts",
    "Artifact.otaJobs": "OtaJob.artifact",
    "Artifact.release": "Release.artifacts",
    "Deployment.createdBy": "User.deployments",
    "Deployment.executions": "OtaExecution.deployment",
    "Deployment.jobs": "OtaJob.deployment",
    "Deployment.organization": "Organization.deployments",
    "Deployment.release": "Release.deployments",
    "Group.children": "Group.parent",
    "Group.organization": "Organization.groups",
    "Group.parent": "Group.children",
    "Group.things": "Thing.groups",
    "Membership.organization": "Organization.memberships",
    "Membership.user": "User.memberships",
    "Organization.artifacts": "Artifact.organization",
    "Organization.children": "Organization.parent",
    "Organization.deployments": "Deployment.organization",
    "Organization.groups": "Group.organization",
    "Organization.memberships": "Membership.organization",
    "Organization.otaJobs": "OtaJob.organization",
    "Organization.parent": "Organization.children",
    "Organization.profiles": "Profile.organization",
    "Organization.releases": "Release.organization",
    "Organization.things": "Thing.organization",
    "OtaExecution.artifact": "Artifact.executions",
    "OtaExecution.deployment": "Deployment.executions",
    "OtaExecution.job": "OtaJob.executions",
    "OtaExecution.organization": "Organization.otaJobs OtaJob.executions",
    "OtaExecution.thing": "Thing.executions",
    "OtaJob.artifact": "Artifact.otaJobs",
    "OtaJob.deployment": "Deployment.jobs",
    "OtaJob.executions": "OtaExecution.job",
    "OtaJob.organization": "Organization.otaJobs",
    "Profile.organization": "Organization.profiles",
    "Profile.things": "Thing.profile",
    "Release.artifacts": "Artifact.release",
    "Release.deployments": "Deployment.release",
    "Release.organization": "Organization.releases",
    "Thing.executions": "OtaExecution.thing",
    "Thing.groups": "Group.things",
    "Thing.homeGroup": "Group.things",
    "Thing.organization": "Organization.things",
    "Thing.profile": "Profile.things",
    "User.deployments": "Deployment.createdBy",
    "User.memberships": "Membership.user",
}
"""The way back of every edge."""


def way_back(edge: Edge) -> list[Edge]:
    return [EDGES[name] for name in WAYS_BACK[edge.name].split()]


def test_every_edge_has_a_way_back() -> None:
    assert sorted(WAYS_BACK) == sorted(EDGES)
    for edge in EDGES.values():
        back = way_back(edge)
        assert back[0].source == edge.target
        assert back[-1].target == edge.source
        for here, there in itertools.pairwise(back):
            assert here.target == there.source


def test_what_is_no_node_leads_back_to_the_one_that_it_is_part_of() -> None:
    """Parts have no id of their own; those that are reached from elsewhere, too, say whose they are."""
    parts = {
        target.name for kind in NODE_TYPES.values() for field in kind.fields.values() if (target := target_of(field)[0])
    }
    parts -= set(NODE_TYPES)
    assert parts == {"ThingState", "ThingAttribute", "ThingLifecycleChange", "ExecutionCounts"}
    state = SCHEMA.type_map["ThingState"]
    target, is_connection = target_of(state.fields["thing"])  # type: ignore[attr-defined]
    assert target is not None
    assert (target.name, is_connection) == ("Thing", False)


async def test_every_edge_is_followed_there_and_back(gateway: Gateway, fleet: Fleet) -> None:
    alder, token = fleet.alder, fleet.alder.viewer.token
    things = [alder.pump.id, alder.probe.id]
    await add_campaign(store_of(gateway), alder.organization, things, created_by=alder.owner.id)
    known = {kind: await everything(gateway, token, kind) for kind in NODE_TYPES}
    unused = []
    for edge in EDGES.values():
        pairs = [(start, end) for start in known[edge.source] for end in await follow(gateway, token, start, [edge])]
        if not pairs:
            unused.append(edge.name)
        ends = {end: await follow(gateway, token, end, way_back(edge)) for _, end in pairs}
        for start, end in pairs:
            assert start in ends[end], f"{edge.name} leads from {start} to {end}, and nothing leads back"
    assert unused == []


async def test_states_lead_to_their_things(gateway: Gateway, fleet: Fleet) -> None:
    query = "{ things { nodes { id state { thing { id state { thing { id } } } } } } }"
    nodes = (await gateway.data(query, token=fleet.alder.viewer.token))["things"]["nodes"]
    assert len(nodes) == 4
    for node in nodes:
        there = node["state"]["thing"]
        assert there["id"] == there["state"]["thing"]["id"] == node["id"]
