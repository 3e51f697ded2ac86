"""Every server that can be measured: how it is started, and how an operation is put to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from bench.answers import fetch
from bench.fleets import ROOT, SECONDS_TO_START, Fleet
from bench.load import post
from bench.operations import LOGIN
from bench.workloads import DOCUMENTS, WALK
from demo.people import DEMO_EMAIL, DEMO_PASSWORD
from tests import postgres

NODE_PROJECT: Final = ROOT / "bench" / "peers"
NODE: Final = NODE_PROJECT / "node_modules" / ".bin" / "node"
CONNECTIONS: Final = "8"
"""Connections to the database that every server may have, as many as the gateway takes unless told otherwise."""
Variables = dict[str, Any]


def unchanged(_: str, variables: Variables) -> Variables:
    """The variables as the gateway takes them."""
    return variables


@dataclass(frozen=True)
class Server:
    """A kind of server: its command, what it finds in its environment, and how it wants to be asked.

    `documents` are its own; None means that an operation is a path, and the variables are the body. `sign_in` gives the
    headers of every request, once the server runs. `functions` is SQL that it needs in the database.
    """

    name: str
    command: tuple[str, ...]
    environment: Callable[[Fleet, int], dict[str, str]]
    documents: Mapping[str, str] | None = field(default_factory=lambda: DOCUMENTS | {"walk": WALK})
    translate: Callable[[str, Variables], Variables] = unchanged
    sign_in: Callable[[int], dict[str, str]] = lambda _: {}
    functions: Path | None = None

    def request(self, operation: str, variables: Variables, headers: dict[str, str]) -> bytes:
        """The bytes that ask for the operation."""
        if self.documents is None:
            return post(f"/{operation}", orjson.dumps(variables), headers)
        body = {"query": self.documents[operation], "variables": self.translate(operation, variables)}
        return post("/graphql", orjson.dumps(body), headers)


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    server: Server
    port: int
    pid: int
    headers: dict[str, str]

    def request(self, operation: str, variables: Variables) -> bytes:
        """The bytes that ask for the operation."""
        return self.server.request(operation, variables, self.headers)


@contextmanager
def run(server: Server, fleet: Fleet) -> Iterator[Running]:
    """Start a server over a fleet, on the cores of this process; it is stopped with the block."""
    port = postgres.free_port()
    log = fleet.data_dir / f"{server.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command,
            cwd=ROOT,
            env=server.environment(fleet, port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, port, log)
            yield Running(server, port, process.pid, server.sign_in(port))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-3000:]}")


_FOR_A_LOAD: Final = {
    "FLEETGRAPH_DATABASE_CONNECTIONS": CONNECTIONS,
    "FLEETGRAPH_ACCESS_TOKEN_SECONDS": "86400",
    "FLEETGRAPH_COST_PER_MINUTE": str(10**12),
}
"""One caller asks more in a minute than callers may, and for longer than a token is good for; all is still checked."""


def gateway(**settings: str) -> Callable[[Fleet, int], dict[str, str]]:
    """The environment of a gateway that is loaded, with these settings on top."""

    def environment(fleet: Fleet, port: int) -> dict[str, str]:
        return fleet.environment | _FOR_A_LOAD | {"FLEETGRAPH_PORT": str(port)} | settings

    return environment


def _peer(fleet: Fleet, port: int) -> dict[str, str]:
    given = {"DATABASE_URL": fleet.url, "PORT": str(port), "CONNECTIONS": CONNECTIONS}
    return dict(os.environ) | given | {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}


def _signed_in(port: int) -> dict[str, str]:
    variables = {"input": {"email": DEMO_EMAIL, "password": DEMO_PASSWORD}}
    answer = orjson.loads(fetch(port, post("/graphql", orjson.dumps({"query": LOGIN, "variables": variables}), {})))
    return {"Authorization": f"Bearer {answer['data']['login']['session']['accessToken']}"}


def _for_postgraphile(operation: str, variables: Variables) -> Variables:
    """Rows by their UUID, and a condition with one value for each column."""
    match operation:
        case "point" | "nested":
            return {"id": _uuid(variables["id"])}
        case "filter":
            wanted = variables["filter"]
            [kind], [lifecycle] = wanted["type"], wanted["lifecycle"]
            return {"filter": {"type": kind, "lifecycle": lifecycle, "connected": wanted["connected"]}}
        case "mutation":
            given = variables["input"]
            return {"input": {"thingId": _uuid(given["thingId"]), "reported": given["reported"]}}
        case _:
            return variables


def _uuid(global_id: str) -> str:
    return str(UUID(hex=global_id.partition("_")[2]))


def _documents_of(peer: str) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (NODE_PROJECT / peer / "documents").glob("*.graphql")}


SERVE: Final = (sys.executable, str(ROOT / "gateway.py"), "serve")

OURS: Final = Server("fleetgraph", SERVE, gateway(), sign_in=_signed_in)
OURS_QUIET: Final = Server("fleetgraph-quiet", SERVE, gateway(FLEETGRAPH_LOG_LEVEL="warning"), sign_in=_signed_in)
STRAWBERRY: Final = Server("strawberry", (sys.executable, "-m", "bench.peers.ordinary.server"), _peer)
PEERS: Final = (
    Server(
        "postgraphile",
        (str(NODE), str(NODE_PROJECT / "postgraphile" / "server.js")),
        _peer,
        documents=_documents_of("postgraphile"),
        translate=_for_postgraphile,
        functions=NODE_PROJECT / "postgraphile" / "functions.sql",
    ),
    Server("mercurius", (str(NODE), str(NODE_PROJECT / "mercurius" / "server.js")), _peer),
    STRAWBERRY,
    Server("floor", (sys.executable, "-m", "bench.peers.floor.server"), _peer, documents=None),
)
"""Peers share the environment of the caller, since Node and Python find their own settings there."""
