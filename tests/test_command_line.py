"""What the command line says when it cannot do what is asked: one line, an exit code, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateways import ROOT, clean_environment


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "gateway.py"), *arguments],
        env=clean_environment() | environment,
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["serve", "--database", "postgresql://nobody@127.0.0.1:1/none"], {}, "the database or a file cannot be used"),
        (["serve", "--database", "sqlite:////nonexistent/fleet.db"], {}, "the folder of the database is not there"),
        (["serve", "--database", "mysql://host/fleet"], {}, "a store of kind 'mysql' is not known"),
        (["serve"], {"FLEETGRAPH_TOKEN_SECRET": "short"}, "token_secret"),
        (["migrate"], {"FLEETGRAPH_PORT": "many"}, "port"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    ended = run(*arguments, FLEETGRAPH_DATA_DIR=str(tmp_path), **environment)
    assert ended.returncode != 0
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_database_without_migrations_is_not_served(tmp_path: Path) -> None:
    refused = run("serve", FLEETGRAPH_DATA_DIR=str(tmp_path))
    assert refused.returncode == 1
    assert "python gateway.py migrate" in refused.stderr
    assert run("migrate", FLEETGRAPH_DATA_DIR=str(tmp_path)).returncode == 0
    made = run(
        "create-admin", "--email", "root@example.com", "--password", "long-enough", FLEETGRAPH_DATA_DIR=str(tmp_path)
    )
    assert made.returncode == 0, made.stderr
    again = run(
        "create-admin", "--email", "root@example.com", "--password", "long-enough", FLEETGRAPH_DATA_DIR=str(tmp_path)
    )
    assert again.returncode == 1
    assert "Traceback" not in again.stderr


def test_help_names_every_command() -> None:
    said = run("--help").stdout
    for command in ("serve", "migrate", "create-admin", "demo", "dev", "simulate", "export-schema"):
        assert f"\n  {command} " in said
