from __future__ import annotations

from models.tables import GROUP
from tests.cast import Cast, group_id, org_id, refusals

FIELDS = "group { name description metadata version }"


async def test_group_is_patched(cast: Cast) -> None:
    change = {"id": group_id(cast.group), "description": "Where the pumps are", "metadata": {"a": 1}}
    first = await cast.change("editor", "updateGroup", {**change, "expectedVersion": 1}, FIELDS)
    assert first["group"] == {
        "name": "Hall",
        "description": "Where the pumps are",
        "metadata": {"a": 1},
        "version": 2,
    }
    second = await cast.change(
        "editor", "updateGroup", {"id": change["id"], "name": "Hall 1", "metadata": None}, FIELDS
    )
    assert second["group"] == {**first["group"], "name": "Hall 1", "metadata": {}, "version": 3}


async def test_refused_changes_change_nothing(cast: Cast) -> None:
    await cast.change("editor", "createGroup", {"organizationId": org_id(cast.acme), "name": "Taken"})
    change = {"id": group_id(cast.group), "name": "New"}
    await cast.refused("updateGroup", change, refusals(viewer="FORBIDDEN"))
    assert await cast.error("editor", "updateGroup", {**change, "name": "Taken"}) == ("CONFLICT", ["name"])
    stale = {**change, "expectedVersion": 2}
    assert await cast.error("editor", "updateGroup", stale) == ("CONFLICT", ["expectedVersion"])
    assert await cast.error("editor", "updateGroup", {"id": org_id(cast.acme), "name": "New"}) == (
        "INVALID_INPUT",
        ["id"],
    )
    assert await cast.value(GROUP.c.name, GROUP.c.id == cast.group) == "Hall"
