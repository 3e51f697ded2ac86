"""One run of the suite: its directory, shared by all its workers and by nobody else's run.

The directory lies in the system's place for temporary files, so that its path is short and several people can test one
checkout at the same time. The process that the developer started owns it, through a lock that the system gives back
however that process ends; the PostgreSQL servers of the run (tests/postgres.py) live as long as the lock is held.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

RUN_DIRECTORY = pytest.StashKey["Run"]()
SECONDS_TO_STOP = 30.0


@dataclass(frozen=True)
class Run:
    """A run of the suite. `owner` is the open lock file in the owning process and None in its workers."""

    directory: Path
    worker: str
    owner: int | None = None

    @property
    def lock(self) -> Path:
        """The file that the owner holds a lock on as long as the run goes on."""
        return self.directory / "owner.lock"

    @property
    def server(self) -> Path:
        """Where this worker's PostgreSQL server lies, if it has one."""
        return self.directory / f"server-{self.worker}"

    @property
    def name(self) -> str:
        """A short name that no other worker of any run has, fit for database names."""
        return f"{self.directory.name.removeprefix('fleetgraph-tests-')}_{self.worker}".lower()


@contextmanager
def only_one(run: Run, what: str) -> Iterator[None]:
    """Hold a lock named `what` among the workers of one run."""
    with (run.directory / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def pytest_configure(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[RUN_DIRECTORY] = Run(Path(worker_input["run_directory"]), worker_input["workerid"])
        return
    directory = Path(tempfile.mkdtemp(prefix="fleetgraph-tests-"))
    # Passable, not readable: the server of a root user's run is another user, and its data lies inside.
    directory.chmod(0o711)
    run = Run(directory, "main")
    owner = os.open(run.lock, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(owner, fcntl.LOCK_EX)
    config.stash[RUN_DIRECTORY] = replace(run, owner=owner)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist where the run lies."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["run_directory"] = str(config.stash[RUN_DIRECTORY].directory)  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(RUN_DIRECTORY, None)
    if run is None or run.owner is None:
        return
    os.close(run.owner)
    # The keepers of the servers wake up now, stop them and remove their directories.
    deadline = time.monotonic() + SECONDS_TO_STOP
    while list(run.directory.glob("server-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(run.directory)


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """The run of the suite that this test belongs to."""
    return request.config.stash[RUN_DIRECTORY]
