from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import structlog
import uvloop
from aiohttp import ClientSession

from endpoints.logs import configure_logs
from tests.endpoints.laboratory import Served, served


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the gateway runs on: its transports are not those of asyncio."""
    return {"uvloop": uvloop.new_event_loop}


class Logs:
    """The log of one test."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        for handler in logging.getLogger().handlers:
            handler.flush()
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture(autouse=True)
def logs() -> Iterator[Logs]:
    """The structured log, as JSON lines; put back as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    kept = Logs()
    configure_logs("json", "info", kept.stream)
    yield kept
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("aiohttp.access").setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture
async def gateway(logs: Logs) -> AsyncIterator[Served]:
    """The laboratory in the development profile."""
    async with served() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client without defaults of its own: what a test does not send is not sent."""
    async with ClientSession(skip_auto_headers=("Accept", "User-Agent", "Accept-Encoding")) as session:
        yield session
