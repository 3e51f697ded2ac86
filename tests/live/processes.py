"""Gateways in processes of their own, which tests kill and start again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.gateways import ROOT, TOKEN_SECRET, clean_environment, is_ready
from tests.postgres import free_port

SECONDS_TO_START: Final = 60.0
SHOWN: Final = 4_000


class GatewayProcess:
    """A gateway as production runs it, on a port that it keeps when it is started again."""

    def __init__(self, database_url: str, directory: Path, settings: Mapping[str, object]) -> None:
        """`settings` are names of settings and their values; `directory` takes the gateway's files and its log."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = directory / f"gateway-{self.port}.log"
        given = {
            "DATABASE_URL": database_url,
            "DATA_DIR": directory,
            "TOKEN_SECRET": TOKEN_SECRET,
            "LOG_LEVEL": "warning",
            "COST_PER_MINUTE": 0,
            **{name.upper(): value for name, value in settings.items()},
        }
        self._environment = clean_environment() | {f"FLEETGRAPH_{name}": str(value) for name, value in given.items()}
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the process, or start it again, and wait until it says that it can serve."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
                [sys.executable, str(ROOT / "gateway.py"), "serve", "--port", str(self.port)],
                env=self._environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(SECONDS_TO_START):
            while not await asyncio.to_thread(is_ready, self.url):
                assert self.is_running, self.log
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """End the process at once; nothing of it gets to clean up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether the process has neither ended by itself nor been killed."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """The end of what the process has logged."""
        return self._log.read_text(errors="replace")[-SHOWN:]

    @property
    def resident_bytes(self) -> int:
        """The memory that the process has now."""
        assert self._process is not None
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")
