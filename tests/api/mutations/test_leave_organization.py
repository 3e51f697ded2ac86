from __future__ import annotations

from models.tables import MEMBERSHIP
from tests.cast import Cast, org_id


async def test_members_leave_by_themselves(cast: Cast) -> None:
    payload = await cast.change("viewer", "leaveOrganization", {"organizationId": org_id(cast.acme)}, "removedId")
    assert payload["removedId"].startswith("membership_")
    assert await cast.count(MEMBERSHIP, MEMBERSHIP.c.user_id == cast.people["viewer"]) == 0
    seen = await cast.data("viewer", "{ organizations { nodes { name } } }")
    assert seen == {"organizations": {"nodes": []}}


async def test_those_who_cannot_leave(cast: Cast) -> None:
    before = await cast.count(MEMBERSHIP)
    here = {"organizationId": org_id(cast.acme)}
    codes = {"owner": "CONFLICT", "loner": "NOT_FOUND", "outsider": "NOT_FOUND", "platform": "NOT_FOUND"}
    await cast.refused("leaveOrganization", here, codes | {"thing": "FORBIDDEN", "anonymous": "UNAUTHENTICATED"})
    # A role from above cannot be left from below.
    await cast.refused("leaveOrganization", {"organizationId": org_id(cast.north)}, {"viewer": "NOT_FOUND"})
    assert await cast.count(MEMBERSHIP) == before
