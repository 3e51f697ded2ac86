"""Asking for the next update: every form of the question, and every answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway import PARTS
from models.columns import now
from models.tables import OTA_EXECUTION, THING
from services.tokens import Audience
from tests.cast import Cast
from tests.devices.by_hand import ATTRIBUTES, NEXT, NEXT_V2, PROVIDES, V1, Device, told
from tests.gateways import StartGateway
from tests.ota import FILE, assert_counts, deploy, upload


async def test_nothing_waits_in_all_three_forms(device: Device) -> None:
    for _ in range(2):
        assert (await device.ask()).status == 204
    assert (await device.send("POST", NEXT, PROVIDES)).status == 204
    answer = await device.send("GET", f"{NEXT}?device_type=pump-2&artifact_name=0.9")
    assert (answer.status, answer.body) == (204, b"")


async def test_the_same_instruction_in_all_three_forms(device: Device, cast: Cast) -> None:
    await deploy(cast)
    forms = [
        await device.ask(),
        await device.send("POST", NEXT, PROVIDES),
        await device.send("GET", f"{NEXT}?device_type=pump-2&artifact_name=0.9"),
        await device.ask(),
    ]
    contents = [answer.json for answer in forms]
    assert {content["id"] for content in contents} == {str(await cast.value(OTA_EXECUTION.c.id))}
    for content in contents:
        artifact = content["artifact"]
        assert artifact["artifact_name"] == "1.0"
        assert artifact["device_types_compatible"] == ["pump-2"]
        moment = datetime.fromisoformat(artifact["source"]["expire"])
        assert artifact["source"]["expire"].endswith("Z")
        assert datetime.now(UTC) < moment <= datetime.now(UTC) + timedelta(minutes=16)
        file = await cast.gateway.request("GET", artifact["source"]["uri"])
        assert (file.status, file.body) == (200, FILE)
    assert await device.status() == "TRIGGERED"


async def test_what_a_device_provides_is_kept(device: Device, cast: Cast) -> None:
    assert (await device.ask(rootfs_image_checksum="abc")).status == 204
    expected = {**PROVIDES, "rootfs_image_checksum": "abc"}
    assert await cast.value(THING.c.software, THING.c.id == cast.thing) == expected
    # The simple form says less, and that is no news.
    assert (await device.send("GET", f"{NEXT}?device_type=pump-2&artifact_name=0.9")).status == 204
    assert await cast.value(THING.c.software, THING.c.id == cast.thing) == expected
    assert (await device.ask()).status == 204
    assert await cast.value(THING.c.software, THING.c.id == cast.thing) == PROVIDES


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"device_provides": None},
        {"device_provides": {"device_type": "pump-2"}},
        {"device_provides": {"artifact_name": "0.9"}},
        {"device_provides": {**PROVIDES, "device_type": ""}},
        {"device_provides": {**PROVIDES, "checksum": 7}},
        {"device_provides": {**PROVIDES, "checksum": "x" * 70_000}},
    ],
)
async def test_a_question_that_says_too_little(device: Device, content: Any) -> None:
    assert told(await device.send("POST", NEXT_V2, content)) in {400, 413}


async def test_a_simple_question_that_says_too_little(device: Device) -> None:
    for query in ("", "?device_type=pump-2", "?artifact_name=0.9", "?device_type=&artifact_name=0.9"):
        assert told(await device.send("GET", NEXT + query)) == 400
    assert (
        told(await device.cast.gateway.request("POST", NEXT, token=await device.cast.token("thing"), data=b"{")) == 400
    )


async def test_only_devices_are_served(device: Device, cast: Cast) -> None:
    for method, path in (
        ("POST", NEXT_V2),
        ("POST", NEXT),
        ("GET", NEXT),
        ("PUT", ATTRIBUTES),
        ("PATCH", ATTRIBUTES),
        ("PUT", f"{V1}/{cast.thing}/status"),
        ("PUT", f"{V1}/{cast.thing}/log"),
    ):
        assert told(await device.send(method, path, {}, caller="anonymous")) == 401
        for caller in ("owner", "platform"):
            assert told(await device.send(method, path, {}, caller=caller)) == 403
        answer = await cast.gateway.request(method, path, token="Thing nobody-has-this-key", data=b"{}")
        assert told(answer) == 401


async def test_already_installed(device: Device, cast: Cast) -> None:
    await deploy(cast)
    assert (await device.ask(artifact_name="1.0")).status == 204
    assert await device.status() == "ALREADY_INSTALLED"
    await assert_counts(cast)


async def test_no_file_for_this_type(device: Device, cast: Cast) -> None:
    _, release = await upload(cast, compatibleTypes=["valve-1"])
    await deploy(cast, releaseId=release)
    assert (await device.ask()).status == 204
    assert await device.status() == "NO_ARTIFACT"


async def test_bodies_are_bounded_and_not_compressed(device: Device, cast: Cast) -> None:
    token = await cast.token("thing")
    answer = await cast.gateway.request("PUT", ATTRIBUTES, token=token, data=b" " * 65_537)
    assert told(answer) == 413
    headers = {"Content-Encoding": "gzip"}
    answer = await cast.gateway.request("PUT", ATTRIBUTES, token=token, headers=headers, data=b"{}")
    assert told(answer) == 415


async def test_a_device_that_never_stops_asking_is_slowed_down(start_gateway: StartGateway) -> None:
    cast = Cast(await start_gateway(cost_per_minute=5_000))
    await cast.build()
    device = Device(cast)
    assert [(await device.ask()).status for _ in range(5)] == [204] * 5
    answer = await device.ask()
    assert told(answer) == 429
    assert int(answer.headers["Retry-After"]) >= 1


async def test_an_address_is_good_for_one_file_and_a_while(device: Device, cast: Cast) -> None:
    """mender.file.download-artifact-by-device: GET alone, by pieces, no token; a new one for the same execution."""
    await deploy(cast)
    first = (await device.ask()).json
    uri = first["artifact"]["source"]["uri"]
    part = await cast.gateway.request("GET", uri, headers={"Range": "bytes=9-"})
    assert (part.status, part.body) == (206, FILE[9:])
    assert (await cast.gateway.request("PUT", uri, data=b"x")).status == 405
    keys = cast.gateway.application[PARTS].keys
    artifact = await cast.value(OTA_EXECUTION.c.artifact_id)
    over = keys.sign(Audience.DOWNLOAD, {"artifact": artifact.hex}, seconds=-5)
    assert (await cast.gateway.request("GET", f"/downloads/{over}")).status == 403
    second = (await device.ask()).json
    assert second["id"] == first["id"]
    assert (await cast.gateway.request("GET", second["artifact"]["source"]["uri"])).body == FILE


async def test_asking_is_being_heard_of(device: Device, cast: Cast) -> None:
    """Once a minute, and nobody is connected by it."""
    hearing = cast.gateway.application[PARTS].hearing
    started = now()
    for _ in range(3):
        assert (await device.ask()).status == 204
    assert await hearing.run() == 1
    seen = await cast.value(THING.c.last_seen_at, THING.c.id == cast.thing)
    assert started <= seen <= now()
    assert await cast.value(THING.c.connected, THING.c.id == cast.thing) is False
    assert (await device.ask()).status == 204
    assert await hearing.run() == 0
    async with cast.store.write() as session:
        long_ago = started - timedelta(seconds=120)
        await session.execute(THING.update().values(last_seen_at=long_ago))
    assert (await device.ask()).status == 204
    assert await hearing.run() == 1
    assert await cast.value(THING.c.last_seen_at, THING.c.id == cast.thing) >= seen


async def test_what_has_not_begun_is_not_offered(device: Device, cast: Cast) -> None:
    await deploy(cast, startsAt=(now() + timedelta(hours=1)).isoformat())
    assert (await device.ask()).status == 204
    assert await device.status() == "PENDING"
    assert await cast.value(OTA_EXECUTION.c.offered_at) is None


async def test_the_file_is_chosen_by_what_the_device_provides(device: Device, cast: Cast) -> None:
    """mender.ota.check-update-with-provides: each key of `depends` lists what may be provided."""
    fitting, release = await upload(cast, version="1", depends={"rootfs_image_checksum": ["abc", "abd"]})
    await upload(cast, version="2", depends={"rootfs_image_checksum": ["xyz"]})
    await deploy(cast, releaseId=release)
    answer = await device.ask(rootfs_image_checksum="abd")
    assert answer.status == 200
    chosen = await cast.value(OTA_EXECUTION.c.artifact_id, OTA_EXECUTION.c.thing_id == cast.thing)
    assert f"artifact_{chosen.hex}" == fitting


async def test_no_file_for_what_the_device_provides(device: Device, cast: Cast) -> None:
    _, release = await upload(cast, depends={"rootfs_image_checksum": ["abc"]})
    await deploy(cast, releaseId=release)
    assert (await device.ask(rootfs_image_checksum="other")).status == 204
    assert await device.status() == "NO_ARTIFACT"
