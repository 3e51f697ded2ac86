"""The gateway before the judges: the audits of npm `graphql-http`, and the client `graphql-ws`."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.endpoints.laboratory import Served, served
from tests.gateways import Gateway
from tests.run import RUN_DIRECTORY, only_one

HERE = Path(__file__).parent
AUDITS = 61
SECONDS = 60.0


@pytest.fixture(scope="session")
def node_modules(pytestconfig: pytest.Config) -> Path:
    """The npm packages, as the lock file has them; installed once, when they are missing or another version."""
    npm = shutil.which("npm")
    assert npm is not None, "the conformance tests need npm"
    modules = HERE / "node_modules"
    installed = modules / ".package-lock.json"
    with only_one(pytestconfig.stash[RUN_DIRECTORY], "conformance-npm"):
        if not installed.exists() or _versions(installed) != _versions(HERE / "package-lock.json"):
            subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True, timeout=100)
    return modules


def _versions(lock: Path) -> dict[str, str]:
    packages = json.loads(lock.read_text())["packages"]
    return {name: package["version"] for name, package in packages.items() if name}


async def _communicate(*command: str) -> tuple[int | None, str]:
    """Run a command in this folder for a while at most; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode, output.decode()


async def node(script: str, *arguments: str) -> list[dict[str, Any]]:
    """Run a script of this folder and return the JSON lines that it prints."""
    code, output = await _communicate("node", script, *arguments)
    assert code is not None
    return [json.loads(line) for line in output.splitlines()]


async def test_all_audits_of_graphql_over_http_are_ok(node_modules: Path) -> None:
    async with served() as gateway:
        results = await node("audit.mjs", f"{gateway.url}/graphql")
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_all_audits_are_ok_over_the_schema_of_the_fleet(node_modules: Path, gateway: Gateway) -> None:
    results = await node("audit.mjs", f"{gateway.url}/graphql")
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS


async def test_the_client_graphql_ws(node_modules: Path) -> None:
    async with served() as gateway:
        seen = {line["what"]: line["value"] for line in await node("clients.mjs", websocket(gateway), "Bearer alice")}
    assert seen["query"] == [{"data": {"whoami": "user_alice"}}]
    assert seen["mutation"] == [{"data": {"note": "rain"}}]
    assert seen["subscription"] == [{"data": {"ticks": {"number": number}}} for number in range(3)]
    assert seen["together"] == [
        [{"data": {"a": "hello world"}}],
        ["GRAPHQL_VALIDATION_FAILED"],
        [{"data": {"ticks": {"number": number}}} for number in range(2)],
    ]
    assert seen["first of many"] == {"data": {"gated": {"number": 0}}}
    assert seen["after leaving"] == [{"data": {"hello": "hello world"}}]
    assert seen["pongs"] is True
    assert seen["refused"] == {"code": 4403, "reason": "Forbidden"}
    assert gateway.laboratory.seen["never cancelled"] == 1


def websocket(gateway: Served) -> str:
    return f"ws://127.0.0.1:{gateway.port}/graphql"
