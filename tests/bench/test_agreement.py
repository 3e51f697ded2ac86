"""The peers that need no npm answer as the gateway does, operation by operation; one that does not is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bench.agreement import Requests, agree, walk
from bench.answers import Differing
from bench.peers.floor import server as floor
from bench.peers.ordinary import server as ordinary
from bench.servers import OURS, PEERS, Running, Variables
from bench.workloads import DOCUMENTS, draw_sample
from demo.fleet import build_fleet
from demo.people import DEMO_EMAIL, DEMO_PASSWORD
from models.store import StoreSettings, open_store
from services.passwords import Passwords
from services.settings import Profile
from services.storage import LocalStorage
from tests.gateways import StartGateway
from tests.postgres import free_port

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
THINGS = 300
KINDS = {peer.name: peer for peer in PEERS}


async def listening(application: web.Application, port: int) -> web.AppRunner:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


@pytest.fixture
async def servers(database_url: str, tmp_path: Path, start_gateway: StartGateway) -> AsyncIterator[list[Running]]:
    """The gateway and two peers inside this process, over a small demo fleet."""
    store = open_store(StoreSettings(database_url))
    await build_fleet(store, things=THINGS, passwords=Passwords(), storage=LocalStorage(tmp_path / "artifacts"))
    await store.close()
    gateway = await start_gateway(profile=Profile.PRODUCTION)
    session = await gateway.sign_in(DEMO_EMAIL, DEMO_PASSWORD)
    started = [
        Running(OURS, int(gateway.url.rpartition(":")[2]), 0, {"Authorization": f"Bearer {session.access_token}"})
    ]
    runners = []
    for name, module in (("strawberry", ordinary), ("floor", floor)):
        port = free_port()
        runners.append(await listening(module.build_application(database_url, 2), port))
        started.append(Running(KINDS[name], port, 0, {}))
    yield started
    for runner in runners:
        await runner.cleanup()


async def compare(servers: list[Running], operation: str, database_url: str) -> Requests:
    """Compare in a thread: it waits for each answer, and the servers run here."""
    sample = await draw_sample(database_url)
    cursors = {each.server.name: await asyncio.to_thread(walk, each) for each in servers}
    few = replace(sample, things=sample.things[:20], connected_things=sample.connected_things[:5])
    return await asyncio.to_thread(asyncio.run, agree(servers, operation, few, cursors, database_url))


async def test_all_give_the_same_answers(servers: list[Running], database_url: str) -> None:
    for operation in DOCUMENTS:
        requests = await compare(servers, operation, database_url)
        assert requests.keys() == {"fleetgraph", "strawberry", "floor"}
        assert len({len(each) for each in requests.values()}) == 1
        assert all(request.length > 100 for each in requests.values() for request in each), operation


async def test_a_peer_that_answers_something_else_is_found(servers: list[Running], database_url: str) -> None:
    first, *others = servers
    (thing,) = (await draw_sample(database_url)).things[:1]

    def confused(operation: str, given: Variables) -> Variables:
        return {"id": thing} if operation == "point" else given

    wrong = replace(first, server=replace(OURS, name="wrong", translate=confused))
    with pytest.raises(Differing, match=r"wrong differs from fleetgraph at data\.thing\."):
        await compare([first, *others, wrong], "point", database_url)


async def test_a_peer_that_logs_nothing_is_found(servers: list[Running], database_url: str) -> None:
    """A document that reads the state in place of reporting it leaves the event of the last report behind."""
    first, other, _ = servers
    documents = DOCUMENTS | {"walk": "{ __typename }", "mutation": READS_ONLY}
    wrong = replace(
        first, server=replace(OURS, name="wrong", documents=documents, translate=lambda _, given: given["input"])
    )
    sample = await draw_sample(database_url)
    cursors: dict[str, list[str | None]] = {each.server.name: [None] for each in (first, other, wrong)}
    with pytest.raises(Differing, match=r"versions do not follow each other: \[(\d+), (\d+), \2\]"):
        await asyncio.to_thread(asyncio.run, agree([first, other, wrong], "mutation", sample, cursors, database_url))


READS_ONLY = """
query Read($thingId: ID!) {
  reportThingState: thing(id: $thingId) { state { version reported } userErrors: tags }
}
"""
