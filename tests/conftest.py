"""What every test may ask for; see tests/README.md. The fixtures themselves stand in the modules named below."""

from __future__ import annotations

import pytest

pytest_plugins = (
    "tests.run",
    "tests.databases",
    "tests.statements",
    "tests.gateways",
    "tests.cast",
    "tests.fleets",
    "tests.differential.seeds",
    "tests.live.scale",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql", "both"),
        default="both",
        help="run the tests that have a database on this one only",
    )
    parser.addoption(
        "--machine-examples",
        type=int,
        default=10,
        help="how many courses of campaigns are drawn on each database (tests/services/ota/test_machine.py)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the database that was not asked for."""
    wanted = config.getoption("--database")
    if wanted == "both":
        return
    kept = [item for item in items if database_of(item) in (None, wanted)]
    left = [item for item in items if database_of(item) not in (None, wanted)]
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def database_of(item: pytest.Item) -> str | None:
    """The kind of database that a test runs on, or None for a test without one."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("database_kind") if callspec else None
