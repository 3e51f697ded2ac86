"""`thing`: by its id, and by its external id in an organization."""

from __future__ import annotations

from typing import Any

from tests.fleets import Fleet
from tests.gateways import Gateway

THING = """
query ($id: ID, $externalId: String, $organizationId: ID) {
  thing(id: $id, externalId: $externalId, organizationId: $organizationId) { id name externalId }
}
"""
EVERYTHING = """
query ($id: ID) {
  thing(id: $id) {
    id name type externalId lifecycle connected lastSeenAt reportIntervalSeconds metadata version createdAt updatedAt
    tags attributes { scope name value updatedAt } lifecycleHistory { lifecycle reason occurredAt }
    state { reported desired delta version reportedAt desiredAt }
    organization { id } homeGroup { id } groups { nodes { id } totalCount } profile { id } executions { totalCount }
  }
}
"""


async def test_by_id(gateway: Gateway, fleet: Fleet) -> None:
    found = {"id": fleet.alder.pump.id, "name": "pump", "externalId": None}
    data = await gateway.data(THING, {"id": fleet.alder.pump.id}, token=fleet.alder.viewer.token)
    assert data == {"thing": found}
    for token in (fleet.birch.viewer.token, fleet.stranger.token, fleet.alder.branch_viewer.token):
        assert await gateway.data(THING, {"id": fleet.alder.pump.id}, token=token) == {"thing": None}


async def test_by_external_id(gateway: Gateway, fleet: Fleet) -> None:
    alder, birch = fleet.alder, fleet.birch
    for tenant in (alder, birch):
        mine = {"externalId": "meter-1", "organizationId": tenant.organization}
        data = await gateway.data(THING, mine, token=tenant.viewer.token)
        assert data["thing"]["id"] == tenant.meter.id
    foreign = {"externalId": "meter-1", "organizationId": birch.organization}
    assert await gateway.data(THING, foreign, token=alder.viewer.token) == {"thing": None}
    assert (await gateway.data(THING, foreign, token=fleet.administrator.token))["thing"]["id"] == birch.meter.id
    for missing in ("METER-1", "meter", "meter-1 ", "%", "x" * 10_000):
        wanted = {"externalId": missing, "organizationId": alder.organization}
        assert await gateway.data(THING, wanted, token=alder.viewer.token) == {"thing": None}
    in_the_branch = {"externalId": "meter-1", "organizationId": alder.branch}
    assert await gateway.data(THING, in_the_branch, token=alder.viewer.token) == {"thing": None}


async def test_one_way_of_naming_it(gateway: Gateway, fleet: Fleet) -> None:
    alder = fleet.alder
    wrong: list[dict[str, Any]] = [
        {},
        {"id": None},
        {"id": ""},
        {"externalId": "meter-1"},
        {"organizationId": alder.organization},
        {"id": alder.meter.id, "externalId": "meter-1", "organizationId": alder.organization},
        {"id": alder.meter.id, "externalId": "meter-1"},
        {"id": alder.hall},
        {"id": "meter-1"},
        {"externalId": "meter-1", "organizationId": alder.hall},
        {"externalId": "a\0", "organizationId": alder.organization},
    ]
    for arguments in wrong:
        answer = await gateway.graphql(THING, arguments, token=alder.viewer.token)
        assert answer.codes == ["BAD_USER_INPUT"], arguments


async def test_everything_of_a_thing(gateway: Gateway, fleet: Fleet) -> None:
    alder = fleet.alder
    pump = (await gateway.data(EVERYTHING, {"id": alder.pump.id}, token=alder.viewer.token))["thing"]
    created = pump.pop("createdAt")
    assert pump.pop("updatedAt") == created
    assert pump["lifecycleHistory"][0].pop("occurredAt") == created
    assert pump == {
        "id": alder.pump.id,
        "name": "pump",
        "type": "ACTUATOR",
        "externalId": None,
        "lifecycle": "NEW",
        "connected": False,
        "lastSeenAt": None,
        "reportIntervalSeconds": None,
        "metadata": {},
        "version": 1,
        "tags": ["water"],
        "attributes": [],
        "lifecycleHistory": [{"lifecycle": "NEW", "reason": ""}],
        "state": {"reported": {}, "desired": {}, "delta": {}, "version": 0, "reportedAt": None, "desiredAt": None},
        "organization": {"id": alder.organization},
        "homeGroup": {"id": alder.hall},
        "groups": {"nodes": [{"id": alder.hall}], "totalCount": 1},
        "profile": {"id": alder.profile},
        "executions": {"totalCount": 0},
    }


async def test_a_thing_sees_itself(gateway: Gateway, fleet: Fleet) -> None:
    alder = fleet.alder
    data = await gateway.data(EVERYTHING, {"id": alder.pump.id}, token=alder.pump.token)
    assert data["thing"]["homeGroup"] == {"id": alder.hall}
    assert data["thing"]["organization"] == {"id": alder.organization}
    assert await gateway.data(THING, {"id": alder.probe.id}, token=alder.pump.token) == {"thing": None}
