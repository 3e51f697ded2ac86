"""Streams over HTTP before clients as they come, which know nothing of this gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.endpoints.laboratory import served
from tests.explorer.javascript import ROOT, node, require_packages

SCRIPT: Final = Path(__file__).with_name("streams.mjs")
SECONDS: Final = 60.0
TICKS: Final = [{"ticks": {"number": number}} for number in range(3)]


@pytest.mark.clients
async def test_clients_as_they_come() -> None:
    for example in ("apollo-client", "graphql-sse", "urql"):
        require_packages(ROOT / "examples" / example)
    async with served() as gateway:
        process = await asyncio.create_subprocess_exec(
            node(), SCRIPT, f"{gateway.url}/graphql", "Bearer alice", stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(SECONDS):
                output, _ = await process.communicate()
                # Who left early has been noticed.
                await gateway.laboratory.at("never cancelled").wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, output.decode()
    seen: dict[str, Any] = {line["what"]: line["value"] for line in map(json.loads, output.splitlines())}
    assert seen == {
        "sse query": [{"data": {"whoami": "user_alice"}}],
        "sse mutation": [{"data": {"note": "rain"}}],
        "sse subscription": [{"data": data} for data in TICKS],
        "sse refused": ["GRAPHQL_VALIDATION_FAILED"],
        "sse first of many": {"data": {"gated": {"number": 0}}},
        "sse stranger": 401,
        "urql query": {"whoami": "user_alice"},
        "urql subscription": [0, 1, 2],
        "apollo query": {"whoami": "user_alice"},
        "apollo subscription": [{"ticks": {"__typename": "Tick", "number": number}} for number in range(3)],
        "apollo refused": [["CURSOR_EXPIRED"]],
    }
