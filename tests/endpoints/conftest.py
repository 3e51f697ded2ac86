from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.endpoints.laboratory import Served, served


@pytest.fixture
async def gateway() -> AsyncIterator[Served]:
    """The laboratory in the development profile."""
    async with served() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client without defaults of its own: what a test does not send is not sent."""
    async with ClientSession(skip_auto_headers=("Accept", "User-Agent", "Accept-Encoding")) as session:
        yield session
