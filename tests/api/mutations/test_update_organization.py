from __future__ import annotations

from models.tables import ORGANIZATION
from tests.cast import Cast, org_id, refusals

FIELDS = "organization { name description email address metadata thingLimit version }"


async def test_what_is_left_out_stays_and_null_clears(cast: Cast) -> None:
    named = {"id": org_id(cast.acme)}
    full = {"description": "Pumps", "email": "office@example.com", "address": {"city": "Berlin"}, "metadata": {"a": 1}}
    changed = await cast.change("admin", "updateOrganization", {**named, **full, "expectedVersion": 1}, FIELDS)
    assert changed["organization"] == {**full, "name": "Acme", "thingLimit": None, "version": 2}
    cleared = {"description": None, "email": None, "address": None, "name": "Acme Inc."}
    patched = await cast.change("admin", "updateOrganization", {**named, **cleared}, FIELDS)
    assert patched["organization"] == {
        "name": "Acme Inc.",
        "description": "",
        "email": None,
        "address": {},
        "metadata": {"a": 1},
        "thingLimit": None,
        "version": 3,
    }


async def test_refused_changes_change_nothing(cast: Cast) -> None:
    named = {"id": org_id(cast.acme)}
    await cast.refused(
        "updateOrganization", {**named, "name": "Taken"}, refusals(viewer="FORBIDDEN", editor="FORBIDDEN")
    )
    for change, error in (
        ({"name": "Taken", "expectedVersion": 4}, ("CONFLICT", ["expectedVersion"])),
        ({"name": "Taken", "email": "nobody"}, ("INVALID_INPUT", ["email"])),
        ({"name": None}, ("INVALID_INPUT", ["name"])),
        ({"name": "Taken", "thingLimit": 9}, ("FORBIDDEN", ["thingLimit"])),
    ):
        assert await cast.error("owner", "updateOrganization", {**named, **change}) == error
    assert await cast.value(ORGANIZATION.c.name, ORGANIZATION.c.id == cast.acme) == "Acme"
    assert await cast.value(ORGANIZATION.c.version, ORGANIZATION.c.id == cast.acme) == 1


async def test_limit_is_set_from_above(cast: Cast) -> None:
    below = {"id": org_id(cast.north), "thingLimit": 9}
    assert (await cast.change("admin", "updateOrganization", below, FIELDS))["organization"]["thingLimit"] == 9
    root = {"id": org_id(cast.acme), "thingLimit": 90}
    assert (await cast.change("platform", "updateOrganization", root, FIELDS))["organization"]["thingLimit"] == 90
    wrong = {"id": org_id(cast.north), "thingLimit": -1}
    assert await cast.error("admin", "updateOrganization", wrong) == ("INVALID_INPUT", ["thingLimit"])
