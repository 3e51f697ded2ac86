"""An S3-compatible server of the run, and a bucket of each test in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from models.ids import new_id
from services.s3_storage import Bucket
from tests.gateways import Gateway, StartGateway

SERVER: Final = Path(sys.prefix) / "s3" / "bin" / "python"
START_SECONDS: Final = 60


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server in a process of its own, from the environment that `make test` makes for it."""
    if not SERVER.exists():
        if os.environ.get("CI"):
            pytest.fail("the S3-compatible server is not installed: make .venv/s3/.stamp")
        pytest.skip("the S3-compatible server is not installed: make .venv/s3/.stamp")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "server.log"
    command = [str(SERVER), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/moto-api/", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail("the S3-compatible server did not start")


@pytest.fixture
async def bucket(s3_server: str) -> Bucket:
    """An empty bucket."""
    name = f"fleet-{new_id().hex}"
    async with aiohttp.ClientSession() as session, session.put(f"{s3_server}/{name}") as response:
        assert response.status == 200
    return Bucket(
        name=name, region="us-east-1", key_id="AKIDEXAMPLE", secret="a secret of the tests", endpoint=s3_server
    )


@pytest.fixture
async def gateway(start_gateway: StartGateway, bucket: Bucket) -> Gateway:
    """A gateway that keeps its files in the bucket; `cast` is made over it."""
    settings: dict[str, Any] = {
        "s3_bucket": bucket.name,
        "s3_endpoint": bucket.endpoint,
        "s3_region": bucket.region,
        "s3_access_key_id": bucket.key_id,
        "s3_secret_access_key": bucket.secret,
    }
    return await start_gateway(**settings)
