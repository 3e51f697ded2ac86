"""What the tests of live share: gateways in processes, a writer, things to write to, and the last of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from models.ids import new_id
from tests.fleets import Fleet
from tests.live.processes import GatewayProcess
from tests.live.reading import key
from tests.live.writing import Target, Things, Writer, open_writer
from tests.rows import add_things

SHARED_THINGS: Final = 4
OWN_THINGS: Final = 16

StartProcess = Callable[..., Awaitable[GatewayProcess]]
StartOwnProcess = Callable[..., Awaitable[GatewayProcess]]


@pytest.fixture
async def start_own_process(tmp_path: Path) -> AsyncIterator[StartOwnProcess]:
    """`await start_own_process(database_url, setting=value, ...)`: a gateway in a process, killed after the test."""
    started: list[GatewayProcess] = []

    async def start(database_url: str, **settings: Any) -> GatewayProcess:
        process = GatewayProcess(database_url, tmp_path / "gateways", settings)
        started.append(process)
        await process.start()
        return process

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def start_process(start_own_process: StartOwnProcess, database_url: str) -> StartProcess:
    """`await start_process(setting=value, ...)`: the same on the test's database."""
    return partial(start_own_process, database_url)


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[Writer]:
    """A writer in the test's own process."""
    async with open_writer(database_url) as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections to any gateway."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as opened:
        yield opened


@pytest.fixture
async def things(fleet: Fleet, writer: Writer) -> Things:
    """Things of the tenant alder in the database of the test; half of them have their home in `hall`."""
    return await make_things(fleet, writer)


async def make_things(fleet: Fleet, writer: Writer) -> Things:
    """Add the things."""
    tenant = fleet.alder

    async def make(count: int, home: str | None = None, organization: str = tenant.organization) -> list[Target]:
        rows = [{"id": new_id()} for _ in range(count)]
        await add_things(writer.store, organization, rows, home=home)
        group = None if home is None else key(home).hex
        return [Target(each["id"].hex, key(organization).hex, group) for each in rows]

    (last,) = await make(1, tenant.row)
    branch, last_of_branch = await make(2, organization=tenant.branch)
    return Things(
        shared=[*await make(SHARED_THINGS // 2, tenant.hall), *await make(SHARED_THINGS // 2)],
        own=[*await make(OWN_THINGS // 2, tenant.hall), *await make(OWN_THINGS // 2)],
        last=last,
        branch=branch,
        last_of_branch=last_of_branch,
    )


async def beginning(fleet: Fleet, writer: Writer) -> str:
    """The cursor of an event that was written for this purpose: a place to read on from."""
    tenant = fleet.alder
    (position,) = await writer.report(Target(key(tenant.meter.id).hex, key(tenant.organization).hex))
    return position.cursor
