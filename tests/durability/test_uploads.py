"""`kill -9` in the middle of a piece of a file: what had come is there afterwards, and the rest makes it whole."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.client import GatewayClient
from tests.fleets import Fleet
from tests.live.processes import GatewayProcess
from tests.uploading import PIECE, TUS

CONTENT = os.urandom(3_000_000)
KILLS = (500_000, 1_500_000)
"""How much has come when the gateway is killed, at least."""
DECLARE = "artifact { id } uploadUrl"


async def slow_pieces(content: bytes) -> AsyncIterator[bytes]:
    """The content, and then nothing for ever, so that the piece is still being sent when the gateway is killed."""
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]
    await asyncio.Event().wait()


async def offset_of(session: aiohttp.ClientSession, url: str) -> int:
    async with session.head(url, headers=TUS) as response:
        assert response.status == 200
        return int(response.headers["Upload-Offset"])


async def send_until_killed(session: aiohttp.ClientSession, process: GatewayProcess, url: str, most: int) -> None:
    """Send a piece that does not end, and kill the gateway once most of it has come."""
    offset = await offset_of(session, url)
    headers = {**PIECE, "Upload-Offset": str(offset)}

    async def send() -> None:
        async with session.patch(url, data=slow_pieces(CONTENT[offset : most + 600_000]), headers=headers) as response:
            raise AssertionError(f"answered {response.status}")

    sending = asyncio.create_task(send())
    async with asyncio.timeout(60):
        while await offset_of(session, url) < most:
            assert not sending.done(), sending
            await asyncio.sleep(0.02)
    process.kill()
    (result,) = await asyncio.gather(sending, return_exceptions=True)
    assert isinstance(result, aiohttp.ClientError | ConnectionError), result


async def test_a_piece_survives_a_kill(fleet: Fleet, database_url: str, tmp_path: Path) -> None:
    tenant = fleet.alder
    process = GatewayProcess(database_url, tmp_path / "gateway", {})
    given = {"releaseName": "9.0", "version": "9", "model": "pump", "fileName": "pump.bin", "size": len(CONTENT)}
    try:
        await process.start()
        async with aiohttp.ClientSession() as session:
            client = GatewayClient(process.url, session)
            declared = {"organizationId": tenant.organization, **given, "sha256": hashlib.sha256(CONTENT).hexdigest()}
            made = await client.change("createArtifact", declared, select=DECLARE, token=tenant.owner.token)
            url = made["uploadUrl"]
            for most in KILLS:
                await send_until_killed(session, process, url, most)
                await process.start()
                assert most <= await offset_of(session, url) < len(CONTENT)
            offset = await offset_of(session, url)
            async with session.patch(
                url, data=io.BytesIO(CONTENT[offset:]), headers={**PIECE, "Upload-Offset": str(offset)}
            ) as response:
                assert (response.status, response.headers["Upload-Status"]) == (204, "READY")
            query = "query ($id: ID!) { artifact(id: $id) { status sha256 downloadUrl } }"
            found = await client.data(query, {"id": made["artifact"]["id"]}, token=tenant.owner.token)
            assert found["artifact"]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
            async with session.get(found["artifact"]["downloadUrl"]) as response:
                assert await response.read() == CONTENT
    finally:
        process.kill()
    assert list((tmp_path / "gateway" / "incoming").iterdir()) == []
