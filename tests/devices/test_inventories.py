"""What devices say of themselves, as attributes."""

from __future__ import annotations

from typing import Any

import pytest

from models.enums import AttributeScope, EventKind
from models.tables import EVENT, THING_ATTRIBUTE
from tests.cast import Cast
from tests.devices.by_hand import ATTRIBUTES, Device, told


async def test_an_inventory_becomes_attributes(device: Device, cast: Cast) -> None:
    first = [
        {"name": "device_type", "value": "pump-2"},
        {"name": "artifact_name", "value": "0.9"},
        {"name": "mac", "value": ["aa", "bb"]},
        {"name": "load", "value": 0.5, "description": "of a minute"},
    ]
    answer = await device.send("PUT", ATTRIBUTES, first)
    assert (answer.status, answer.body) == (200, b"")
    assert await device.inventory() == {
        "device_type": "pump-2",
        "artifact_name": "0.9",
        "mac": ["aa", "bb"],
        "load": 0.5,
    }
    assert (await device.send("PATCH", ATTRIBUTES, [{"name": "load", "value": "high"}])).status == 200
    assert await device.inventory() == {
        "device_type": "pump-2",
        "artifact_name": "0.9",
        "mac": ["aa", "bb"],
        "load": "high",
    }
    assert (await device.send("PUT", ATTRIBUTES, [{"name": "ram", "value": 17}])).status == 200
    assert await device.inventory() == {"device_type": "pump-2", "artifact_name": "0.9", "ram": 17}
    kinds = [row.kind for row in await cast.rows(EVENT.select().where(EVENT.c.thing_id == cast.thing))]
    assert kinds == [EventKind.THING_UPDATED] * 3
    assert (await device.send("PUT", ATTRIBUTES, [{"name": "ram", "value": 17}])).status == 200
    assert await cast.count(EVENT, EVENT.c.thing_id == cast.thing) == 3


async def test_other_scopes_are_not_the_devices(device: Device, cast: Cast) -> None:
    mine = [{"scope": "TAGS", "name": "ram", "value": "by hand"}]
    patch = {"id": f"thing_{cast.thing.hex}", "attributes": mine}
    await cast.change("editor", "updateThings", {"things": [patch]}, "things { id }")
    given = [{"name": "ram", "value": 17, "scope": "TAGS"}]
    assert (await device.send("PUT", ATTRIBUTES, given)).status == 200
    rows = await cast.rows(THING_ATTRIBUTE.select().where(THING_ATTRIBUTE.c.thing_id == cast.thing))
    assert {(row.scope, row.value) for row in rows} == {
        (AttributeScope.TAGS, "by hand"),
        (AttributeScope.INVENTORY, 17),
    }


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        "text",
        [1],
        [{"name": "a"}],
        [{"value": "a"}],
        [{"name": "", "value": "a"}],
        [{"name": "a", "value": None}],
        [{"name": "a", "value": True}],
        [{"name": "a", "value": {"b": 1}}],
        [{"name": "a", "value": [1, "b"]}],
        [{"name": "a", "value": 1}, {"name": "a", "value": 2}],
        [{"name": f"a{number}", "value": 1} for number in range(1001)],
    ],
)
async def test_inventories_that_are_refused(device: Device, content: Any) -> None:
    assert (await device.send("PUT", ATTRIBUTES, [{"name": "ram", "value": 17}])).status == 200
    for method in ("PUT", "PATCH"):
        assert told(await device.send(method, ATTRIBUTES, content)) == 400
    assert await device.inventory() == {"ram": 17}


async def test_filters_see_an_inventory_at_once(device: Device, cast: Cast) -> None:
    """mender.state.report-attributes: stored under the scope INVENTORY, with the moment of the upload."""
    query = "query ($filter: ThingFilter!) { things(filter: $filter) { nodes { name attributes { updatedAt } } } }"
    wanted = {"filter": {"attribute": {"scope": "INVENTORY", "name": "ram", "number": {"gte": 16}}}}
    moments = []
    for value in (8, 17, 17):
        assert (await device.send("PATCH", ATTRIBUTES, [{"name": "ram", "value": value}])).status == 200
        nodes = (await cast.data("viewer", query, wanted))["things"]["nodes"]
        assert [node["name"] for node in nodes] == (["Pump"] if value > 8 else [])
        moments += [attribute["updatedAt"] for node in nodes for attribute in node["attributes"]]
    assert len(moments) == 2
    assert moments[0] < moments[1]
