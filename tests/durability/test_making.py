"""`kill -9` of processes that sign and generate: everything is made once, and nothing is forgotten."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.enums import ArtifactStatus, SigningStatus
from models.tables import ARTIFACT, ATTACHMENT, ORGANIZATION, SIGNATURE, SIGNING_REQUEST
from tests.cast import Cast, org_id
from tests.gateways import ROOT, clean_environment
from tests.services.formats.esp_files import bootloader, image
from tests.signing import ask_to_sign, attach, make_key, parts_of, upload_file, upload_image

KILLS = 3
PROCESSES = 2
REQUESTS = 12
GENERATIONS = 12
LONGEST_LIFE = 0.25
SECONDS_TO_START = 120.0
SECONDS_TO_FINISH = 120.0

pytestmark = pytest.mark.timeout(600)


@asynccontextmanager
async def working(url: str, data_dir: Path) -> AsyncIterator[None]:
    """Processes that are killed at the end: nothing of them gets to clean up."""
    processes = [
        subprocess.Popen(  # noqa: ASYNC220 - starting is quick
            [sys.executable, "-m", "tests.durability.making", url, str(data_dir)],
            env=clean_environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        async with asyncio.timeout(SECONDS_TO_START):
            for process in processes:
                assert process.stdout is not None
                assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        yield
        assert all(process.poll() is None for process in processes), "a process ended by itself"
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


async def order_everything(cast: Cast) -> None:
    """Requests to sign, some with a boot loader beside, and files to be generated."""
    artifact = await upload_image(cast, image())
    await attach(cast, artifact, bootloader())
    raw = await upload_file(cast, b"level = 3\n" * 100_000, format="RAW", releaseName="raw", fileName="pump.conf")
    for number in range(REQUESTS):
        await ask_to_sign(cast, artifact, [await make_key(cast, str(number))], signBootloader=number % 2 == 0)
    for number in range(GENERATIONS):
        named = {"organizationId": org_id(cast.acme), "sourceArtifactId": raw, "name": f"rel-{number}"}
        meant = {"compatibleTypes": ["pump"], "type": "SINGLE_FILE", "args": {"destDir": "/etc"}}
        await cast.change("editor", "generateArtifact", {**named, **meant})


async def is_anything_left(cast: Cast) -> bool:
    done = SIGNING_REQUEST.c.status.in_((SigningStatus.SUCCESS, SigningStatus.FAILED))
    return bool(
        await cast.count(SIGNING_REQUEST, ~done)
        or await cast.count(ARTIFACT, ARTIFACT.c.status == ArtifactStatus.GENERATING)
    )


async def test_killed_processes_make_nothing_twice_and_forget_nothing(cast: Cast, database_url: str) -> None:
    await order_everything(cast)
    data_dir = parts_of(cast).settings.data_dir
    chance = random.Random()
    for _ in range(KILLS):
        async with working(database_url, data_dir):
            await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
    async with working(database_url, data_dir), asyncio.timeout(SECONDS_TO_FINISH):
        while await is_anything_left(cast):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.1)
    beside = REQUESTS // 2
    assert await cast.count(SIGNING_REQUEST, SIGNING_REQUEST.c.status == SigningStatus.SUCCESS) == REQUESTS
    assert await cast.count(ARTIFACT, ARTIFACT.c.signed_from_id.is_not(None)) == REQUESTS
    assert await cast.count(ARTIFACT, ARTIFACT.c.status == ArtifactStatus.READY) == 2 + REQUESTS + GENERATIONS
    assert await cast.count(SIGNATURE) == REQUESTS + beside
    assert await cast.count(ATTACHMENT, ATTACHMENT.c.uploaded_at.is_not(None)) == 1 + beside
    sizes = [(await cast.rows(select(func.sum(table.c.size))))[0][0] for table in (ARTIFACT, ATTACHMENT)]
    assert await cast.value(ORGANIZATION.c.storage_used, ORGANIZATION.c.id == cast.acme) == sum(sizes)
    for table in (ARTIFACT, ATTACHMENT):
        for key, size in await cast.rows(select(table.c.id, table.c.size)):
            async with parts_of(cast).storage.open(key) as stored:
                assert stored.size == size
