"""What one operation loads: for itself alone, anew after each write, and never without bound."""

from __future__ import annotations

from typing import Any

from tests.fleets import Fleet
from tests.gateways import Gateway, StartGateway
from tests.rows import add_campaign, add_groups, add_organization, store_of

CHANGE = "updateThings(input: {things: [{id: $id, name: $%s}]}) { things { name version state { version } } }"
REPORT = "reportThingState(input: {thingId: $id, reported: {a: %d}}) { state { version reported thing { name } } }"


async def test_what_a_mutation_changes_is_read_anew_by_the_next(gateway: Gateway, fleet: Fleet) -> None:
    document = f"""
    mutation ($id: ID!, $one: String!, $two: String!) {{
      a: {CHANGE % "one"} b: {REPORT % 1} c: {CHANGE % "two"} d: {REPORT % 2}
    }}
    """
    variables = {"id": fleet.alder.pump.id, "one": "first", "two": "second"}
    data = await gateway.data(document, variables, token=fleet.alder.editor.token)
    assert data == {
        "a": {"things": [{"name": "first", "version": 2, "state": {"version": 0}}]},
        "b": {"state": {"version": 1, "reported": {"a": 1}, "thing": {"name": "first"}}},
        "c": {"things": [{"name": "second", "version": 3, "state": {"version": 1}}]},
        "d": {"state": {"version": 2, "reported": {"a": 2}, "thing": {"name": "second"}}},
    }


async def test_nothing_is_remembered_for_the_next_operation(gateway: Gateway, fleet: Fleet) -> None:
    query = "query ($id: ID!) { thing(id: $id) { name } things(filter: {ids: [$id]}) { nodes { name } totalCount } }"
    variables = {"id": fleet.alder.pump.id}
    for name in ("a", "b", "c"):
        change = {"things": [{"id": fleet.alder.pump.id, "name": name}]}
        await gateway.change("updateThings", change, select="things { id }", token=fleet.alder.editor.token)
        data = await gateway.data(query, variables, token=fleet.alder.viewer.token)
        assert data == {"thing": {"name": name}, "things": {"nodes": [{"name": name}], "totalCount": 1}}
    gone = {"ids": [fleet.alder.pump.id]}
    await gateway.change("deleteThings", gone, select="deletedIds", token=fleet.alder.owner.token)
    data = await gateway.data(query, variables, token=fleet.alder.viewer.token)
    assert data == {"thing": None, "things": {"nodes": [], "totalCount": 0}}


async def test_pages_of_pages_are_bounded(start_gateway: StartGateway, fleet: Fleet) -> None:
    """600 groups with up to 100 things each would be a level of 60,000 rows."""
    gateway = await start_gateway(max_cost=0, cost_per_minute=0)
    store, alder = store_of(gateway), fleet.alder
    for _ in range(6):
        await add_groups(store, await add_organization(store, alder.branch), 100)
    query = """
    query ($things: Int!) { organizations(first: 100) { nodes { groups(first: 100) { nodes { name
      things(first: $things) { nodes { id } } } } } } }
    """
    answer = await gateway.graphql(query, {"things": 100}, token=alder.viewer.token)
    assert set(answer.codes) == {"LIMIT_EXCEEDED"}
    assert answer.json["data"] is None
    data = await gateway.data(query, {"things": 80}, token=alder.viewer.token)
    found = [group["name"] for each in data["organizations"]["nodes"] for group in each["groups"]["nodes"]]
    assert len(found) == 603


async def test_an_edge_to_what_the_caller_cannot_see_is_null(gateway: Gateway, fleet: Fleet) -> None:
    alder, store = fleet.alder, store_of(gateway)
    campaign = await add_campaign(store, alder.organization, [alder.pump.id], created_by=fleet.administrator.id)
    query = "query ($id: ID!) { deployment(id: $id) { createdBy { email } release { name } } }"

    async def seen(token: str) -> Any:
        return (await gateway.data(query, {"id": campaign.deployment}, token=token))["deployment"]

    assert await seen(alder.viewer.token) == {"createdBy": None, "release": {"name": "campaign"}}
    known = {"email": fleet.administrator.email}
    assert await seen(fleet.administrator.token) == {"createdBy": known, "release": {"name": "campaign"}}
    assert await seen(alder.pump.token) == {"createdBy": None, "release": None}
    assert await seen(alder.probe.token) is None
    query = "query ($id: ID!) { organization(id: $id) { parent { id } } }"
    data = await gateway.data(query, {"id": alder.branch}, token=alder.branch_viewer.token)
    assert data == {"organization": {"parent": None}}
    data = await gateway.data(query, {"id": alder.branch}, token=alder.viewer.token)
    assert data == {"organization": {"parent": {"id": alder.organization}}}


async def test_fragments_aliases_and_conditions(gateway: Gateway, fleet: Fleet) -> None:
    query = """
    query ($id: ID!, $yes: Boolean!, $no: Boolean!) {
      node(id: $id) {
        __typename
        ... on Thing { title: name ...Place hidden: name @include(if: $no) shown: name @skip(if: $no) }
        ... on Group { title: name }
      }
      same: node(id: $id) @include(if: $yes) { id }
      none: node(id: $id) @skip(if: $yes) { id }
    }
    fragment Place on Thing { homeGroup { ... on Node { id } } first: groups(first: 1) { ...Names } }
    fragment Names on GroupConnection { nodes { name } edges { node { name } } }
    """
    variables = {"id": fleet.alder.pump.id, "yes": True, "no": False}
    data = await gateway.data(query, variables, token=fleet.alder.viewer.token)
    assert data == {
        "node": {
            "__typename": "Thing",
            "title": "pump",
            "homeGroup": {"id": fleet.alder.hall},
            "first": {"nodes": [{"name": "Hall"}], "edges": [{"node": {"name": "Hall"}}]},
            "shown": "pump",
        },
        "same": {"id": fleet.alder.pump.id},
    }
