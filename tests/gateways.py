"""Running gateways: one inside the test's process on a fresh database, and a whole one as `make run` starts it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import aiohttp
import pytest
import structlog
from aiohttp import web, web_app

from endpoints.application import METRICS, SERVICE
from endpoints.server import make_runner
from engine.plans.execution import INTROSPECTION
from gateway import FEED, build_application
from services.settings import Profile, Settings
from tests.client import SECONDS_FOR_AN_EVENT, GatewayClient, Subscription
from tests.databases import NAMED_SERVER

ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 90.0
SECONDS_TO_STOP = 20.0
TOKEN_SECRET = "a secret of the tests, long enough to sign with"


class Gateway(GatewayClient):
    """A gateway inside this process and a client of it."""

    def __init__(self, url: str, session: aiohttp.ClientSession, application: web.Application) -> None:
        super().__init__(url, session)
        self.application = application

    @asynccontextmanager
    async def subscribe(
        self, query: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None
    ) -> AsyncIterator[Subscription]:
        """A subscription that hears everything that is written from the start of the block on, or has been answered."""
        before = self.running_subscriptions
        async with super().subscribe(query, variables, token=token) as subscription:
            async with asyncio.timeout(SECONDS_FOR_AN_EVENT):
                while not (self.running_subscriptions > before and self.all_listen) and not subscription.has_news:
                    await subscription.settle()
            yield subscription
        async with asyncio.timeout(SECONDS_FOR_AN_EVENT):
            while self.running_subscriptions > before:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)

    @property
    def running_subscriptions(self) -> int:
        """How many subscriptions run in this gateway."""
        return int(self.application[METRICS].registry.get_sample_value("fleetgraph_subscriptions") or 0)

    @property
    def all_listen(self) -> bool:
        """Whether every subscription gets what happens from now on, and has been sent what came before."""
        return self.application[FEED].hub.members >= self.running_subscriptions


StartGateway = Callable[..., Awaitable[Gateway]]


def clean_environment() -> dict[str, str]:
    """The environment without the settings of the developer's own gateway."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FLEETGRAPH_")}


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("FLEETGRAPH_") and name != NAMED_SERVER:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _errors_alone_are_logged() -> None:
    """A fault inside a gateway of this process shows in the test's output; what went well does not."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("error"),
    )


@asynccontextmanager
async def served(settings: dict[str, Any]) -> AsyncIterator[Gateway]:
    """Serve the application on a free port of the loopback interface, with a client of it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # Rows with made-up moments stay as they were written, unless a test wants what is done by itself.
        unhurried = {"presence_sweep_seconds": 86_400.0, "scheduler_seconds": 86_400.0, **settings}
        chosen = Settings(host="127.0.0.1", port=listening.getsockname()[1], **unhurried)
        application = build_application(chosen)
        runner = make_runner(application)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
                yield Gateway(chosen.base_url, session, application)
            # Whatever a test asks for runs by a plan, but for questions about the schema and what has an error to tell.
            assert set(application[SERVICE].operations.fallbacks) <= {INTROSPECTION, "error"}
        finally:
            await runner.cleanup()
            # It holds the last thousand applications otherwise, each with its schema, for as long as the process runs.
            web_app._cached_build_middleware.cache_clear()


@pytest.fixture
async def start_gateway(database_url: str, tmp_path: Path) -> AsyncIterator[StartGateway]:
    """`await start_gateway(setting=value, ...)`: a gateway on the test's database with settings of its own.

    Several may run in one test: they share the database and the data directory like the processes of one installation.
    The profile is `development` unless the test says otherwise.
    """
    async with AsyncExitStack() as running:

        async def start(**settings: Any) -> Gateway:
            given = {
                "profile": Profile.DEVELOPMENT,
                "database_url": database_url,
                "data_dir": tmp_path / "data",
                "token_secret": TOKEN_SECRET,
                **settings,
            }
            return await running.enter_async_context(served(given))

        yield start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    """A gateway on the test's database, in the development profile."""
    return await start_gateway()


@dataclass(frozen=True)
class LiveGateway:
    """A whole gateway as a process: demo fleet, simulator and all."""

    url: str
    process: subprocess.Popen[bytes]
    directory: Path
    log: Path

    demo_email: str = "demo@example.com"
    demo_password: str = "fleetgraph-demo"


@pytest.fixture(scope="session")
def live_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """A gateway as `make run` starts it, with a demo fleet and the simulator, in a directory of its own.

    One for each worker; tests may change things in it and must not rely on numbers that others can change.
    """
    directory = tmp_path_factory.mktemp("live")
    log = directory / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "gateway.py"), "dev", "--port", "0"],
            cwd=ROOT,
            env=clean_environment() | {"FLEETGRAPH_DATA_DIR": str(directory / "data")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield LiveGateway(wait_until_ready(process, log), process, directory, log)
    finally:
        stop(process)


def wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that the gateway prints, once `/readyz` answers there."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        printed = log.read_text(errors="replace")
        if process.poll() is not None:
            pytest.fail(f"the gateway ended with {process.returncode}:\n{printed[-4000:]}")
        found = re.search(r"http://127\.0\.0\.1:[1-9]\d*", printed)
        if found and is_ready(found.group()):
            return found.group()
        time.sleep(0.1)
    pytest.fail(f"the gateway was not ready in {SECONDS_TO_START} seconds:\n{log.read_text(errors='replace')[-4000:]}")


def is_ready(url: str) -> bool:
    """Whether the gateway at `url` says that it can serve."""
    try:
        with urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours: asked first, killed when it does not listen."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
async def live(live_gateway: LiveGateway) -> AsyncIterator[GatewayClient]:
    """A client of the live gateway."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield GatewayClient(live_gateway.url, session)
