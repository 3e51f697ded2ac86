from __future__ import annotations

from models.tables import PROFILE, THING
from tests.cast import Cast, org_id, profile_id, refusals


async def test_profile_without_things_is_deleted(cast: Cast) -> None:
    new = {"organizationId": org_id(cast.acme), "name": "Unused"}
    made = (await cast.change("editor", "createProfile", new, "profile { id }"))["profile"]["id"]
    await cast.refused("deleteProfile", {"id": made}, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    stale = {"id": made, "expectedVersion": 2}
    assert await cast.error("admin", "deleteProfile", stale) == ("CONFLICT", ["expectedVersion"])
    assert await cast.count(PROFILE) == 2
    assert await cast.change("admin", "deleteProfile", {"id": made}, "deletedId") == {"deletedId": made}
    assert await cast.count(PROFILE) == 1


async def test_profile_in_use_stays(cast: Cast) -> None:
    (error,) = await cast.errors("owner", "deleteProfile", {"id": profile_id(cast.profile)})
    assert error == {"code": "CONFLICT", "message": "1 thing uses this profile", "path": ["id"]}
    assert await cast.value(THING.c.profile_id, THING.c.id == cast.thing) == cast.profile
