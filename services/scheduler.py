"""Work that nobody asks for at its time: each duty is looked after again and again, in every process.

Processes do not know of each other. A duty claims what it does in the database, in the transaction that does it, so
that nothing is done twice and nothing is forgotten wherever a process dies
([0027](../docs/decisions/0027-the-scheduler.md)).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.errors import StoreError
from services.errors import FleetError

HOUSEKEEPING_SECONDS: Final = 60.0

log = structlog.get_logger("fleetgraph.scheduler")


class Duty(Protocol):
    """Something that is to be looked after."""

    name: str

    async def run(self) -> int:
        """Do all that is due by now, in transactions of a bounded size; returns how much that was."""


class Scheduler:
    """Looks after duties; one per process. Each has a task of its own, so that none waits for a slow one."""

    def __init__(self, duties: Sequence[Duty], housekeeping: Sequence[Duty] = (), *, seconds: float) -> None:
        """`seconds` lie between two looks after a duty, at least a minute between two of housekeeping."""
        rarely = max(seconds, HOUSEKEEPING_SECONDS)
        self._duties = [(duty, seconds) for duty in duties] + [(duty, rarely) for duty in housekeeping]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to look."""
        self._tasks = [
            asyncio.create_task(_look_after(duty, seconds), name=f"background: {duty.name}")
            for duty, seconds in self._duties
        ]

    async def stop(self) -> None:
        """Look no more; what a duty is in the middle of is undone, and done by the next process that looks."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _look_after(duty: Duty, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            number = await duty.run()
        except (SQLAlchemyError, StoreError, FleetError, OSError) as error:
            log.warning("a duty failed and is tried again", duty=duty.name, error=repr(error))
        except Exception:
            log.exception("a duty failed and is tried again", duty=duty.name)
        else:
            if number:
                log.info("a duty was done", duty=duty.name, number=number)
