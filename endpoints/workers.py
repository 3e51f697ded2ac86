"""Several gateway processes on one port: the kernel spreads the connections, one parent watches over all."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any, Final

import structlog

STOP_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.5
RESTART_SECONDS: Final = 1.0

log = structlog.get_logger("fleetgraph.workers")


class Workers:
    """Starts processes that each run `work`, starts a new one for each that dies, and stops them all with itself."""

    def __init__(self, work: Callable[..., None], arguments: tuple[Any, ...], *, count: int) -> None:
        """`work(*arguments)` serves until it gets SIGTERM; it must be importable, since each process is spawned."""
        self._work = work
        self._arguments = arguments
        self._count = count
        self._stopping = False
        self._context = multiprocessing.get_context("spawn")

    def run(self) -> None:
        """Block until SIGTERM or SIGINT; then every process has ended, or was killed after 20 seconds."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        processes = [self._start() for _ in range(self._count)]
        while not self._stopping:
            time.sleep(LOOK_SECONDS)  # noqa: TID251 - this process has no event loop, it only watches
            processes = [each if each.is_alive() else self._restart(each) for each in processes]
        self._end(processes)

    def _start(self) -> BaseProcess:
        process = self._context.Process(target=self._work, args=self._arguments)
        process.start()
        return process

    def _restart(self, ended: BaseProcess) -> BaseProcess:
        log.error("a worker has ended", pid=ended.pid, exit_code=ended.exitcode)
        time.sleep(RESTART_SECONDS)  # noqa: TID251 - a worker that dies at once must not spin
        return ended if self._stopping else self._start()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _end(self, processes: list[BaseProcess]) -> None:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                log.error("a worker did not stop in time", pid=process.pid)
                process.kill()
                process.join()
