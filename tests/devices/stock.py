"""Debian's mender-client as a process of its own: what it is told, what it finds on its disk, and its end.

The client looks for its settings, its identity and its update modules at fixed places of the system. So each has a
mount namespace in which directories of the test lie over them; nothing of the machine is changed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from tests.explorer.javascript import require

TYPE: Final = "test-board"
MODULE: Final = "fleet-test"
FIRST_NAME: Final = "base-1"
SECONDS_TO_END: Final = 20.0
_SECONDS_FOR_A_STEP: Final = 60.0
_DYING_WITH_US: Final = ("setpriv", "--pdeathsig", "KILL")
_NAMESPACE: Final = ("unshare", "--mount", "--propagation", "private")

_SCRIPT: Final = """#!/bin/sh
# What a test puts into the folder decides: "hold-STATE" lets the state wait, "fail-STATE" lets it fail.
state="$1"
here=/etc/mender/steps
case "$state" in
    NeedsArtifactReboot) echo No ;;
    SupportsRollback) echo Yes ;;
    *)
        touch "$here/reached-$state"
        while [ -e "$here/hold-$state" ]; do sleep 0.1; done
        if [ -e "$here/fail-$state" ]; then
            echo "the test wants $state to fail" >&2
            exit 1
        fi
        ;;
esac
"""


def require_stock_client() -> None:
    """See that both programs are here, and that this user may mount."""
    present = all(map(shutil.which, ("mender", "mender-artifact", "setpriv", "unshare"))) and os.geteuid() == 0
    require(present=present, missing="Debian's mender-client and mender-artifact run as root, and are not all here.")


@dataclass
class StockClient:
    """One device."""

    name: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def steps(self) -> Path:
        """Where the update module leaves and finds its notes."""
        return self.folder / "etc" / "steps"

    def hold(self, state: str) -> None:
        """Let a state of the next update wait until it is let go."""
        (self.steps / f"hold-{state}").touch()

    def let_go(self, state: str) -> None:
        """Let it go on."""
        (self.steps / f"hold-{state}").unlink()

    def fail(self, state: str) -> None:
        """Let a state of the next update fail."""
        (self.steps / f"fail-{state}").touch()

    async def reached(self, state: str) -> None:
        """Wait until the update module is asked for a state."""
        async with asyncio.timeout(_SECONDS_FOR_A_STEP):
            while not (self.steps / f"reached-{state}").exists():
                self.check()
                await asyncio.sleep(0.05)

    def check(self) -> None:
        """Fail when the client has ended."""
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log[-4000:]}"

    def ask(self) -> None:
        """Have it look for an update now."""
        self.process.send_signal(signal.SIGUSR1)

    def tell(self) -> None:
        """Have it send its inventory now."""
        self.process.send_signal(signal.SIGUSR2)

    @property
    def log(self) -> str:
        """What the client has said so far."""
        return (self.folder / "client.log").read_text(errors="replace")


@asynccontextmanager
async def stock_client(
    folder: Path,
    url: str,
    *,
    name: str,
    tenant_token: str,
    device_type: str = TYPE,
    inventory: Mapping[str, str] | None = None,
    poll_seconds: int = 1,
) -> AsyncIterator[StockClient]:
    """A device that knows the gateway at `url`, looks for updates every `poll_seconds`, and is stopped at the end."""
    _prepare(folder, url, name, tenant_token, device_type, inventory or {}, poll_seconds)
    process = _start(folder)
    client = StockClient(name, folder, process)
    try:
        yield client
        client.check()
    finally:
        await asyncio.to_thread(_end, process)


# `exec` all the way, so that the process is the client itself, and signals reach it.
_MOUNT: Final = """
mount --bind "$1/etc" /etc/mender
mount --bind "$1/share" /usr/share/mender
exec mender --no-syslog --log-level info --data "$1/data" daemon
"""


def _prepare(
    folder: Path,
    url: str,
    name: str,
    tenant_token: str,
    device_type: str,
    inventory: Mapping[str, str],
    poll_seconds: int,
) -> None:
    for part in ("etc/steps", "share/identity", "share/inventory", "share/modules/v3", "data"):
        (folder / part).mkdir(parents=True)
    settings = {
        "ServerURL": url,
        "TenantToken": tenant_token,
        "DeviceTypeFile": "/etc/mender/device_type",
        "UpdatePollIntervalSeconds": poll_seconds,
        "InventoryPollIntervalSeconds": 3600,
        "RetryPollIntervalSeconds": 1,
        "ModuleTimeoutSeconds": 60,
    }
    (folder / "etc/mender.conf").write_bytes(orjson.dumps(settings))
    (folder / "etc/artifact_info").write_text(f"artifact_name={FIRST_NAME}\n")
    (folder / "etc/device_type").write_text(f"device_type={device_type}\n")
    _write_script(folder / "share/identity/mender-device-identity", f"#!/bin/sh\necho serial={name}\n")
    lines = "".join(f"echo '{key}={value}'\n" for key, value in inventory.items())
    _write_script(folder / "share/inventory/mender-inventory-test", f"#!/bin/sh\n{lines}")
    _write_script(folder / f"share/modules/v3/{MODULE}", _SCRIPT)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "client.log").open("wb") as log:
        return subprocess.Popen(
            [*_DYING_WITH_US, *_NAMESPACE, "sh", "-ec", _MOUNT, "client", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_artifact(
    path: Path, *, name: str, content: Path, device_type: str = TYPE, provides: Mapping[str, str] | None = None
) -> Path:
    """An artifact of one file for our update module, written by mender-artifact; returns `path`."""
    command = ["mender-artifact", "write", "module-image", "-T", MODULE, "-n", name, "-t", device_type]
    command += ["-f", str(content), "-o", str(path), "--compression", "none"]
    for key, value in (provides or {}).items():
        command += ["-p", f"{key}:{value}"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return path
