"""Persisted queries with the link that Apollo's clients use (npm `@apollo/client`, as the example has it)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from endpoints.settings import DocumentSettings, EndpointSettings
from tests.endpoints.laboratory import Served, served
from tests.explorer.javascript import ROOT, node, require_packages

CLIENT: Final = ROOT / "examples" / "apollo-client"
SCRIPT: Final = Path(__file__).with_name("persisted.mjs")
SECONDS: Final = 30.0
ADA, JONAS, RAIN = {"hello": "hello Ada"}, {"hello": "hello Jonas"}, {"note": "rain"}
GREET: Final = "query Greet($name: String!) {\n  hello(name: $name)\n}"
"""The document as the client prints it."""


async def ask(gateway: Served, method: str = "POST", *manifest: str) -> tuple[list[Any], list[Any]]:
    """What the client sent, as `method query hash`, and what it was answered."""
    require_packages(CLIENT)
    process = await asyncio.create_subprocess_exec(
        node(), SCRIPT, f"{gateway.url}/graphql", method, *manifest, cwd=CLIENT, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, output.decode()
    lines = [json.loads(line) for line in output.splitlines()]
    sent = [line["value"] for line in lines if line["what"] == "request"]
    parts = [" ".join([each["method"], *(name for name in ("query", "hash") if each[name])]) for each in sent]
    return parts, [line["value"] for line in lines if line["what"] == "answer"]


@pytest.fixture
async def gateway() -> AsyncIterator[Served]:
    async with served() as running:
        yield running


async def test_a_document_is_sent_once(gateway: Served) -> None:
    sent, answers = await ask(gateway)
    assert answers == [ADA, JONAS, RAIN]
    assert sent == ["POST hash", "POST query hash", "POST hash", "POST hash", "POST query hash"]
    # Another client finds it there.
    assert (await ask(gateway))[0] == ["POST hash", "POST hash", "POST hash"]


async def test_hashes_by_get_in_development(gateway: Served) -> None:
    sent, answers = await ask(gateway, "GET")
    assert answers == [ADA, JONAS, RAIN]
    assert sent == ["GET hash", "POST query hash", "GET hash", "POST hash", "POST query hash"]


async def test_hashes_by_get_in_production_end_in_a_post() -> None:
    async with served(EndpointSettings(production=True)) as gateway:
        sent, answers = await ask(gateway, "GET")
    assert answers == [ADA, JONAS, RAIN]
    assert sent[:4] == ["GET hash", "POST query hash", "GET hash", "POST query hash"]


async def test_registered_documents_by_get_in_production() -> None:
    async with served(EndpointSettings(production=True), registered={"greet": GREET}) as gateway:
        sent, answers = await ask(gateway, "GET")
    assert answers == [ADA, JONAS, RAIN]
    assert sent[:2] == ["GET hash", "GET hash"]


async def test_a_client_gives_hashes_up_where_they_are_not_taken() -> None:
    off = DocumentSettings(persisted_queries=False)
    async with served(EndpointSettings(production=True, documents=off)) as gateway:
        sent, answers = await ask(gateway)
    assert answers == [ADA, JONAS, RAIN]
    assert sent == ["POST hash", "POST query", "POST query", "POST query"]


@pytest.mark.parametrize(("manifest", "answered"), [({"Greet": "greet"}, True), ({"Greet": "other"}, False)])
async def test_ids_of_a_manifest_where_only_registered_documents_run(
    manifest: dict[str, str], *, answered: bool
) -> None:
    trusted = EndpointSettings(production=True, documents=DocumentSettings(trusted_only=True))
    async with served(trusted, registered={"greet": GREET}) as gateway:
        sent, answers = await ask(gateway, "POST", json.dumps(manifest))
    assert answers == ([ADA, JONAS] if answered else [["DOCUMENT_NOT_REGISTERED"]] * 2)
    assert sent == ["POST hash", "POST hash"]
