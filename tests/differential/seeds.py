"""Options of the differential tests: how many operations are drawn, and from which seed.

The seed is another one in each run, the same for all workers of it, and stands in the header of the run.
"""

from __future__ import annotations

from random import SystemRandom

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--differential-seed", help="draw the operations of the differential tests from this seed")
    parser.addoption(
        "--differential-operations",
        type=int,
        default=1_000,
        help="how many queries the differential tests ask on each database (1000)",
    )


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("differential_seed") or config.option.differential_seed
    config.option.differential_seed = given or str(SystemRandom().randrange(10**9))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist the seed of the run."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["differential_seed"] = config.option.differential_seed  # type: ignore[attr-defined]


def pytest_report_header(config: pytest.Config) -> str:
    return f"differential seed: {config.option.differential_seed}"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    """What the labels of drawn operations start with."""
    chosen: str = request.config.option.differential_seed
    return chosen


@pytest.fixture
def how_many(request: pytest.FixtureRequest) -> int:
    """How many queries are asked on each database."""
    chosen: int = request.config.option.differential_operations
    return chosen
