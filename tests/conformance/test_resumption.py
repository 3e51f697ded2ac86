"""Clients that lose their connection miss nothing: each of those in examples/, against a whole gateway."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.conformance.network import network
from tests.explorer.javascript import ROOT, node, require_packages
from tests.fleets import Fleet
from tests.gateways import Gateway

HERE: Final = Path(__file__).parent
SECONDS: Final = 40.0
WAYS: Final = (
    ("graphql-ws", "socket"),
    ("graphql-sse", "events"),
    ("apollo-client", "socket"),
    ("apollo-client", "http"),
    ("urql", "socket"),
    ("urql", "events"),
    ("python-gql", "socket"),
    ("python-gql", "http"),
)
REFUSED: Final = {"what": "refused", "value": ["BAD_USER_INPUT"]}

pytestmark = [pytest.mark.clients, pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)]


class Watcher:
    """A client in a process of its own, and what it prints."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.versions: list[int] = []
        self.others: list[dict[str, Any]] = []

    async def read(self) -> None:
        """Take one line."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        assert line, "the client has ended"
        told = json.loads(line)
        if told["what"] == "event":
            self.versions.append(told["value"])
        else:
            self.others.append(told)

    async def until(self, version: int) -> None:
        """Read up to the event of a version."""
        async with asyncio.timeout(SECONDS):
            while not self.versions or self.versions[-1] < version:
                await self.read()

    async def until_told(self) -> None:
        """Read up to a line that is no event."""
        async with asyncio.timeout(SECONDS):
            while not self.others:
                await self.read()


@asynccontextmanager
async def watching(client: str, way: str, address: str, token: str, thing: str) -> AsyncIterator[Watcher]:
    arguments = [way, address, token, thing]
    command: list[str | Path] = [sys.executable, HERE / "resume.py", *arguments]
    if client != "python-gql":
        require_packages(ROOT / "examples" / client)
        command = [node(), HERE / "resume.mjs", client, *arguments]
    process = await asyncio.create_subprocess_exec(*command, cwd=HERE, stdout=PIPE)
    try:
        yield Watcher(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize(("client", "way"), WAYS)
async def test_it_goes_on_where_it_was(client: str, way: str, gateway: Gateway, fleet: Fleet) -> None:
    thing, token = fleet.alder.pump.id, fleet.alder.owner.token

    async def report(**reported: Any) -> int:
        """Let the thing report; the version of its state by then."""
        new = {"thingId": thing, "reported": reported}
        payload = await gateway.change("reportThingState", new, select="state { version }", token=token)
        return int(payload["state"]["version"])

    async with network(gateway.url) as between, watching(client, way, between.url, token, thing) as watcher:
        # It says nothing when it has subscribed, so the thing reports until an event arrives.
        first = asyncio.create_task(watcher.until(1))
        while not first.done():
            await report(beat=True)
            await asyncio.wait({first}, timeout=0.3)
        await first

        # A second operation is refused, and the first goes on.
        await watcher.until_told()
        assert watcher.others == [REFUSED]
        await watcher.until(await report(said="beside a failure"))

        for _ in range(2):
            await between.cut()
            missed = [await report(missed=number) for number in range(5)]
            assert watcher.versions[-1] < missed[0]
            await between.mend()
            await watcher.until(await report(said="mended"))

        await watcher.until(await report(stop=True))
        async with asyncio.timeout(SECONDS):
            assert await watcher.process.wait() == 0
        seen = watcher.versions
        assert seen == list(range(seen[0], seen[0] + len(seen)))
        assert len(seen) >= 14
        assert watcher.others == [REFUSED]
    async with asyncio.timeout(SECONDS):
        while gateway.running_subscriptions:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
