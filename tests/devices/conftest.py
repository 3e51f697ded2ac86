"""Stock clients, and where they are started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cast import Cast
from tests.devices.by_hand import Device
from tests.devices.depot import Depot
from tests.devices.stock import require_stock_client


@pytest.fixture
def depot(cast: Cast, tmp_path: Path) -> Depot:
    """A gateway for Debian's mender-client; skips, or fails in CI, where that cannot run."""
    require_stock_client()
    return Depot(cast, tmp_path)


@pytest.fixture
def device(cast: Cast) -> Device:
    """The pump of the small world, which speaks the device protocol."""
    return Device(cast)
