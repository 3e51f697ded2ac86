"""A download through the gateway against aiohttp's own response for a plain file, on one core each.

    python bench/downloads.py [--megabytes 64] [--connections 4] [--rounds 7] [--downloads 12]

aiohttp is measured on the standard event loop, where the kernel sends the file, and on uvloop, where it cannot. The
servers share one core and take turns; the clients have the other, and throw away what they receive. Prints a table
and `RATIO download aiohttp <ours divided by the better of the two>`, of the medians of all rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvloop
from aiohttp import web

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cores import cpu_seconds, pinned, two_cores
from models import ArtifactRow, OrganizationRow
from models.enums import ArtifactStatus
from models.store import StoreSettings, open_store
from services.signed_addresses import SignedAddresses
from services.storage import LocalStorage
from services.tokens import TokenKeys

ROOT: Final = Path(__file__).resolve().parents[1]
SECRET: Final = "a secret of the measurement, long enough to sign with"
SECONDS_TO_START: Final = 60
RECEIVE_BYTES: Final = 1_048_576
MEGABYTE: Final = 1_048_576


@dataclass
class Server:
    """What is measured: where the file is, and the megabytes a second of each round."""

    name: str
    port: int
    path: str
    pid: int
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    """Milliseconds of the processor for a hundred megabytes, of each round."""


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def place_artifact(data: Path, content: Path, size: int) -> str:
    """Put a file into the data directory of a gateway as that of an artifact; gives the path of its address."""
    store = open_store(StoreSettings(url=f"sqlite:///{data / 'fleet.db'}"))
    organization = OrganizationRow(name="Bench")
    artifact = ArtifactRow(
        organization_id=organization.id,
        name="1",
        file_name="firmware.bin",
        size=size,
        sha256=await asyncio.to_thread(_sha256, content),
        status=ArtifactStatus.READY,
        uploaded_at=organization.created_at,
    )
    async with store.write() as session:
        session.add(organization)
        await session.flush()
        session.add(artifact)
    await store.close()
    async with LocalStorage(data / "artifacts").bring(artifact.id, content, artifact.file_name) as placement:
        await placement.keep()
    address = SignedAddresses(TokenKeys.of(SECRET), "http://127.0.0.1", 86_400).download(artifact.id)
    return urlsplit(address.url).path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def serve_plain(port: int, content: Path, loop: str) -> None:
    """Serve one file by aiohttp alone; what runs in the process of that server."""

    async def give(_: web.Request) -> web.FileResponse:
        return web.FileResponse(content)

    application = web.Application()
    application.router.add_get("/file", give)
    made = uvloop.new_event_loop() if loop == "uvloop" else asyncio.new_event_loop()
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None, loop=made)


@contextmanager
def started(command: list[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """A server in a process of its own, which listens; gives the id of the process."""
    with subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + SECONDS_TO_START
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"did not start: {' '.join(command)}")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def download(server: Server, size: int, times: int) -> None:
    """Fetch the file again and again over one connection; exits when an answer is not what it should be."""
    request = f"GET {server.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    waste = bytearray(RECEIVE_BYTES)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for _ in range(times):
            connection.sendall(request)
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            if b" 200 " not in head.split(b"\r\n", 1)[0] or f"content-length: {size}".encode() not in head.lower():
                raise SystemExit(f"{server.name} answers: {head!r}")
            left = size
            while left:
                # Thrown away by the kernel, so that the client costs as little as it can.
                left -= connection.recv_into(waste, min(left, RECEIVE_BYTES), socket.MSG_TRUNC) or _cut(server)


def _cut(server: Server) -> int:
    raise SystemExit(f"{server.name} ended in the middle of a file")


def measure(server: Server, size: int, connections: int, downloads: int) -> float:
    """Megabytes a second over all connections together."""
    each = max(1, downloads // connections)
    begin = time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(lambda _: download(server, size, each), range(connections)))
    return each * connections * size / MEGABYTE / (time.perf_counter() - begin)


def run(size: int, connections: int, rounds: int, downloads: int) -> list[Server]:
    """Start the servers, and let them take turns."""
    cores = two_cores()
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        content = data / "content.bin"
        content.write_bytes(os.urandom(size))
        settings = {
            "FLEETGRAPH_DATA_DIR": str(data),
            "FLEETGRAPH_TOKEN_SECRET": SECRET,
            "FLEETGRAPH_LOG_LEVEL": "error",
        }
        gateway = [sys.executable, str(ROOT / "gateway.py")]
        subprocess.run([*gateway, "migrate"], env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)
        path = uvloop.run(place_artifact(data, content, size))
        servers = []
        with pinned(cores.servers):
            port = free_port()
            pid = stack.enter_context(started([*gateway, "serve", "--port", str(port)], port, settings))
            servers.append(Server("gateway", port, path, pid))
            for loop in ("asyncio", "uvloop"):
                port = free_port()
                plain = [sys.executable, __file__, "--plain", str(port), str(content), loop]
                pid = stack.enter_context(started(plain, port, {}))
                servers.append(Server(f"aiohttp on {loop}", port, "/file", pid))
        stack.enter_context(pinned(cores.load))
        for number in range(rounds + 1):
            for server in servers:
                before = cpu_seconds(server.pid)
                rate = measure(server, size, connections, downloads)
                cost = (
                    (cpu_seconds(server.pid) - before)
                    * 1e5
                    / (downloads // connections * connections * size / MEGABYTE)
                )
                if number:  # the first round warms up
                    server.rates.append(rate)
                    server.costs.append(cost)
    return servers


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=64, help="the size of the file (64)")
    parser.add_argument("--connections", type=int, default=4, help="clients at the same time (4)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each server (7)")
    parser.add_argument("--downloads", type=int, default=12, help="downloads in a turn, of all clients together (12)")
    parser.add_argument("--plain", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.plain:
        serve_plain(int(chosen.plain[0]), Path(chosen.plain[1]), chosen.plain[2])
        return
    servers = run(chosen.megabytes * MEGABYTE, chosen.connections, chosen.rounds, chosen.downloads)
    print(f"{chosen.megabytes} MiB, {chosen.connections} connections, median of {chosen.rounds} rounds")
    medians = {server.name: statistics.median(server.rates) for server in servers}
    for server in servers:
        spread = f"{min(server.rates):.0f} to {max(server.rates):.0f}"
        cost = statistics.median(server.costs)
        print(f"{server.name:20} {medians[server.name]:8.0f} MiB/s ({spread})   {cost:6.1f} ms of CPU for 100 MiB")
    best = max(rate for name, rate in medians.items() if name != "gateway")
    print(f"RATIO download aiohttp {medians['gateway'] / best:.2f}")


if __name__ == "__main__":
    main()
