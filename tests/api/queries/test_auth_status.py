"""Things by what their auth sets come to: lists, filters, counts, and who may look."""

from __future__ import annotations

from typing import Any

import pytest

from models.enums import AuthSetStatus, ThingAuthStatus
from models.ids import new_id
from services.auth_sets import derive
from tests.cast import Cast, org_id, thing_id
from tests.key_pairs import Device, add_tenant, pem_of
from tests.rows import key

THINGS = "query Things($filter: ThingFilter) { things(filter: $filter) { nodes { id authStatus } } }"
MEMBERS = (
    "id identity authStatus createdAt updatedAt decommissionedAt authSets { id publicKey identity status updatedAt }"
)


@pytest.fixture
async def fleet(cast: Cast) -> dict[str, Device]:
    """A thing of each status but NOAUTH, which the pump has, by the status; in the order of their creation."""
    await add_tenant(cast)
    made = {status.value: Device(cast, {"mac": status.value}) for status in ThingAuthStatus if status != "NOAUTH"}
    for status, device in made.items():
        if status == "PREAUTHORIZED":
            given = {"organizationId": org_id(cast.acme), "identity": device.identity, "publicKey": pem_of(device.key)}
            await cast.change("editor", "preauthorizeThing", given)
            continue
        assert await device.is_refused()
        if status in {"ACCEPTED", "REJECTED"}:
            name = {"ACCEPTED": "acceptAuthSet", "REJECTED": "rejectAuthSet"}[status]
            await cast.change("editor", name, {"id": await device.auth_set()})
    return made


def test_the_status_is_that_of_the_strongest_set() -> None:
    """All combinations: ACCEPTED before PREAUTHORIZED before PENDING before REJECTED, and NOAUTH without any."""
    order = ["ACCEPTED", "PREAUTHORIZED", "PENDING", "REJECTED"]
    for bits in range(16):
        given = [AuthSetStatus(word) for place, word in enumerate(order) if bits >> place & 1]
        expected = given[0].value if given else "NOAUTH"
        assert derive(list(reversed(given))) == expected


async def test_lists_are_filtered_by_status(cast: Cast, fleet: dict[str, Device]) -> None:
    by_status = {status: [await device.thing()] for status, device in fleet.items()}
    by_status["NOAUTH"] = [thing_id(cast.thing)]
    for status, things in by_status.items():
        found = await cast.data("viewer", THINGS, {"filter": {"authStatus": [status]}})
        assert [each["id"] for each in found["things"]["nodes"]] == things
        attribute = {"scope": "SYSTEM", "name": "auth_status", "text": {"eq": status}}
        mirrored = await cast.data("viewer", THINGS, {"filter": {"attribute": attribute}})
        assert [each["id"] for each in mirrored["things"]["nodes"]] == ([] if status == "NOAUTH" else things)
    both = await cast.data("viewer", THINGS, {"filter": {"authStatus": ["PENDING", "ACCEPTED"]}})
    assert {each["authStatus"] for each in both["things"]["nodes"]} == {"PENDING", "ACCEPTED"}
    everything = (await cast.data("viewer", THINGS))["things"]["nodes"]
    assert [each["id"] for each in everything] == [
        thing_id(cast.thing),
        *[await each.thing() for each in fleet.values()],
    ]
    answer = await cast.gateway.graphql(THINGS, {"filter": {"authStatus": ["GONE"]}}, token=await cast.token("viewer"))
    assert answer.errors


async def test_pages_hold_things_with_their_sets(cast: Cast, fleet: dict[str, Device]) -> None:
    page = f"things(first: 2, after: $after) {{ nodes {{ {MEMBERS} }} pageInfo {{ endCursor }} }}"
    query = f"query P($after: String) {{ {page} }}"
    first = (await cast.data("viewer", query))["things"]
    second = (await cast.data("viewer", query, {"after": first["pageInfo"]["endCursor"]}))["things"]
    (_, accepted), (preauthorized, pending) = first["nodes"], second["nodes"]
    assert first["nodes"][0]["authSets"] == []
    for node, status in ((accepted, "ACCEPTED"), (preauthorized, "PREAUTHORIZED"), (pending, "PENDING")):
        device = fleet[status]
        (auth_set,) = node["authSets"]
        assert (node["id"], node["authStatus"], node["identity"]) == (await device.thing(), status, device.identity)
        assert (node["decommissionedAt"], auth_set["status"]) == (None, status)
        assert (auth_set["publicKey"], auth_set["id"]) == (pem_of(device.key), await device.auth_set())
        assert node["createdAt"] <= node["updatedAt"]


async def test_things_by_their_ids_and_status(cast: Cast, fleet: dict[str, Device]) -> None:
    """Ids that are unknown, or of another organization, are not in the answer."""
    (foreign,) = await cast.add_things(1, organization=cast.other)
    mine = [await fleet[status].thing() for status in ("REJECTED", "ACCEPTED")]
    wanted = [*mine, thing_id(foreign), thing_id(new_id())]
    found = (await cast.data("viewer", THINGS, {"filter": {"ids": wanted}}))["things"]["nodes"]
    assert {each["id"] for each in found} == set(mine)
    both = {"ids": wanted, "authStatus": ["REJECTED", "PENDING"]}
    found = (await cast.data("viewer", THINGS, {"filter": both}))["things"]["nodes"]
    assert [each["id"] for each in found] == mine[:1]


