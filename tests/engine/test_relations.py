"""Every relation of the graph can be followed in both directions, in the schema and in the data."""

from __future__ import annotations

import itertools

from tests.engine.edges import EDGES, NODE_TYPES, SCHEMA, Edge, everything, follow, target_of
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_campaign, store_of
from tests.trust import add_identity, add_signing

WAYS_BACK = {
    "Artifact.attachments": "Attachment.artifact",
    "Artifact.createdBy": "User.memberships Membership.organization Organization.artifacts",
    "Artifact.executions": "OtaExecution.artifact",
    "Artifact.organization": "Organization.artifacts",
    "Artifact.otaJobs": "OtaJob.artifact",
    "Artifact.release": "Release.artifacts",
    "Artifact.signatures": "Signature.artifact",
    "Artifact.signedFrom": "Artifact.organization Organization.artifacts",
    "Attachment.artifact": "Artifact.attachments",
    "Attachment.createdBy": "User.memberships Membership.organization Organization.artifacts Artifact.attachments",
    "Attachment.organization": "Organization.artifacts Artifact.attachments",
    "AuthSet.organization": "Organization.things Thing.authSets",
    "AuthSet.thing": "Thing.authSets",
    "Deployment.createdBy": "User.deployments",
    "Deployment.executions": "OtaExecution.deployment",
    "Deployment.jobs": "OtaJob.deployment",
    "Deployment.organization": "Organization.deployments",
    "Deployment.release": "Release.deployments",
    "Deployment.retryOf": "Deployment.organization Organization.deployments",
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
    "Organization.signingKeys": "SigningKey.organization",
    "Organization.signingRequests": "SigningRequest.organization",
    "Organization.tenantTokens": "TenantToken.organization",
    "Organization.things": "Thing.organization",
    "OtaExecution.approvedBy": "User.memberships Membership.organization Organization.otaJobs OtaJob.executions",
    "OtaExecution.artifact": "Artifact.executions",
    "OtaExecution.deployment": "Deployment.executions",
    "OtaExecution.job": "OtaJob.executions",
    "OtaExecution.organization": "Organization.otaJobs OtaJob.executions",
    "OtaExecution.thing": "Thing.executions",
    "OtaJob.artifact": "Artifact.otaJobs",
    "OtaJob.createdBy": "User.memberships Membership.organization Organization.otaJobs",
    "OtaJob.deployment": "Deployment.jobs",
    "OtaJob.executions": "OtaExecution.job",
    "OtaJob.organization": "Organization.otaJobs",
    "OtaJob.retryOf": "OtaJob.organization Organization.otaJobs",
    "OtaJob.signingKeys": "SigningKey.organization Organization.otaJobs",
    "Profile.organization": "Organization.profiles",
    "Profile.things": "Thing.profile",
    "Release.artifacts": "Artifact.release",
    "Release.deployments": "Deployment.release",
    "Release.organization": "Organization.releases",
    "Signature.artifact": "Artifact.signatures",
    "Signature.attachment": "Attachment.artifact Artifact.signatures",
    "Signature.createdBy": "User.memberships Membership.organization Organization.signingKeys SigningKey.signatures",
    "Signature.key": "SigningKey.signatures",
    "Signature.organization": "Organization.signingKeys SigningKey.signatures",
    "Signature.request": "SigningRequest.signatures",
    "Signature.signedArtifact": "Artifact.organization Organization.signingKeys SigningKey.signatures",
    "SigningKey.organization": "Organization.signingKeys",
    "SigningKey.signatures": "Signature.key",
    "SigningRequest.artifact": "Artifact.organization Organization.signingRequests",
    "SigningRequest.createdBy": "User.memberships Membership.organization Organization.signingRequests",
    "SigningRequest.keys": "SigningKey.organization Organization.signingRequests",
    "SigningRequest.organization": "Organization.signingRequests",
    "SigningRequest.signatures": "Signature.request",
    "SigningRequest.signedArtifact": "Artifact.organization Organization.signingRequests",
    "TenantToken.createdBy": "User.memberships Membership.organization Organization.tenantTokens",
    "TenantToken.organization": "Organization.tenantTokens",
    "Thing.authSets": "AuthSet.thing",
    "Thing.executions": "OtaExecution.thing",
    "Thing.groups": "Group.things",
    "Thing.homeGroup": "Group.things",
    "Thing.organization": "Organization.things",
    "Thing.profile": "Profile.things",
    "Thing.tokens": "ThingToken.thing",
    "ThingToken.authSet": "AuthSet.thing Thing.tokens",
    "ThingToken.thing": "Thing.tokens",
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
    assert parts == {"ThingState", "ThingAttribute", "ThingLifecycleChange", "ExecutionCounts", "UpdateLogLine"}
    state = SCHEMA.type_map["ThingState"]
    target, is_connection = target_of(state.fields["thing"])  # type: ignore[attr-defined]
    assert target is not None
    assert (target.name, is_connection) == ("Thing", False)


async def test_every_edge_is_followed_there_and_back(gateway: Gateway, fleet: Fleet) -> None:
    alder, token, store = fleet.alder, fleet.alder.owner.token, store_of(gateway)
    things = [alder.pump.id, alder.probe.id]
    campaign = await add_campaign(store, alder.organization, things, created_by=alder.owner.id)
    await add_identity(store, alder.organization, alder.pump.id, created_by=alder.owner.id)
    await add_signing(store, alder.organization, campaign, created_by=alder.owner.id)
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
