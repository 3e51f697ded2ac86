"""Things that live: clients of a real gateway over HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from demo.doors import DoorName
from demo.installation import Pace
from demo.keys import KeysUnreadable, read_keys, write_keys
from demo.simulator import simulate
from demo.things import ThingKey
from models.columns import now
from models.counts import count_column
from models.enums import OtaExecutionStatus as Status
from models.enums import OtaJobStatus
from models.ids import new_id
from models.store import Store
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB, THING, THING_STATE
from services.tokens import new_secret
from tests.demo.conftest import Build
from tests.gateways import Gateway

BUSY = Pace(look=1.0, step=1.0, failures=0.0, drops=0.5, absences=0.0)
WAITING = (Status.PENDING, Status.TRIGGERED)
SECONDS = 40.0


@asynccontextmanager
async def simulated(
    url: str, keys: Path, *, things: int, door: DoorName = DoorName.GRAPHQL
) -> AsyncIterator[Callable[[], Awaitable[Counter[str]]]]:
    """Run a simulation in the block; what it gives stops the simulation and tells what was done."""
    stop = asyncio.Event()
    running = asyncio.create_task(simulate(url, keys, things=things, interval=0.1, stop=stop, pace=BUSY, door=door))

    async def end() -> Counter[str]:
        stop.set()
        return await running

    try:
        yield end
    finally:
        await end()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds, for a bounded time."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 - what happens in another process sets no event here
            await asyncio.sleep(0.05)


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "demo-keys.json"


@pytest.mark.parametrize("door", list(DoorName))
async def test_things_report_and_carry_out_updates(
    store: Store, build: Build, gateway: Gateway, keys_file: Path, door: DoorName
) -> None:
    await build(things=120, keys_file=keys_file)
    keys = (await with_updates(store, read_keys(keys_file)))[:4]
    assert keys
    write_keys(keys_file, keys)
    started = now()

    async def all_have_reported() -> bool:
        reported = select(func.count()).where(
            THING_STATE.c.thing_id.in_([key.thing_id for key in keys]),
            THING_STATE.c.reported_at > started,
            THING.c.id == THING_STATE.c.thing_id,
            THING.c.last_seen_at > started,
        )
        updated = select(func.count()).where(
            OTA_EXECUTION.c.status == Status.SUCCESS, OTA_EXECUTION.c.finished_at > started
        )
        async with store.read() as connection:
            things = (await connection.execute(reported)).scalar_one()
            updates = (await connection.execute(updated)).scalar_one()
        return bool(things == len(keys) and updates > 0)

    async with simulated(gateway.url, keys_file, things=len(keys), door=door) as end:
        await until(all_have_reported)
        done = await end()
    assert done["reports"] >= len(keys)
    assert done["offers"] >= done["downloads"] >= done["succeeded"] > 0
    assert done["bytes"] > 4_000
    assert (done["failed"], done["refused"], done["errors"]) == (0, 0, 0)
    await counts_are_right(store)


async def with_updates(store: Store, keys: list[ThingKey]) -> list[ThingKey]:
    """Those that have an update before them which has begun."""
    statement = (
        select(OTA_EXECUTION.c.thing_id)
        .join(OTA_JOB, OTA_JOB.c.id == OTA_EXECUTION.c.job_id)
        .where(OTA_JOB.c.status == OtaJobStatus.IN_PROGRESS, OTA_EXECUTION.c.status.in_(WAITING))
    )
    async with store.read() as connection:
        busy = set((await connection.execute(statement)).scalars())
    return [key for key in keys if key.thing_id in busy]


async def counts_are_right(store: Store) -> None:
    """What things reported went into the counts of jobs and deployments."""
    for table, column in ((OTA_JOB, "job_id"), (DEPLOYMENT, "deployment_id")):
        key = OTA_EXECUTION.c[column]
        recount = select(key, OTA_EXECUTION.c.status, func.count()).group_by(key, OTA_EXECUTION.c.status)
        async with store.read() as connection:
            counted = {(row[0], row[1]): row[2] for row in await connection.execute(recount)}
            for row in await connection.execute(select(table)):
                for status in Status:
                    assert row._mapping[count_column(status)] == counted.get((row.id, status), 0)


async def test_a_thing_with_a_lost_key_stops_and_the_others_go_on(
    build: Build, gateway: Gateway, keys_file: Path
) -> None:
    await build(things=2, keys_file=keys_file)
    known = read_keys(keys_file)[0]
    write_keys(keys_file, [ThingKey(known.thing_id, "demo-0001", known.kind, new_secret()), known])
    async with simulated(gateway.url, keys_file, things=2) as end:
        event = await first_event(gateway, known)
        done = await end()
    assert event["thing"]["externalId"] == known.external_id
    assert done["refused"] == 1
    assert done["reports"] >= 1


async def first_event(gateway: Gateway, known: ThingKey) -> dict[str, dict[str, str]]:
    scope = f'{{ thingIds: ["thing_{known.thing_id.hex}"] }}'
    document = f"subscription {{ thingStateChanged(scope: {scope}) {{ thing {{ externalId }} }} }}"
    async with gateway.subscribe(document, token=f"Thing {known.key}") as events:
        data = await events.next()
    event: dict[str, dict[str, str]] = data["thingStateChanged"]
    return event


BAD_ANSWERS = [
    web.Response(status=503, text="busy"),
    web.Response(text="<html>"),
    web.json_response([1]),
    web.json_response({"hello": 1}),
    web.json_response({"errors": [{"message": "m", "extensions": {"code": "INTERNAL"}}], "data": None}),
    web.json_response({"errors": ["?"], "data": {"reportThingState": None}}),
    web.json_response({"data": {"reportThingState": {"userErrors": [{"code": "LIMIT_REACHED"}]}}}),
    web.json_response({"data": {"reportThingState": {"userErrors": ["?"]}}}),
]
"""What a broken or busy gateway may answer."""


@pytest.mark.parametrize("bad", BAD_ANSWERS, ids=lambda answer: f"{answer.status} {answer.text}")
async def test_no_answer_ends_the_simulation(bad: web.Response, tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.read())
        if len(asked) <= 2:
            return web.Response(status=bad.status, text=bad.text, content_type=bad.content_type)
        return web.json_response({"data": {"any": {"state": {"version": 1, "delta": {}}, "thing": None}}})

    application = web.Application()
    application.router.add_post("/graphql", answer)
    keys_file = tmp_path / "keys.json"
    write_keys(keys_file, [ThingKey(new_id(), "demo-0001", "smart-plug", new_secret())])
    async with TestServer(application) as server, simulated(str(server.make_url("")), keys_file, things=1) as end:

        async def has_gone_on() -> bool:
            return len(asked) > 4

        await until(has_gone_on)
        done = await end()
    assert done["reports"] > 0


async def test_things_wait_for_a_gateway_that_is_away(tmp_path: Path, unused_tcp_port: int) -> None:
    keys_file = tmp_path / "keys.json"
    write_keys(keys_file, [ThingKey(new_id(), "demo-0001", "smart-plug", new_secret())])
    reported = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        reported.set()
        return web.json_response({"data": {"any": {"thing": None}}})

    application = web.Application()
    application.router.add_post("/graphql", answer)
    async with simulated(f"http://127.0.0.1:{unused_tcp_port}", keys_file, things=1):
        await asyncio.sleep(0.3)
        async with TestServer(application, port=unused_tcp_port), asyncio.timeout(SECONDS):
            await reported.wait()
    assert reported.is_set()


async def test_a_missing_file_of_keys_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeysUnreadable):
        await simulate("http://127.0.0.1:9", tmp_path / "none.json", things=1, interval=1.0, stop=asyncio.Event())
