"""`things`, of all, of an organization, of a group and of a profile: filtered, sorted and counted alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.engine.model import Known, meets
from tests.engine.stand import Stand, make_stand
from tests.fleets import Fleet
from tests.gateways import Gateway

LIST = "things(first: 100, filter: $filter, orderBy: $order) { totalCount nodes { id } }"
EVERYWHERE = f"""
query ($filter: ThingFilter, $order: [ThingOrder!], $profile: ID!) {{
  {LIST}
  organizations {{ nodes {{ id {LIST} }} }}
  groups {{ nodes {{ id {LIST} }} }}
  profile(id: $profile) {{ id {LIST} }}
}}
"""
FILTERS: list[Mapping[str, Any] | None] = [
    None,
    {},
    {"name": {"eq": "a"}},
    {"name": {"contains": "A"}},
    {"not": {"name": {"startsWith": "a"}}},
    {"tag": {"in": ["red", "Red"]}, "connected": True},
    {"tag": {"ne": "red", "exists": True}},
    {"attribute": {"name": "size", "number": {"gte": 1}}},
    {"or": [{"type": ["SENSOR"]}, {"lifecycle": ["NEW", "RETIRED"]}]},
    {"lastSeenAt": {"exists": False}},
    {"name": {"eq": "nothing has this name"}},
]
ORDERS: list[list[tuple[str, str]]] = [
    [],
    [("LAST_SEEN_AT", "ASC"), ("CREATED_AT", "DESC")],
    [("TYPE", "ASC"), ("LIFECYCLE", "DESC"), ("UPDATED_AT", "ASC")],
]
COLUMNS = {
    "LAST_SEEN_AT": "last_seen_at",
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "TYPE": "type",
    "LIFECYCLE": "lifecycle",
}


def expected(stand: Stand, wanted: Mapping[str, Any] | None, order: Sequence[tuple[str, str]]) -> list[Known]:
    """What the model finds, in the order asked for; an absent value counts as the smallest."""
    found = sorted((thing for thing in stand.things if meets(thing, wanted)), key=lambda thing: thing.id)
    for field, direction in reversed(order):
        column = COLUMNS[field]

        def rank(thing: Known, column: str = column) -> tuple[Any, ...]:
            value = getattr(thing, column)
            return (0,) if value is None else (1, value)

        found.sort(key=rank, reverse=direction == "DESC")
    return found


async def test_every_list_of_things_is_filtered_and_sorted(gateway: Gateway, fleet: Fleet) -> None:
    stand = await make_stand(gateway, fleet)
    hall, row, yard = ({"id": group} for group in stand.groups)
    of_places: list[Mapping[str, Any]] = [
        {"group": hall},
        {"not": {"group": row}},
        {"group": {**hall, "includeSubgroups": False}, "tag": {"nin": ["red"]}},
        {"or": [{"group": yard}, {"organization": {"id": stand.organizations[1]}}]},
        {"profileIds": [stand.profile]},
    ]
    for wanted in FILTERS + of_places:
        for order in ORDERS:
            variables = {
                "filter": wanted,
                "order": [{"field": field, "direction": direction} for field, direction in order],
                "profile": stand.profile,
            }
            data = await gateway.data(EVERYWHERE, variables, token=stand.token)
            found = expected(stand, wanted, order)
            holds(data, [thing.id for thing in found])
            for node in data["organizations"]["nodes"]:
                holds(node, [thing.id for thing in found if thing.organization == node["id"]])
            for node in data["groups"]["nodes"]:
                holds(node, [thing.id for thing in found if node["id"] in thing.groups])
            holds(data["profile"], [thing.id for thing in found if thing.profile == stand.profile])
            assert len(data["organizations"]["nodes"]) == len(data["groups"]["nodes"]) == 3


def holds(parent: Any, ids: list[str]) -> None:
    assert [node["id"] for node in parent["things"]["nodes"]] == ids
    assert parent["things"]["totalCount"] == len(ids)


async def test_orders_that_cannot_be(gateway: Gateway, fleet: Fleet) -> None:
    query = "query ($order: [ThingOrder!]) { things(orderBy: $order) { nodes { id } } }"
    wrong: list[Any] = [
        [{"field": "NAME"}, {"field": "NAME", "direction": "DESC"}],
        [{"field": field} for field in ("NAME", "TYPE", "LIFECYCLE", "CREATED_AT", "UPDATED_AT")],
        [{"field": "COLOUR"}],
        [{"field": "name"}],
        [{"direction": "ASC"}],
        [{"field": "NAME", "direction": "SIDEWAYS"}],
        [None],
        "NAME",
    ]
    for order in wrong:
        answer = await gateway.graphql(query, {"order": order}, token=fleet.alder.viewer.token)
        assert answer.codes == ["BAD_USER_INPUT"], order
    for order in ([], None, {"field": "NAME"}):
        answer = await gateway.graphql(query, {"order": order}, token=fleet.alder.viewer.token)
        assert len(answer.data["things"]["nodes"]) == 4


async def test_filters_over_what_the_api_has_written(gateway: Gateway, fleet: Fleet) -> None:
    """The stand is written straight into the database; here the filters meet rows that mutations wrote."""
    alder = fleet.alder
    attributes = [{"name": "firmware", "value": "1.2"}, {"scope": "TAGS", "name": "floor", "value": 3}]
    change = {"things": [{"id": alder.meter.id, "tags": ["Cold", "cold"], "attributes": attributes}]}
    await gateway.change("updateThings", change, select="things { id }", token=alder.editor.token)
    await gateway.change(
        "reportThingState", {"reported": {"a": 1}}, select="state { version }", token=alder.probe.token
    )
    query = "query ($filter: ThingFilter) { things(filter: $filter) { nodes { name } } }"
    cases: list[tuple[Mapping[str, Any], list[str]]] = [
        ({"tag": {"eq": "cold"}}, ["probe", "meter"]),
        ({"tag": {"eq": "Cold"}}, ["meter"]),
        ({"tag": {"exists": False}}, ["relay"]),
        ({"attribute": {"name": "firmware", "text": {"startsWith": "1."}}}, ["meter"]),
        ({"attribute": {"scope": "TAGS", "name": "floor", "number": {"gt": 2.5}}}, ["meter"]),
        ({"attribute": {"name": "floor"}}, []),
        ({"connected": True}, ["probe"]),
        ({"lastSeenAt": {"gt": "2020-01-01T00:00:00Z"}}, ["probe"]),
        ({"group": {"id": alder.hall}}, ["pump", "probe"]),
        ({"group": {"id": alder.hall, "includeSubgroups": False}}, ["pump"]),
        ({"group": {"id": alder.yard}}, []),
        ({"organization": {"id": alder.organization}}, ["pump", "probe", "meter", "relay"]),
        ({"organization": {"id": alder.organization, "includeDescendants": False}}, ["pump", "probe", "meter"]),
        ({"organization": {"id": alder.branch}}, ["relay"]),
        ({"profileIds": [alder.profile]}, ["pump"]),
        ({"externalId": {"eq": "meter-1"}}, ["meter"]),
        ({"search": "METER"}, ["meter"]),
        ({"type": ["SENSOR", "ACTUATOR"]}, ["pump", "probe", "meter"]),
        ({"lifecycle": ["NEW"]}, ["pump", "probe", "meter", "relay"]),
        ({"ids": [alder.pump.id, fleet.birch.pump.id]}, ["pump"]),
        ({"group": {"id": fleet.birch.hall}}, []),
        ({"organization": {"id": fleet.birch.organization}}, []),
        ({"profileIds": [fleet.birch.profile]}, []),
    ]
    for wanted, names in cases:
        data = await gateway.data(query, {"filter": wanted}, token=alder.viewer.token)
        assert [node["name"] for node in data["things"]["nodes"]] == names, wanted
