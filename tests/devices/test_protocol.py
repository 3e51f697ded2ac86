"""The device protocol by hand: every status that a device may get, and what stands in the database after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import pytest

from gateway import PARTS
from models.columns import now
from models.enums import AttributeScope, EventKind
from models.tables import EVENT, OTA_EXECUTION, THING, THING_ATTRIBUTE, UPDATE_LOG_LINE
from services.tokens import Audience
from tests.cast import Cast
from tests.client import Answer
from tests.gateways import StartGateway
from tests.ota import FILE, assert_counts, deploy, upload

ROOT: Final = "/api/devices"
ATTRIBUTES: Final = f"{ROOT}/v1/inventory/device/attributes"
V1: Final = f"{ROOT}/v1/deployments/device/deployments"
NEXT: Final = f"{V1}/next"
NEXT_V2: Final = f"{ROOT}/v2/deployments/device/deployments/next"
PROVIDES: Final = {"device_type": "pump-2", "artifact_name": "0.9"}


async def pieces(content: Any) -> AsyncIterator[bytes]:
    """JSON as stock clients send it: in chunks, without a length."""
    text = orjson.dumps(content)
    yield text[:5]
    yield text[5:]


class Device:
    """The pump, by its key."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    async def send(self, method: str, path: str, content: Any = None, *, caller: str = "thing") -> Answer:
        body = None if content is None else pieces(content)
        headers = {} if content is None else {"Content-Type": "application/json"}
        token = await self.cast.token(caller)
        return await self.cast.gateway.request(method, path, token=token, headers=headers, data=body)

    async def ask(self, **provides: str) -> Answer:
        return await self.send("POST", NEXT_V2, {"device_provides": {**PROVIDES, **provides}})

    async def offered(self) -> str:
        answer = await self.ask()
        assert answer.status == 200, answer.body
        found: str = answer.json["id"]
        return found

    async def report(self, execution: str, status: str, **more: Any) -> int:
        return (await self.send("PUT", f"{V1}/{execution}/status", {"status": status, **more})).status

    async def log(self, execution: str, content: Any) -> int:
        return (await self.send("PUT", f"{V1}/{execution}/log", content)).status

    async def status(self) -> str:
        """Where its only execution is."""
        value = await self.cast.value(OTA_EXECUTION.c.status, OTA_EXECUTION.c.thing_id == self.cast.thing)
        return str(value.value)

    async def inventory(self) -> dict[str, Any]:
        columns = THING_ATTRIBUTE.c
        mine = (columns.thing_id == self.cast.thing, columns.scope == AttributeScope.INVENTORY)
        return {row.name: row.value for row in await self.cast.rows(THING_ATTRIBUTE.select().where(*mine))}


@pytest.fixture
def device(cast: Cast) -> Device:
    return Device(cast)


def told(answer: Answer) -> int:
    """The status of an error, which has the shape of this protocol."""
    assert answer.json.keys() == {"error", "request_id"}
    assert answer.json["error"]
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    return answer.status


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


async def test_already_installed(device: Device, cast: Cast) -> None:
    await deploy(cast)
    assert (await device.ask(artifact_name="1.0")).status == 204
    assert await device.status() == "ALREADY_INSTALLED"
    await assert_counts(cast)


async def test_a_device_that_finds_it_installed_says_so(device: Device, cast: Cast) -> None:
    await deploy(cast)
    execution = await device.offered()
    assert await device.report(execution, "already-installed") == 204
    assert await device.status() == "ALREADY_INSTALLED"


async def test_no_file_for_this_type(device: Device, cast: Cast) -> None:
    _, release = await upload(cast, compatibleTypes=["valve-1"])
    await deploy(cast, releaseId=release)
    assert (await device.ask()).status == 204
    assert await device.status() == "NO_ARTIFACT"


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
    (other,) = await cast.add_things(1)
    for stranger in ("next", "1", str(UUID(int=0)), str(cast.thing)):
        assert await device.report(stranger, "success") == 404
        assert await device.log(stranger, {"messages": []}) == 404
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


LINE: Final = {"timestamp": "2026-05-04T03:02:01.123456789Z", "level": "error", "message": "no room"}


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
