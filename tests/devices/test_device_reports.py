"""Reports and logs of devices: every status that they may get, and what stands in the database after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from models.tables import OTA_EXECUTION, UPDATE_LOG_LINE
from tests.cast import Cast, thing_id
from tests.devices.by_hand import NEXT_V2, PROVIDES, V1, Device, told
from tests.ota import assert_counts, deploy

LINE: Final = {"timestamp": "2026-05-04T03:02:01.123456789Z", "level": "error", "message": "no room"}


async def test_a_good_update(device: Device, cast: Cast) -> None:
    await deploy(cast)
    execution = await device.offered()
    seen = []
    for status in ("downloading", "downloading", "installing", "rebooting", "installing", "success", "success"):
        assert await device.report(execution, status) == 204
        seen.append(await device.status())
    assert seen == ["DOWNLOADING", "DOWNLOADING", "INSTALLING", "REBOOTING", "INSTALLING", "SUCCESS", "SUCCESS"]
    await assert_counts(cast)
    assert (await device.ask(artifact_name="1.0")).status == 204


async def test_pauses_are_delays(device: Device, cast: Cast) -> None:
    await deploy(cast)
    execution = await device.offered()
    for status in ("pause_before_installing", "pause_before_rebooting", "pause_before_committing"):
        assert await device.report(execution, status) == 204
        assert await device.status() == "DELAYED"
        assert await cast.value(OTA_EXECUTION.c.substate) == status
    assert await device.report(execution, "installing", substate="x" * 2000) == 204
    assert await cast.value(OTA_EXECUTION.c.substate) == "x" * 1024


async def test_a_device_that_finds_it_installed_says_so(device: Device, cast: Cast) -> None:
    await deploy(cast)
    execution = await device.offered()
    assert await device.report(execution, "already-installed") == 204
    assert await device.status() == "ALREADY_INSTALLED"


async def test_reports_that_change_nothing(device: Device, cast: Cast) -> None:
    """Unknown words, statuses that are not a device's, other devices' updates, what is no id, what is no JSON."""
    await deploy(cast)
    execution = await device.offered()
    before = await cast.rows(OTA_EXECUTION.select())
    for status in ("", "done", "SUCCESS", "pending", "noartifact", "aborted", "decommissioned", None, 7, ["success"]):
        answer = await device.send("PUT", f"{V1}/{execution}/status", {"status": status})
        assert told(answer) == 400
    bodies: list[Any] = [{}, [], "success", {"status": "success", "substate": 7}]
    for content in bodies:
        assert told(await device.send("PUT", f"{V1}/{execution}/status", content)) == 400
    for stranger in ("next", "1", str(UUID(int=0)), str(cast.thing)):
        assert await device.report(stranger, "success") == 404
        assert await device.log(stranger, {"messages": []}) == 404
    others = await cast.add_things(1) + await cast.add_things(1, organization=cast.other)
    for other in others:
        for path, body in (("status", b'{"status": "success"}'), ("log", b'{"messages": []}')):
            address = f"{V1}/{execution}/{path}"
            answer = await cast.gateway.request("PUT", address, token=f"Thing {other.hex}", data=body)
            assert told(answer) == 404
    assert await cast.rows(OTA_EXECUTION.select()) == before
    assert await cast.count(UPDATE_LOG_LINE) == 0


async def test_a_conflict_after_the_end(device: Device, cast: Cast) -> None:
    deployment = await deploy(cast)
    execution = await device.offered()
    assert await device.report(execution, "downloading") == 204
    await cast.change("editor", "abortDeployment", {"id": deployment}, "deployment { id }")
    for status in ("downloading", "installing", "failure", "success"):
        assert await device.report(execution, status) == 409
    assert await device.status() == "ABORTED"
    await assert_counts(cast)


async def test_a_result_stands(device: Device, cast: Cast) -> None:
    await deploy(cast)
    execution = await device.offered()
    assert [await device.report(execution, word) for word in ("failure", "failure", "success")] == [204, 204, 409]
    assert await device.status() == "FAILURE"
    await assert_counts(cast)


async def test_a_failure_with_attempts_left_is_offered_again(device: Device, cast: Cast) -> None:
    await deploy(cast, retries=1)
    execution = await device.offered()
    for word in ("downloading", "failure", "failure"):
        assert await device.report(execution, word) == 204
    assert await device.status() == "PENDING"
    assert await cast.value(OTA_EXECUTION.c.attempts) == 1
    assert await device.offered() == execution
    assert await device.report(execution, "failure") == 204
    assert await device.status() == "FAILURE"
    await assert_counts(cast)


async def test_a_log_is_replaced_as_a_whole(device: Device, cast: Cast) -> None:
    await deploy(cast)
    execution = await device.offered()
    assert await device.report(execution, "failure") == 204
    assert await device.log(execution, {"messages": [LINE, LINE]}) == 204
    assert await device.log(execution, {"messages": [{**LINE, "message": "again"}]}) == 204
    (line,) = await cast.rows(UPDATE_LOG_LINE.select())
    assert (line.number, line.level, line.message) == (1, "error", "again")
    assert line.occurred_at == datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)
    assert await cast.value(OTA_EXECUTION.c.log_line_count) == 1
    assert await cast.value(OTA_EXECUTION.c.log_uploaded_at) is not None


async def test_logs_that_are_refused(device: Device, cast: Cast) -> None:
    await deploy(cast)
    execution = await device.offered()
    for content in (
        {},
        [],
        {"messages": None},
        {"messages": ["text"]},
        *({"messages": [{name: value for name, value in LINE.items() if name != left}]} for left in LINE),
        {"messages": [{**LINE, "timestamp": "yesterday"}]},
        {"messages": [{**LINE, "timestamp": "2026-05-04T03:02:01"}]},
        {"messages": [{**LINE, "timestamp": "0001-01-01T00:00:00+05:00"}]},
        {"messages": [{**LINE, "level": 3}]},
    ):
        assert await device.log(execution, content) == 400
    assert await device.log(execution, {"messages": [{**LINE, "message": "x" * 1000}] * 1100}) == 413
    assert await cast.count(UPDATE_LOG_LINE) == 0


async def test_a_log_of_a_hundred_megabytes_is_refused_at_once(device: Device, cast: Cast) -> None:
    """By its announced length before any of it is read, and without one after the first megabyte."""
    await deploy(cast)
    execution = await device.offered()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1600):
            sent += 65_536
            yield b" " * 65_536

    token = await cast.token("thing")
    for headers in ({"Content-Length": str(1600 * 65_536)}, {}):
        sent = 0
        answer = await cast.gateway.request(
            "PUT", f"{V1}/{execution}/log", token=token, headers=headers, data=endless()
        )
        assert told(answer) == 413
        assert sent < 50 * 1_048_576
    assert await cast.count(UPDATE_LOG_LINE) == 0


async def test_devices_that_report_at_once_are_never_told_to_stop(cast: Cast) -> None:
    """A conflict means to a device that its update was taken back; two writes that meet are none."""
    things = await cast.add_things(20)
    await deploy(cast, target={"thingIds": [thing_id(each) for each in things]})
    gateway = cast.gateway

    async def update(thing: UUID) -> list[int]:
        token = f"Thing {thing.hex}"
        answer = await gateway.request("POST", NEXT_V2, token=token, json={"device_provides": PROVIDES})
        path = f"{V1}/{answer.json['id']}/status"
        steps = ("downloading", "installing", "success")
        return [(await gateway.request("PUT", path, token=token, json={"status": step})).status for step in steps]

    statuses = await asyncio.gather(*map(update, things))
    assert statuses == [[204, 204, 204]] * 20
    assert await cast.count(OTA_EXECUTION, OTA_EXECUTION.c.status == "SUCCESS") == 20
    await assert_counts(cast)
