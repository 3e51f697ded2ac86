from __future__ import annotations

from typing import Any

import pytest

from models.enums import Role
from models.tables import EVENT, ORGANIZATION
from tests.cast import Cast, org_id, refusals
from tests.key_pairs import Device, accepted_count, add_tenant

SELECT = "organization { acceptedThingLimit acceptedThingCount storageLimit storageUsed version }"
LIMITS = (ORGANIZATION.c.accepted_thing_limit, ORGANIZATION.c.storage_limit)


async def limits(cast: Cast, organization: Any) -> list[int | None]:
    return [await cast.value(column, ORGANIZATION.c.id == organization) for column in LIMITS]


async def test_those_above_limit_those_below(cast: Cast) -> None:
    """What is left out stays; null and 0 are no limit."""
    north = {"organizationId": org_id(cast.north)}
    payload = await cast.change(
        "admin", "setOrganizationLimits", {**north, "acceptedThings": 5, "storageBytes": 2**40}, SELECT
    )
    assert payload["organization"] == {
        "acceptedThingLimit": 5,
        "acceptedThingCount": 0,
        "storageLimit": 2**40,
        "storageUsed": 0,
        "version": 2,
    }
    steps: list[tuple[dict[str, Any], list[int | None]]] = [
        ({"acceptedThings": 7}, [7, 2**40]),
        ({"acceptedThings": None}, [None, 2**40]),
        ({"acceptedThings": 1, "storageBytes": 0}, [1, None]),
        ({"acceptedThings": 0}, [None, None]),
        ({"storageBytes": 2**53}, [None, 2**53]),
        ({"storageBytes": None}, [None, None]),
        ({}, [None, None]),
    ]
    for change, expected in steps:
        await cast.change("admin", "setOrganizationLimits", {**north, **change})
        assert await limits(cast, cast.north) == expected
    assert await cast.count(EVENT) == 0


async def test_a_limit_is_effective_at_once_and_rejects_nobody(cast: Cast) -> None:
    await add_tenant(cast)
    devices = [await Device(cast, {"mac": f"m{number}"}).accepted() for number in range(2)]
    waiting = Device(cast, {"mac": "waiting"})
    assert await waiting.is_refused()
    acme = {"organizationId": org_id(cast.acme)}
    await cast.change("platform", "setOrganizationLimits", {**acme, "acceptedThings": 1})
    for device in devices:
        assert await device.sign_in()
    assert await accepted_count(cast) == 2
    wanted = {"id": await waiting.auth_set()}
    assert await cast.error("owner", "acceptAuthSet", wanted) == ("LIMIT_REACHED", ["id"])
    await cast.change("platform", "setOrganizationLimits", {**acme, "acceptedThings": None})
    await cast.change("owner", "acceptAuthSet", wanted)
    assert await accepted_count(cast) == 3


@pytest.mark.parametrize("name", ["acceptedThings", "storageBytes"])
async def test_no_limit_is_negative(cast: Cast, name: str) -> None:
    await cast.change("platform", "setOrganizationLimits", {"organizationId": org_id(cast.north), name: 3})
    before = await limits(cast, cast.north)
    given = {"organizationId": org_id(cast.north), name: -1}
    assert await cast.error("platform", "setOrganizationLimits", given) == ("INVALID_INPUT", [name])
    assert await limits(cast, cast.north) == before


async def test_nobody_raises_a_limit_of_their_own(cast: Cast) -> None:
    """Not even the owner: who administers the organization above does, and of a root the platform."""
    acme = {"organizationId": org_id(cast.acme), "acceptedThings": 9}
    allowed = dict.fromkeys(("owner", "admin", "editor", "viewer"), "FORBIDDEN")
    await cast.refused("setOrganizationLimits", acme, refusals(**allowed))
    await cast.add_person("below", cast.north, Role.OWNER)
    north = {"organizationId": org_id(cast.north), "acceptedThings": 9}
    await cast.refused(
        "setOrganizationLimits", north, {"below": "FORBIDDEN", "editor": "FORBIDDEN", "viewer": "FORBIDDEN"}
    )
    assert [await limits(cast, each) for each in (cast.acme, cast.north)] == [[None, None], [None, None]]
    await cast.change("owner", "setOrganizationLimits", north)
    await cast.change("platform", "setOrganizationLimits", acme)
    assert [(await limits(cast, each))[0] for each in (cast.acme, cast.north)] == [9, 9]
