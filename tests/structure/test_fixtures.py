"""The fixtures that other tests stand on give what they promise."""

from __future__ import annotations

import pytest

from tests.client import GatewayClient
from tests.fleets import Fleet
from tests.gateways import Gateway, LiveGateway, StartGateway

THINGS = "{ things(first: 100) { nodes { id organization { id } } } }"


async def seen_by(gateway: GatewayClient, token: str) -> set[str]:
    data = await gateway.data(THINGS, token=token)
    return {node["id"] for node in data["things"]["nodes"]}


async def test_members_see_their_tenant(gateway: Gateway, fleet: Fleet) -> None:
    for tenant in (fleet.alder, fleet.birch):
        everything = {thing.id for thing in tenant.things}
        for person in tenant.members.values():
            assert await seen_by(gateway, person.token) == everything
        assert await seen_by(gateway, tenant.branch_viewer.token) == {tenant.relay.id}
    assert await seen_by(gateway, fleet.stranger.token) == set()


async def test_roles_are_as_named(gateway: Gateway, fleet: Fleet) -> None:
    for role, person in fleet.alder.members.items():
        data = await gateway.data("{ viewer { user { memberships { nodes { role } } } } }", token=person.token)
        assert role in {node["role"] for node in data["viewer"]["user"]["memberships"]["nodes"]}


async def test_things_are_signed_in(gateway: Gateway, fleet: Fleet) -> None:
    for thing in fleet.birch.things:
        data = await gateway.data("{ viewer { thing { id name } } }", token=thing.token)
        assert data["viewer"]["thing"] == {"id": thing.id, "name": thing.name}


async def test_each_test_has_its_own_fleet(gateway: Gateway, fleet: Fleet) -> None:
    gone = {"ids": [fleet.alder.pump.id]}
    await gateway.change("deleteThings", gone, select="deletedIds", token=fleet.alder.owner.token)
    assert fleet.alder.pump.id not in await seen_by(gateway, fleet.alder.viewer.token)


async def test_two_gateways_share_a_database(start_gateway: StartGateway, fleet: Fleet) -> None:
    first, second = await start_gateway(), await start_gateway()
    assert first.url != second.url
    token = fleet.alder.owner.token
    new = {"organizationId": fleet.alder.organization, "name": "Annex"}
    made = await first.change("createGroup", new, select="group { id }", token=token)
    found = await second.data("query ($id: ID!) { group(id: $id) { name } }", made["group"], token=token)
    assert found == {"group": {"name": "Annex"}}


@pytest.mark.clients
async def test_live_gateway_has_a_fleet_that_moves(live: GatewayClient, live_gateway: LiveGateway) -> None:
    session = await live.sign_in(live_gateway.demo_email, live_gateway.demo_password)
    token = session.access_token
    data = await live.data("{ viewer { organizations { nodes { id } } } }", token=token)
    scope = {"scope": {"organizationId": data["viewer"]["organizations"]["nodes"][0]["id"]}}
    watch = "subscription ($scope: EventScopeInput!) { thingStateChanged(scope: $scope) { cursor thing { id } } }"
    async with live.subscribe(watch, scope, token=token) as events:
        first, second = await events.next(), await events.next()
    assert first["thingStateChanged"]["cursor"] != second["thingStateChanged"]["cursor"]
