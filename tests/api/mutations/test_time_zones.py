"""Time zones of things and organizations, and the keys that boot loaders know: what is taken, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from models.tables import ORGANIZATION, THING
from tests.api.mutations.thing_facts import seen
from tests.cast import Cast, org_id, thing_id

DIGESTS = ["0" * 64, "ab" * 32]


async def test_things_have_a_zone_and_boot_keys_from_the_start(cast: Cast) -> None:
    thing = {"name": "a", "type": "DEVICE", "timeZone": "Europe/Berlin", "bootKeyDigests": [*DIGESTS, "AB" * 32]}
    given = {"organizationId": org_id(cast.acme), "things": [thing, {"name": "b", "type": "DEVICE"}]}
    made = (await cast.change("editor", "createThings", given, "things { timeZone bootKeyDigests }"))["things"]
    assert made == [
        {"timeZone": "Europe/Berlin", "bootKeyDigests": DIGESTS},
        {"timeZone": None, "bootKeyDigests": []},
    ]


async def test_they_are_changed_and_cleared(cast: Cast) -> None:
    fields = "timeZone bootKeyDigests"

    async def patch(**change: Any) -> dict[str, Any]:
        await cast.change("editor", "updateThings", {"things": [{"id": thing_id(cast.thing), **change}]})
        return dict(await seen(cast, cast.thing, fields))

    assert await patch(timeZone="Asia/Tokyo") == {"timeZone": "Asia/Tokyo", "bootKeyDigests": []}
    assert await patch(bootKeyDigests=DIGESTS) == {"timeZone": "Asia/Tokyo", "bootKeyDigests": DIGESTS}
    assert await patch(name="Pump 2") == {"timeZone": "Asia/Tokyo", "bootKeyDigests": DIGESTS}
    assert await patch(timeZone=None, bootKeyDigests=None) == {"timeZone": None, "bootKeyDigests": []}


@pytest.mark.parametrize("zone", ["", "Berlin", "+02:00", "europe/berlin", "../../etc/passwd", "x" * 100, "posix/UTC"])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_no_other_zone_is_taken(cast: Cast, zone: str) -> None:
    patch = {"things": [{"id": thing_id(cast.thing), "timeZone": zone}]}
    assert await cast.error("editor", "updateThings", patch) == ("INVALID_INPUT", ["things", "0", "timeZone"])
    new = {"organizationId": org_id(cast.acme), "things": [{"name": "a", "type": "DEVICE", "timeZone": zone}]}
    assert await cast.error("editor", "createThings", new) == ("INVALID_INPUT", ["things", "0", "timeZone"])
    changed = {"id": org_id(cast.acme), "timeZone": zone}
    assert await cast.error("owner", "updateOrganization", changed) == ("INVALID_INPUT", ["timeZone"])
    assert await cast.value(ORGANIZATION.c.time_zone, ORGANIZATION.c.id == cast.acme) == "UTC"
    assert await cast.value(THING.c.time_zone) is None


@pytest.mark.parametrize(
    ("digests", "path"),
    [(["0" * 63], ["0"]), ([DIGESTS[0], "g" * 64], ["1"]), ([""], ["0"]), (["0" * 65], ["0"]), (DIGESTS * 11, [])],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_digest_is_one_of_sha256(cast: Cast, digests: list[str], path: list[str]) -> None:
    patch = {"things": [{"id": thing_id(cast.thing), "bootKeyDigests": digests}]}
    expected = ("INVALID_INPUT", ["things", "0", "bootKeyDigests", *path])
    assert await cast.error("editor", "updateThings", patch) == expected
    assert await cast.value(THING.c.boot_key_digests) == []


async def test_organizations_have_a_zone(cast: Cast) -> None:
    given = {"name": "South", "parentId": org_id(cast.acme), "timeZone": "America/Lima"}
    select = "organization { id timeZone }"
    made = (await cast.change("owner", "createOrganization", given, select))["organization"]
    assert made["timeZone"] == "America/Lima"
    changed = {"id": made["id"], "timeZone": "Europe/Paris"}
    assert (await cast.change("owner", "updateOrganization", changed, select))["organization"][
        "timeZone"
    ] == "Europe/Paris"
    cleared = {"id": made["id"], "timeZone": None}
    assert await cast.error("owner", "updateOrganization", cleared) == ("INVALID_INPUT", ["timeZone"])
