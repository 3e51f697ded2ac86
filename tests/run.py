"""One run of the suite: its directory, shared by all its workers and by nobody else's run.

The directory lies in the system's place for temporary files, so that its path is short and several people can test one
checkout at the same time. The process that the developer started owns it, through a lock that the system gives back
however that process ends; the PostgreSQL server of the run (tests/postgres.py) lives as long as the lock is held.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import postgres

RUN_DIRECTORY = pytest.StashKey["Run"]()
SECONDS_TO_STOP = 30.0


@dataclass(frozen=True)
class Run:
    """A run of the suite. `owner` is the open lock file in the owning process and None in its workers."""

    directory: Path
    owner: int | None = None

    @property
    def name(self) -> str:
        """A short name that no other run has, fit for database names."""
        return self.directory.name.removeprefix("fleetgraph-tests-").lower()


@contextmanager
def only_one(run: Run, what: str) -> Iterator[None]:
    """Hold a lock named `what` among the workers of one run."""
    with (run.directory / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def pytest_configure(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[RUN_DIRECTORY] = Run(Path(worker_input["run_directory"]))
        return
    directory = Path(tempfile.mkdtemp(prefix="fleetgraph-tests-"))
    # Passable, not readable: the server of a root user's run is another user, and its data lies inside.
    directory.chmod(0o711)
    owner = os.open(directory / postgres.OWNER_LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(owner, fcntl.LOCK_EX)
    config.stash[RUN_DIRECTORY] = Run(directory, owner)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist where the run lies."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["run_directory"] = str(config.stash[RUN_DIRECTORY].directory)  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(RUN_DIRECTORY, None)
    if run is None or run.owner is None:
        return
    served = (run.directory / postgres.SERVER_FILE).exists()
    os.close(run.owner)
    if served:
        # The keeper of the server wakes up now, stops it and removes the directory.
        deadline = time.monotonic() + SECONDS_TO_STOP
        while run.directory.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    else:
        shutil.rmtree(run.directory)


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """The run of the suite that this test belongs to."""
    return request.config.stash[RUN_DIRECTORY]
