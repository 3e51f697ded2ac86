"""`viewer`: who is asking, where they belong, and what they may do there."""

from __future__ import annotations

from typing import Any

from models.enums import Permission, Role
from services.access import ROLE_PERMISSIONS
from tests.fleets import Fleet
from tests.gateways import Gateway

VIEWER = """
{ viewer {
  user { id email } thing { id name } isPlatformAdmin
  organizations { totalCount nodes { id } } grants { organization { id } permissions }
} }
"""


def granted(role: Role) -> list[str]:
    """The permissions of a role as the graph writes them."""
    return [each.name for each in Permission if each in ROLE_PERMISSIONS[role]]


async def view(gateway: Gateway, token: str) -> Any:
    return (await gateway.data(VIEWER, token=token))["viewer"]


async def test_members(gateway: Gateway, fleet: Fleet) -> None:
    alder = fleet.alder
    for role, person in alder.members.items():
        seen = await view(gateway, person.token)
        assert seen["user"] == {"id": person.id, "email": person.email}
        assert seen["thing"] is None
        assert seen["isPlatformAdmin"] is False
        assert seen["organizations"]["totalCount"] == 2
        assert [node["id"] for node in seen["organizations"]["nodes"]] == [alder.organization, alder.branch]
        grants = {each["organization"]["id"]: each["permissions"] for each in seen["grants"]}
        assert grants == {alder.organization: granted(Role(role)), alder.branch: granted(Role(role))}


async def test_roles_grow(gateway: Gateway, fleet: Fleet) -> None:
    """Each role may do what the one below it may, and something more."""
    seen = [
        set((await view(gateway, person.token))["grants"][0]["permissions"]) for person in fleet.alder.members.values()
    ]
    owner, admin, editor, viewer = seen
    assert viewer < editor < admin < owner
    assert all(each.endswith("_READ") for each in viewer)
    assert "USER_ADMINISTER" not in owner


async def test_a_member_of_the_branch_alone(gateway: Gateway, fleet: Fleet) -> None:
    seen = await view(gateway, fleet.alder.branch_viewer.token)
    assert seen["organizations"] == {"totalCount": 1, "nodes": [{"id": fleet.alder.branch}]}
    assert seen["grants"] == [{"organization": {"id": fleet.alder.branch}, "permissions": granted(Role.VIEWER)}]


async def test_a_stranger(gateway: Gateway, fleet: Fleet) -> None:
    seen = await view(gateway, fleet.stranger.token)
    assert seen == {
        "user": {"id": fleet.stranger.id, "email": fleet.stranger.email},
        "thing": None,
        "isPlatformAdmin": False,
        "organizations": {"totalCount": 0, "nodes": []},
        "grants": [],
    }


async def test_the_administrator(gateway: Gateway, fleet: Fleet) -> None:
    seen = await view(gateway, fleet.administrator.token)
    assert seen["isPlatformAdmin"] is True
    assert seen["organizations"]["totalCount"] == 4
    assert seen["grants"] == []


async def test_a_thing(gateway: Gateway, fleet: Fleet) -> None:
    seen = await view(gateway, fleet.alder.pump.token)
    assert seen == {
        "user": None,
        "thing": {"id": fleet.alder.pump.id, "name": "pump"},
        "isPlatformAdmin": False,
        "organizations": {"totalCount": 1, "nodes": [{"id": fleet.alder.organization}]},
        "grants": [],
    }


async def test_nobody(gateway: Gateway, fleet: Fleet) -> None:
    for token in (None, "Bearer", "Bearer x", "Thing", "Thing x", f"Thing {fleet.alder.owner.token}"):
        answer = await gateway.graphql(VIEWER, token=token)
        assert answer.codes == ["UNAUTHENTICATED"], token
        assert not answer.json.get("data") or answer.json["data"] == {"viewer": None}
    key = fleet.alder.pump.token.removeprefix("Thing ")
    assert (await gateway.graphql(VIEWER, token=f"Bearer {key}")).codes == ["UNAUTHENTICATED"]
