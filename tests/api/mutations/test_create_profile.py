from __future__ import annotations

from models.tables import PROFILE
from tests.cast import Cast, org_id, refusals

FIELDS = "profile { name description payloadFormat writeMessages metadata version organization { name } }"


async def test_editor_creates_a_profile(cast: Cast) -> None:
    new = {"name": "Fast", "payloadFormat": "SENML_JSON", "writeMessages": False, "metadata": {"a": 1}}
    created = await cast.change("editor", "createProfile", {"organizationId": org_id(cast.acme), **new}, FIELDS)
    assert created["profile"] == {**new, "description": "", "version": 1, "organization": {"name": "Acme"}}
    # The same name is free in another organization.
    await cast.change("editor", "createProfile", {"organizationId": org_id(cast.north), "name": "Fast"})


async def test_refused_profiles_are_not_there(cast: Cast) -> None:
    new = {"organizationId": org_id(cast.acme), "name": "Fast"}
    await cast.refused("createProfile", new, refusals(viewer="FORBIDDEN"))
    for change, error in (
        ({"name": "Standard"}, ("CONFLICT", ["name"])),
        ({"name": ""}, ("INVALID_INPUT", ["name"])),
        ({"metadata": 5}, ("INVALID_INPUT", ["metadata"])),
        ({"organizationId": org_id(cast.other)}, ("NOT_FOUND", ["organizationId"])),
    ):
        assert await cast.error("editor", "createProfile", {**new, **change}) == error
    assert await cast.count(PROFILE) == 1
