"""A PostgreSQL server of one test's own, which the test may stop and start again.

Its commits are on the disk before they are answered, as far as the death of its processes goes, unlike those of the
run's server (tests/postgres.py).
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests import postgres

PASSWORD: Final = "a-password-of-the-server"
SETTINGS: Final = {**postgres.SETTINGS, "synchronous_commit": "on", "log_min_messages": "fatal"}


class Server:
    """A running server, with its address."""

    def __init__(self, directory: Path) -> None:
        self._binaries = postgres.readable_binaries(directory)
        self._data = directory / "postgres"
        postgres.make_cluster(self._binaries, self._data, PASSWORD)
        self._process, self._port = postgres.serve(self._binaries, self._data, SETTINGS)
        self.url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self._port}/postgres"

    async def restart(self, how: signal.Signals) -> None:
        """Stop the server (SIGINT: orderly, SIGQUIT: as a crash), and start it again on its port."""
        await asyncio.to_thread(self.stop, how)
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        self._process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
            command, user=postgres.server_user(), cwd="/", env=postgres.environment(self._binaries)
        )
        async with asyncio.timeout(postgres.SECONDS_TO_START):
            while not postgres.is_ready(self._data):
                assert self._process.poll() is None, "the server ended by itself"
                await asyncio.sleep(0.02)

    def stop(self, how: signal.Signals) -> None:
        """Stop the server and wait for its end."""
        self._process.send_signal(how)
        self._process.wait()


@contextmanager
def own_server(directory: Path) -> Iterator[Server]:
    """A server whose data lies in `directory`, made for it; both are gone when the block ends."""
    directory.mkdir(mode=0o711)
    try:
        server = Server(directory)
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(directory)
