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

from endpoints.application import METRICS
from gateway import PARTS
from services.tokens import Audience
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
async def watching(client: str, way: str, address: str, watched: Watched) -> AsyncIterator[Watcher]:
    arguments: list[str | Path] = [way, address, watched.tokens, watched.thing]
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


class Watched:
    """A thing that reports, and the file that holds the token for watching it."""

    def __init__(self, gateway: Gateway, fleet: Fleet, tokens: Path) -> None:
        self.gateway = gateway
        self.thing = fleet.alder.pump.id
        self.tokens = tokens
        self._token = fleet.alder.owner.token
        tokens.write_text(self._token, encoding="utf-8")

    async def report(self, **reported: Any) -> int:
        """Let the thing report; the version of its state by then."""
        new = {"thingId": self.thing, "reported": reported}
        payload = await self.gateway.change("reportThingState", new, select="state { version }", token=self._token)
        return int(payload["state"]["version"])

    async def begin(self, watcher: Watcher) -> None:
        """Report until the first event arrives: a client says nothing when it has subscribed.

        It tries a second operation then, which is refused, and goes on with the first.
        """
        first = asyncio.create_task(watcher.until(1))
        while not first.done():
            await self.report(beat=True)
            await asyncio.wait({first}, timeout=0.3)
        await first
        await watcher.until_told()
        assert watcher.others == [REFUSED]
        await watcher.until(await self.report(said="beside a failure"))

    async def end(self, watcher: Watcher) -> None:
        """Let the client end; it has seen each version once, in order."""
        await watcher.until(await self.report(stop=True))
        async with asyncio.timeout(SECONDS):
            assert await watcher.process.wait() == 0
        seen = watcher.versions
        assert seen == list(range(seen[0], seen[0] + len(seen)))
        assert watcher.others == [REFUSED]
        async with asyncio.timeout(SECONDS):
            while self.gateway.running_subscriptions:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)

    def renew(self) -> None:
        """Write a token of the same session that is good for two seconds at most."""
        keys = self.gateway.application[PARTS].keys
        claims = keys.verify(Audience.ACCESS, self._token)
        session = {name: value for name, value in claims.items() if name not in {"iss", "aud", "iat", "exp"}}
        fresh = self.tokens.with_suffix(".new")
        fresh.write_text(keys.sign(Audience.ACCESS, session, seconds=2), encoding="utf-8")
        fresh.replace(self.tokens)

    @property
    def ended(self) -> int:
        """How many subscriptions have ended."""
        registry, name = self.gateway.application[METRICS].registry, "fleetgraph_graphql_operations_total"
        found = [
            registry.get_sample_value(name, {"kind": "subscription", "outcome": outcome})
            for outcome in ("ok", "refused", "cancelled")
        ]
        return int(sum(filter(None, found)))


@pytest.fixture
def watched(gateway: Gateway, fleet: Fleet, tmp_path: Path) -> Watched:
    return Watched(gateway, fleet, tmp_path / "token")


@pytest.mark.parametrize(("client", "way"), WAYS)
async def test_it_goes_on_where_it_was(client: str, way: str, watched: Watched) -> None:
    async with (
        network(watched.gateway.url) as between,
        watching(client, way, between.url, watched) as watcher,
    ):
        await watched.begin(watcher)
        for _ in range(2):
            await between.cut()
            missed = [await watched.report(missed=number) for number in range(5)]
            assert watcher.versions[-1] < missed[0]
            await between.mend()
            await watcher.until(await watched.report(said="mended"))
        await watched.end(watcher)


@pytest.mark.parametrize(("client", "way"), WAYS)
async def test_it_goes_on_with_a_fresh_token(client: str, way: str, watched: Watched) -> None:
    watched.renew()
    async with watching(client, way, watched.gateway.url, watched) as watcher:

        async def keep_renewing() -> None:
            while True:
                watched.renew()
                await asyncio.sleep(0.4)

        renewing = asyncio.create_task(keep_renewing())
        try:
            await watched.begin(watcher)
            before = watched.ended
            async with asyncio.timeout(SECONDS):
                while watched.ended < before + 2:
                    await watcher.until(await watched.report(said="under another token"))
                    await asyncio.sleep(0.1)
            await watched.end(watcher)
        finally:
            renewing.cancel()
