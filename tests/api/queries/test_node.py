"""`node` and `nodes`: anything by its global id, and nothing that the caller may not see."""

from __future__ import annotations

import pytest

from tests.engine.edges import NODE_TYPES, everything
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_campaign, store_of
from tests.statements import Recorder
from tests.trust import add_identity, add_signing

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
UNKNOWN = "0" * 32
WRONG = [
    "",
    "x",
    "thing",
    "thing_",
    f"thing_{UNKNOWN[1:]}",
    f"thing_{UNKNOWN}0",
    f"THING_{UNKNOWN}",
    f"toaster_{UNKNOWN}",
]
WRONG += [f"thing_{'g' * 32}", f" thing_{UNKNOWN}", f"thing_{UNKNOWN}\n", f"thing-{UNKNOWN}", "x" * 100_000, "ä", "1"]


async def ids_by_type(gateway: Gateway, token: str) -> dict[str, list[str]]:
    return {kind: await everything(gateway, token, kind) for kind in NODE_TYPES}


async def test_nodes_of_every_type(gateway: Gateway, fleet: Fleet) -> None:
    for tenant in (fleet.alder, fleet.birch):
        things = [thing.id for thing in tenant.things[:3]]
        campaign = await add_campaign(store_of(gateway), tenant.organization, things, created_by=tenant.owner.id)
        await add_identity(store_of(gateway), tenant.organization, tenant.pump.id, created_by=tenant.owner.id)
        await add_signing(store_of(gateway), tenant.organization, campaign, created_by=tenant.owner.id)
    mine = await ids_by_type(gateway, fleet.alder.owner.token)
    theirs = await ids_by_type(gateway, fleet.birch.owner.token)
    for kind in NODE_TYPES:
        assert mine[kind], kind
        assert theirs[kind], kind
        for identity in mine[kind]:
            found = {"__typename": kind, "id": identity}
            assert (await gateway.data(NODE, {"id": identity}, token=fleet.alder.owner.token))["node"] == found
        for identity in theirs[kind]:
            for token in (fleet.alder.owner.token, fleet.stranger.token, fleet.alder.pump.token):
                assert (await gateway.data(NODE, {"id": identity}, token=token)) == {"node": None}
            assert (await gateway.data(NODE, {"id": identity}, token=fleet.administrator.token))["node"] is not None


async def test_nodes_come_in_the_order_asked_for(gateway: Gateway, fleet: Fleet) -> None:
    alder = fleet.alder
    ids = [alder.yard, fleet.birch.hall, alder.pump.id, f"thing_{UNKNOWN}", alder.organization, alder.pump.id]
    data = await gateway.data(NODES, {"ids": ids}, token=alder.viewer.token)
    kinds = ["Group", None, "Thing", None, "Organization", "Thing"]
    assert [node and node["__typename"] for node in data["nodes"]] == kinds
    assert [node and node["id"] for node in data["nodes"]] == [
        identity if kind else None for identity, kind in zip(ids, kinds, strict=True)
    ]
    assert await gateway.data(NODES, {"ids": []}, token=alder.viewer.token) == {"nodes": []}


async def test_what_is_no_id_is_told(gateway: Gateway, fleet: Fleet) -> None:
    token = fleet.alder.viewer.token
    for wrong in WRONG:
        for query, variables in ((NODE, {"id": wrong}), (NODES, {"ids": [fleet.alder.hall, wrong]})):
            answer = await gateway.graphql(query, variables, token=token)
            assert answer.codes == ["BAD_USER_INPUT"], wrong
            assert len(answer.body) < 1_000


@pytest.mark.parametrize("number", [100, 101])
async def test_nodes_takes_100_ids(gateway: Gateway, fleet: Fleet, number: int) -> None:
    answer = await gateway.graphql(NODES, {"ids": [fleet.alder.hall] * number}, token=fleet.alder.viewer.token)
    assert answer.codes == ([] if number == 100 else ["BAD_USER_INPUT"])


async def test_nothing_is_read_for_a_list_with_a_wrong_id(gateway: Gateway, fleet: Fleet, statements: Recorder) -> None:
    """What would still be read after the answer has nobody who waits for it."""
    with statements() as seen:
        answer = await gateway.graphql(NODES, {"ids": [fleet.alder.hall, "x"]}, token=fleet.alder.viewer.token)
        await gateway.data("{ __typename }")
    assert answer.codes == ["BAD_USER_INPUT"]
    assert seen.reading("thing_group") == []
