from __future__ import annotations

from models.tables import PROFILE
from tests.cast import Cast, org_id, profile_id, refusals

FIELDS = "profile { name description payloadFormat writeMessages metadata version }"


async def test_profile_is_patched(cast: Cast) -> None:
    change = {"id": profile_id(cast.profile), "payloadFormat": "BINARY", "metadata": {"a": 1}, "expectedVersion": 1}
    first = await cast.change("editor", "updateProfile", change, FIELDS)
    expected = {"name": "Standard", "description": "", "writeMessages": True}
    assert first["profile"] == {**expected, "payloadFormat": "BINARY", "metadata": {"a": 1}, "version": 2}
    cleared = {"id": profile_id(cast.profile), "payloadFormat": None, "metadata": None}
    second = await cast.change("editor", "updateProfile", cleared, FIELDS)
    assert second["profile"] == {**expected, "payloadFormat": "JSON", "metadata": {}, "version": 3}


async def test_refused_changes_change_nothing(cast: Cast) -> None:
    await cast.change("editor", "createProfile", {"organizationId": org_id(cast.acme), "name": "Taken"})
    change = {"id": profile_id(cast.profile), "name": "New"}
    await cast.refused("updateProfile", change, refusals(viewer="FORBIDDEN"))
    assert await cast.error("editor", "updateProfile", {**change, "name": "Taken"}) == ("CONFLICT", ["name"])
    stale = {**change, "expectedVersion": 2}
    assert await cast.error("editor", "updateProfile", stale) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "updateProfile", {**change, "name": None}) == ("INVALID_INPUT", ["name"])
    assert await cast.value(PROFILE.c.name, PROFILE.c.id == cast.profile) == "Standard"
