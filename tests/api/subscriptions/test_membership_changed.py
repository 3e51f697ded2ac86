"""`membershipChanged`: members come, get another role and go, and learn of it themselves."""

from __future__ import annotations

from typing import Any

from tests.cast import Cast, org_id, user_id
from tests.client import Subscription

WATCH = """
subscription ($scope: EventScopeInput) {
  membershipChanged(scope: $scope) {
    kind change role previousRole userId organizationId user { name } organization { name }
  }
}
"""


OUTSIDER = {"email": "outsider@example.com", "role": "VIEWER"}


async def event(events: Subscription) -> dict[str, Any]:
    received: dict[str, Any] = (await events.next())["membershipChanged"]
    return received


async def test_a_membership_from_its_start_to_its_end(cast: Cast) -> None:
    loner, acme = user_id(cast.people["loner"]), org_id(cast.acme)
    named = {"kind": "MEMBERSHIP_CHANGED", "userId": loner, "organizationId": acme}
    async with (
        cast.gateway.subscribe(WATCH, token=await cast.token("viewer")) as members,
        cast.gateway.subscribe(WATCH, token=await cast.token("loner")) as themselves,
        cast.gateway.subscribe(WATCH, token=await cast.token("outsider")) as others,
    ):
        added = [{"email": "loner@example.com", "role": "VIEWER"}]
        await cast.change("owner", "addMembers", {"organizationId": acme, "members": added})
        inside = {"user": {"name": "Loner"}, "organization": {"name": "Acme"}}
        first = {**named, "change": "ADDED", "role": "VIEWER", "previousRole": None, **inside}
        assert await event(members) == await event(themselves) == first
        changed = [{"userId": loner, "role": "EDITOR"}]
        await cast.change("owner", "updateMembers", {"organizationId": acme, "members": changed})
        second = {**named, "change": "UPDATED", "role": "EDITOR", "previousRole": "VIEWER", **inside}
        assert await event(members) == await event(themselves) == second
        await cast.change("owner", "removeMembers", {"organizationId": acme, "userIds": [loner]})
        ended = {**named, "change": "REMOVED", "role": "EDITOR", "previousRole": None}
        # Those who stay do not see who has gone, and who has gone does not see where.
        assert await event(members) == {**ended, "user": None, "organization": {"name": "Acme"}}
        assert await event(themselves) == {**ended, "user": {"name": "Loner"}, "organization": None}
        # What follows is not theirs any more; and nothing of it was ever anybody else's.
        await cast.change("owner", "addMembers", {"organizationId": acme, "members": [OUTSIDER]})
        assert (await event(members))["userId"] == user_id(cast.people["outsider"])
        assert (await event(others))["change"] == "ADDED"


async def test_the_end_of_an_organization_is_told_to_its_members_and_to_those_above(cast: Cast) -> None:
    northerner = await cast.add_person("northerner")
    members = [{"email": "northerner@example.com", "role": "EDITOR"}]
    await cast.change("owner", "addMembers", {"organizationId": org_id(cast.north), "members": members})
    above = {"scope": {"organizationId": org_id(cast.acme)}}
    inside = {"scope": {"organizationId": org_id(cast.north)}}
    async with (
        cast.gateway.subscribe(WATCH, above, token=await cast.token("viewer")) as upper,
        cast.gateway.subscribe(WATCH, inside, token=await cast.token("viewer")) as lower,
        cast.gateway.subscribe(WATCH, token=await cast.token("northerner")) as themselves,
    ):
        await cast.change("owner", "deleteOrganization", {"id": org_id(cast.north), "cascade": True})
        for events in (upper, lower, themselves):
            received = await event(events)
            assert (received["change"], received["role"]) == ("REMOVED", "EDITOR")
            assert received["userId"] == user_id(northerner)
            assert received["organizationId"] == org_id(cast.north)
            assert received["organization"] is None