async def test_counts_need_no_list(cast: Cast, fleet: dict[str, Device]) -> None:
    await cast.add_things(3, organization=cast.other)
    query = (
        "query Count($filter: ThingFilter) { thingStats(filter: $filter, groupBy: AUTH_STATUS) "
        "{ total buckets { key count } } }"
    )
    stats = (await cast.data("viewer", query))["thingStats"]
    assert stats["total"] == 5
    assert sorted((each["key"], each["count"]) for each in stats["buckets"]) == sorted(
        (status.value, 1) for status in ThingAuthStatus
    )
    for status in ThingAuthStatus:
        counted = (await cast.data("viewer", query, {"filter": {"authStatus": [status.value]}}))["thingStats"]
        assert counted == {"total": 1, "buckets": [{"key": status.value, "count": 1}]}
    answer = await cast.gateway.graphql(query, {"filter": {"authStatus": ["X"]}}, token=await cast.token("viewer"))
    assert answer.errors


async def test_one_thing_and_one_set(cast: Cast, fleet: dict[str, Device]) -> None:
    device = fleet["ACCEPTED"]
    one = f"query One($id: ID!) {{ thing(id: $id) {{ {MEMBERS} }} }}"
    thing = (await cast.data("viewer", one, {"id": await device.thing()}))["thing"]
    assert (thing["authStatus"], len(thing["authSets"])) == ("ACCEPTED", 1)
    of_set = "query Set($id: ID!) { authSet(id: $id) { status thing { id } organization { id } } }"
    for status, each in fleet.items():
        found = (await cast.data("viewer", of_set, {"id": await each.auth_set()}))["authSet"]
        expected: dict[str, Any] = {"thing": {"id": await each.thing()}, "organization": {"id": org_id(cast.acme)}}
        assert found == {"status": status, **expected}
    for caller in ("outsider", "loner"):
        assert (await cast.data(caller, one, {"id": await device.thing()}))["thing"] is None
        assert (await cast.data(caller, of_set, {"id": await device.auth_set()}))["authSet"] is None
    assert (await cast.data("owner", of_set, {"id": f"authset_{new_id().hex}"}))["authSet"] is None


async def test_operators_look_into_any_organization(cast: Cast, fleet: dict[str, Device]) -> None:
    """The platform sees all; those above an organization see what is in it, and its limit with what is used."""
    inside = (
        "query In($id: ID!) { organization(id: $id) { acceptedThingLimit acceptedThingCount "
        "things { nodes { authStatus authSets { status } } } } }"
    )
    for caller in ("platform", "viewer"):
        found = (await cast.data(caller, inside, {"id": org_id(cast.acme)}))["organization"]
        assert (found["acceptedThingLimit"], found["acceptedThingCount"]) == (None, 1)
        assert len(found["things"]["nodes"]) == 5
    await cast.add_things(1, organization=cast.north)
    below = (await cast.data("viewer", inside, {"id": org_id(cast.north)}))["organization"]
    assert below["things"]["nodes"] == [{"authStatus": "NOAUTH", "authSets": []}]
    scoped = {"filter": {"organization": {"id": org_id(cast.acme)}, "authStatus": ["PENDING"]}}
    found = (await cast.data("platform", THINGS, scoped))["things"]["nodes"]
    assert [key(each["id"]) for each in found] == [key(await fleet["PENDING"].thing())]
    assert (await cast.data("outsider", inside, {"id": org_id(cast.acme)}))["organization"] is None
    await cast.change("platform", "setOrganizationLimits", {"organizationId": org_id(cast.acme), "acceptedThings": 8})
    limited = (await cast.data("viewer", inside, {"id": org_id(cast.acme)}))["organization"]
    assert (limited["acceptedThingLimit"], limited["acceptedThingCount"]) == (8, 1)


async def test_nobody_writes_the_mirror_but_the_gateway(cast: Cast, fleet: dict[str, Device]) -> None:
    """Not by name, and not with all attributes at once: filters by the status and by the attribute agree."""
    thing = await fleet["PENDING"].thing()
    for name in ("auth_status", " auth_status "):
        for value in ("ACCEPTED", None):
            given = [{"scope": "SYSTEM", "name": name, "value": value}]
            patch = {"things": [{"id": thing, "attributes": given}]}
            path = ["things", "0", "attributes", "0", "name"]
            assert await cast.error("owner", "updateThings", patch) == ("INVALID_INPUT", path)
            new = {
                "organizationId": org_id(cast.acme),
                "things": [{"name": "a", "type": "DEVICE", "attributes": given}],
            }
            assert await cast.error("owner", "createThings", new) == ("INVALID_INPUT", path)
    await cast.change("owner", "updateThings", {"things": [{"id": thing, "attributes": None}]})
    attributes = "query A($id: ID!) { thing(id: $id) { attributes { scope name value } } }"
    assert (await cast.data("viewer", attributes, {"id": thing}))["thing"] == {
        "attributes": [{"scope": "SYSTEM", "name": "auth_status", "value": "PENDING"}]
    }
