"""Options of the tests of live: how many events and readers there are, and from which seed all is drawn.

The seed is another one in each run, the same for all workers of it, and stands in the header of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Final

import pytest

EVENTS: Final = 2_000
READERS: Final = 200


@dataclass(frozen=True)
class Scale:
    """How much a test does: events that writers in processes of their own write, and readers that stop reading."""

    seed: str
    events: int
    readers: int

    def chance(self, label: str) -> Random:
        """Numbers drawn from the seed of the run, for one purpose."""
        return Random(f"{self.seed}/{label}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--live-seed", help="draw what the tests of live do from this seed")
    parser.addoption(
        "--live-events", type=int, default=EVENTS, help=f"how many events writers write in tests/live ({EVENTS})"
    )
    parser.addoption(
        "--live-readers", type=int, default=READERS, help=f"how many readers stop reading in tests/live ({READERS})"
    )


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("live_seed") or config.option.live_seed
    config.option.live_seed = given or str(SystemRandom().randrange(10**9))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist the seed of the run."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["live_seed"] = config.option.live_seed  # type: ignore[attr-defined]


def pytest_report_header(config: pytest.Config) -> str:
    return f"live seed: {config.option.live_seed}"


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    """How much the tests of live do, and the numbers that they draw."""
    option = request.config.option
    return Scale(option.live_seed, option.live_events, option.live_readers)
