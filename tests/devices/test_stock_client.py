"""Debian's mender-client, unchanged, takes updates through the gateway: what the graph shows of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import update

from endpoints.application import METRICS
from gateway import PARTS
from models.tables import ARTIFACT, OTA_EXECUTION, THING, THING_TOKEN
from tests.cast import thing_id
from tests.conformance.network import Network
from tests.devices.depot import Board, Depot
from tests.devices.stock import FIRST_NAME, TYPE
from tests.gateways import Gateway, StartGateway
from tests.ota import assert_counts


def answered(gateway: Gateway, method: str, route: str, status: int) -> int:
    """How many requests a gateway has answered like this."""
    labels = {"method": method, "route": route, "status": str(status)}
    return int(gateway.application[METRICS].registry.get_sample_value("fleetgraph_http_requests_total", labels) or 0)


NEXT = "/api/devices/v2/deployments/device/deployments/next"
SIGN_IN = "/api/devices/v1/authentication/auth_requests"
DOWNLOAD = "/downloads/{token}"


async def test_an_update_is_taken(depot: Depot) -> None:
    """Signed in, seen as attributes, updated while somebody watches, and known by its new name."""
    cast = depot.cast
    release = await depot.artifact("release-2")
    async with depot.board(inventory={"kernel": "6.1", "ram": "512"}) as board:
        inventory = await depot.inventory(board.thing)
        told = {"kernel": "6.1", "ram": "512", "device_type": TYPE, "artifact_name": FIRST_NAME}
        assert told.items() <= inventory.items()
        assert inventory.keys() - told.keys() == {"mender_client_version"}
        watching = "subscription { otaExecutionChanged { execution { status thing { name } } } }"
        async with cast.gateway.subscribe(watching, token=await cast.token("viewer")) as events:
            await depot.deploy(release, [board])
            seen: list[str] = []
            while seen[-1:] != ["SUCCESS"]:
                execution = (await events.next(60))["otaExecutionChanged"]["execution"]
                assert execution["thing"] == {"name": "one"}
                seen += [execution["status"]] if seen[-1:] != [execution["status"]] else []
        await depot.until(board, lambda: is_known_as(depot, board, "release-2"))
        assert await depot.course(board) == ["PENDING", "TRIGGERED", "DOWNLOADING", "INSTALLING", "SUCCESS"]
    query = "query ($id: ID!) { thing(id: $id) { authStatus software executions(first: 2) { nodes { status } } } }"
    thing = (await cast.data("viewer", query, {"id": thing_id(board.thing)}))["thing"]
    assert thing["authStatus"] == "ACCEPTED"
    assert thing["software"]["artifact_name"] == "release-2"
    assert [each["status"] for each in thing["executions"]["nodes"]] == ["SUCCESS"]
    assert await depot.log(board) == []
    await assert_counts(cast)


async def is_known_as(depot: Depot, board: Board, name: str) -> bool:
    """Whether a device has told that it has this artifact now: in its inventory, and when it asked for the next."""
    software = await depot.cast.value(THING.c.software, THING.c.id == board.thing)
    return {(await depot.inventory(board.thing))["artifact_name"], software.get("artifact_name")} == {name}


async def test_a_failing_module_leaves_its_log(depot: Depot) -> None:
    release = await depot.artifact("release-2")
    async with depot.board() as board:
        board.client.fail("ArtifactInstall")
        await depot.deploy(release, [board])
        await depot.until_status(board, "FAILURE")
        await depot.until(board, lambda: has_log(depot, board))
        assert await depot.course(board) == ["PENDING", "TRIGGERED", "DOWNLOADING", "INSTALLING", "FAILURE"]
        log = await depot.log(board)
        assert any("the test wants ArtifactInstall to fail" in line["message"] for line in log)
        assert {line["level"] for line in log} & {"error"}
        assert (await depot.inventory(board.thing))["artifact_name"] == FIRST_NAME
    await assert_counts(depot.cast)


async def has_log(depot: Depot, board: Board) -> bool:
    count = await depot.cast.value(OTA_EXECUTION.c.log_line_count, OTA_EXECUTION.c.thing_id == board.thing)
    return bool(count)


async def test_a_file_of_another_type_is_refused_by_the_device(depot: Depot) -> None:
    """The gateway would not offer it; so its row is made to say what the file does not."""
    release = await depot.artifact("release-2", device_type="another-board")
    async with depot.cast.store.write() as session:
        await session.execute(update(ARTIFACT).values(compatible_types=[TYPE]))
    async with depot.board() as board:
        await depot.deploy(release, [board])
        await depot.until_status(board, "FAILURE")
        await depot.until(board, lambda: has_log(depot, board))
        assert await depot.course(board) == ["PENDING", "TRIGGERED", "DOWNLOADING", "FAILURE"]
        assert any("not compatible" in line["message"] for line in await depot.log(board))


async def test_a_file_of_another_type_is_not_offered(depot: Depot) -> None:
    release = await depot.artifact("release-2", device_type="another-board")
    async with depot.board() as board:
        await depot.deploy(release, [board])
        await depot.until_status(board, "NO_ARTIFACT")
    assert answered(depot.cast.gateway, "GET", DOWNLOAD, 200) == 0


async def test_what_is_installed_already_is_not_downloaded(depot: Depot) -> None:
    release = await depot.artifact(FIRST_NAME)
    async with depot.cast.store.write() as session:
        # A device that never took an update has no software version by our module.
        await session.execute(update(ARTIFACT).values(provides={}))
    async with depot.board() as board:
        await depot.deploy(release, [board])
        await depot.until_status(board, "ALREADY_INSTALLED")
        assert await depot.course(board) == ["PENDING", "ALREADY_INSTALLED"]
    assert answered(depot.cast.gateway, "GET", DOWNLOAD, 200) == 0


async def test_an_update_is_taken_back_while_it_is_downloaded(depot: Depot) -> None:
    release = await depot.artifact("release-2")
    async with depot.board() as board:
        board.client.hold("Download")
        deployment = await depot.deploy(release, [board])
        await board.client.reached("Download")
        await depot.until_status(board, "DOWNLOADING")
        await depot.cast.change("editor", "abortDeployment", {"id": deployment}, "deployment { id }")
        board.client.let_go("Download")
        route = "/api/devices/v1/deployments/device/deployments/{id}/status"
        await depot.until(board, lambda: asyncio.sleep(0, answered(depot.cast.gateway, "PUT", route, 409) >= 1))
        await depot.until(board, lambda: is_idle(board))
        assert await depot.course(board) == ["PENDING", "TRIGGERED", "DOWNLOADING", "ABORTED"]
        assert (await depot.inventory(board.thing))["artifact_name"] == FIRST_NAME
    await assert_counts(depot.cast)


async def is_idle(board: Board) -> bool:
    """Whether the client has gone back to waiting after its update."""
    _, _, after = board.client.log.partition("update-fetch")
    return "-> idle" in after


async def test_a_revoked_token_is_replaced_by_signing_in_again(depot: Depot) -> None:
    release = await depot.artifact("release-2")
    gateway = depot.cast.gateway
    async with depot.board() as board:
        signed_in = answered(gateway, "POST", SIGN_IN, 200)
        await depot.cast.change("admin", "revokeThingTokens", {"thingId": thing_id(board.thing)}, "revokedCount")
        await depot.until(board, lambda: asyncio.sleep(0, answered(gateway, "POST", NEXT, 401) >= 1))
        await depot.until(board, lambda: asyncio.sleep(0, answered(gateway, "POST", SIGN_IN, 200) > signed_in))
        await depot.deploy(release, [board])
        await depot.until_status(board, "SUCCESS")
        assert await depot.cast.count(THING_TOKEN, THING_TOKEN.c.thing_id == board.thing) >= 1


async def test_a_rejected_device_gets_no_further(depot: Depot) -> None:
    gateway = depot.cast.gateway
    async with depot.board() as board:
        query = "query ($id: ID!) { thing(id: $id) { authSets { id } } }"
        thing = (await depot.cast.data("viewer", query, {"id": thing_id(board.thing)}))["thing"]
        (auth_set,) = thing["authSets"]
        await depot.cast.change("editor", "rejectAuthSet", {"id": auth_set["id"]}, "thing { authStatus }")
        refused = answered(gateway, "POST", SIGN_IN, 401)
        await depot.until(board, lambda: asyncio.sleep(0, answered(gateway, "POST", SIGN_IN, 401) > refused))
    assert await depot.cast.count(THING_TOKEN) == 0


async def test_several_at_once(depot: Depot) -> None:
    """One takes it, one fails, one has another type: the counts say so."""
    release = await depot.artifact("release-2")
    async with AsyncExitStack() as running:
        opening = [
            running.enter_async_context(depot.board(name, **options))
            for name, options in (("good", {}), ("bad", {}), ("odd", {"device_type": "another-board"}), ("fine", {}))
        ]
        good, bad, odd, fine = await asyncio.gather(*opening)
        bad.client.fail("ArtifactInstall")
        deployment = await depot.deploy(release, [good, bad, odd, fine])
        await asyncio.gather(
            depot.until_status(good, "SUCCESS"),
            depot.until_status(bad, "FAILURE"),
            depot.until_status(odd, "NO_ARTIFACT"),
            depot.until_status(fine, "SUCCESS"),
        )
        query = "query ($id: ID!) { deployment(id: $id) { status counts { success failure noArtifact pending } } }"
        data = await depot.cast.data("viewer", query, {"id": deployment})
    assert data["deployment"]["status"] == "FINISHED"
    assert data["deployment"]["counts"] == {"success": 2, "failure": 1, "noArtifact": 1, "pending": 0}
    await assert_counts(depot.cast)


class CuttingNetwork(Network):
    """Cuts the first connection that has brought its client so many bytes."""

    def __init__(self, *, after: int) -> None:
        super().__init__("http://127.0.0.1:1")
        self._after = after
        self.cuts = 0

    def lead_to(self, gateway: Gateway) -> None:
        """Pass on to a gateway that was started later, since its public address is that of this network."""
        self._gateway = gateway.application[PARTS].settings.port

    async def bring(self, source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
        """Pass on, as long as it has not been too much."""
        left = self._after
        while (left > 0 or self.cuts) and (piece := await source.read(16_384)):
            into.write(piece)
            await into.drain()
            left -= len(piece)
        self.cuts += left <= 0
        raise ConnectionResetError


@pytest.mark.timeout(180)
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_download_that_was_cut_goes_on(start_gateway: StartGateway, depot: Depot) -> None:
    """The client waits a minute before it goes on, so that this runs on one database alone."""
    between = CuttingNetwork(after=1_000_000)
    await between.mend()
    gateway = depot.cast.gateway = await start_gateway(public_url=between.url)
    between.lead_to(gateway)
    try:
        release = await depot.artifact("release-2", size=3_000_000)
        async with depot.board() as board:
            await depot.deploy(release, [board])
            await depot.until_status(board, "SUCCESS", "FAILURE")
            assert await depot.course(board) == ["PENDING", "TRIGGERED", "DOWNLOADING", "INSTALLING", "SUCCESS"]
    finally:
        await between.cut()
    assert between.cuts == 1
    assert answered(gateway, "GET", DOWNLOAD, 206) == 1
