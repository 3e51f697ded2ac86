"""The clients of examples/ do what the README says of them, against a whole gateway with its demo fleet."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.explorer.javascript import ROOT, node, require_packages, run

# The first test waits for a gateway with its demo fleet.
pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

EXAMPLES = ROOT / "examples"
WAYS = (
    ("apollo-client", "socket"),
    ("apollo-client", "http"),
    ("graphql-sse", "events"),
    ("graphql-ws", "socket"),
    ("python-gql", "socket"),
    ("python-gql", "http"),
    ("urql", "socket"),
    ("urql", "events"),
)
CLIENTS = sorted({client for client, _ in WAYS})


def command(client: str) -> list[str | Path]:
    folder = EXAMPLES / client
    if (folder / "main.py").exists():
        return [sys.executable, folder / "main.py"]
    require_packages(folder)
    return [node(), folder / "main.js"]


def start(client: str, gateway: Any, password: str, way: str = "socket") -> subprocess.CompletedProcess[str]:
    return run(
        command(client),
        folder=EXAMPLES / client,
        seconds=90,
        FLEETGRAPH_URL=gateway.url,
        FLEETGRAPH_EMAIL=gateway.demo_email,
        FLEETGRAPH_PASSWORD=password,
        FLEETGRAPH_SUBSCRIPTIONS=way,
    )


def test_every_example_is_tested() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/main.*")) == CLIENTS


@pytest.mark.parametrize(("client", "way"), WAYS)
def test_it_asks_the_fleet_and_sees_its_report_arrive(client: str, way: str, live_gateway: Any) -> None:
    ended = start(client, live_gateway, live_gateway.demo_password, way)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert f"{live_gateway.demo_email} is OWNER" in ended.stdout
    assert re.search(r"^.+: \d+ groups, [1-9]\d* deployments, [1-9]\d* OTA jobs$", ended.stdout, re.MULTILINE)
    assert re.search(rf'^.+ reported "{client} \d+" in version \d+, seen at cursor \S+$', ended.stdout, re.MULTILINE)


@pytest.mark.parametrize("client", CLIENTS)
def test_it_says_what_is_wrong_and_fails(client: str, live_gateway: Any) -> None:
    ended = start(client, live_gateway, "not the password")
    assert ended.returncode == 1
    assert re.fullmatch(r"Failed: .+\n", ended.stderr)
    assert ended.stdout == ""
