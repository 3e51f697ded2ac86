"""Presence in one process: tells the database which sockets things keep here, and takes silent things offline.

Sockets come and go without waiting for the database. What they mean for their things is written by one task, many at a
time, and written again when the database was away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.errors import StoreError
from models.ids import new_id
from models.store import Store
from services import connectivity
from services.access import ANONYMOUS, ThingPrincipal
from services.connectivity import BATCH, Patience, Place
from services.errors import Conflict, FleetError
from services.leases import EndedLease, ended_leases, forget_lease, renew_lease, take_lease
from services.unit_of_work import UnitOfWork, unit_of_work

BEATS_IN_A_LEASE: Final = 3
RETRY_SECONDS: Final = 1.0
LOCKED_SECONDS: Final = 0.05

Done = TypeVar("Done")

log = structlog.get_logger("fleetgraph.presence")


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceTimes:
    """Seconds: of silence, for things without an interval of their own; of a lease; between two sweeps."""

    silence: int = 300
    lease: float = 30.0
    sweep: float = 5.0


@dataclass(slots=True)
class PresenceCounts:
    """What is measured: things with a socket at this process, and the things that it took offline, by the reason."""

    things: Callable[[], int]
    offline: dict[str, int] = field(default_factory=lambda: {"SILENCE": 0, "LEASE": 0})


class Presence:
    """The sockets that things keep at this process, and the sweep over the things of all processes."""

    def __init__(self, store: Store, committed: Callable[[], None], times: PresenceTimes | None = None) -> None:
        """`committed` is called after a commit that left events."""
        self._store = store
        self._committed = committed
        self._times = times or PresenceTimes()
        self._patience = Patience(self._times.silence)
        self._process_id: UUID | None = None
        self._lease_end = 0.0
        self._open: dict[UUID, UUID] = {}
        self._opened: dict[UUID, UUID] = {}  # not written yet
        self._closed: dict[UUID, UUID] = {}  # not written yet
        self._attempted: set[UUID] = set()  # may be written
        self._changed = asyncio.Event()
        self._is_leaving = False
        self._tasks: list[asyncio.Task[None]] = []
        self.counts = PresenceCounts(things=lambda: len(set(self._open.values())))

    async def start(self) -> None:
        """Begin to write, to renew the lease and to sweep."""
        self._tasks = [
            asyncio.create_task(work(), name=f"background: {name}")
            for name, work in (
                ("sockets of things", self._keep_writing),
                ("lease of this process", self._keep_beating),
                ("sweep of silent things", self._keep_sweeping),
            )
        ]

    def leave(self) -> None:
        """Stop writing what opens and closes: the process is about to end, and its clients go to another one.

        Their sockets count until the lease is over, so that a thing that has come back by then was never away.
        """
        self._is_leaving = True

    async def stop(self) -> None:
        """End all of it; the lease runs out by itself."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def opened(self, thing_id: UUID) -> UUID:
        """Note that a thing has opened a socket; returns what to close it by. Neither waits nor fails."""
        key = new_id()
        if not self._is_leaving:
            self._open[key] = self._opened[key] = thing_id
            self._changed.set()
        return key

    def closed(self, key: UUID) -> None:
        """Note that a socket was closed. Neither waits nor fails; a second time it means nothing."""
        thing_id = self._open.pop(key, None)
        if thing_id is None or self._is_leaving:
            return
        self._opened.pop(key, None)
        if key in self._attempted:
            self._closed[key] = thing_id
            self._changed.set()

    def attend(self, principal: object) -> Callable[[], None]:
        """Note that somebody keeps a connection; returns what to call when it ends. It matters of things alone."""
        if not isinstance(principal, ThingPrincipal):
            return _nothing
        return partial(self.closed, self.opened(principal.thing_id))

    @contextmanager
    def socket(self, thing_id: UUID) -> Iterator[None]:
        """Keep a thing connected for the time of the block."""
        key = self.opened(thing_id)
        try:
            yield
        finally:
            self.closed(key)

    async def write(self) -> bool:
        """Write some of what has opened and closed; returns whether nothing had to be left for somebody's locks."""
        settled = True
        opened = dict(islice(self._opened.items(), BATCH))
        if opened:
            process_id = await self._hold_lease()
            self._attempted.update(opened)
            try:
                async with self._work() as work:
                    done = await connectivity.open_sockets(work, process_id, opened)
            except Conflict:
                self._lose_lease()  # somebody has ended it, and deleted its row
                raise
            if process_id == self._process_id:  # otherwise all of them are to be written again
                _forget(self._opened, done)
            settled = len(done) == len(opened)
        closed = dict(islice(self._closed.items(), BATCH))
        if closed:
            async with self._work() as work:
                done = await connectivity.close_sockets(work, closed, self._patience)
            _forget(self._closed, done)
            self._attempted -= done
            settled &= len(done) == len(closed)
        return settled

    async def beat(self) -> None:
        """Renew the lease. When it is over, the sockets that are open are written again, under another one."""
        process_id = self._process_id
        if process_id is None:
            return
        begun = asyncio.get_running_loop().time()
        is_renewed = await renew_lease(self._store, process_id, self._times.lease)
        if process_id != self._process_id:
            return  # the writer has taken another one meanwhile
        if is_renewed:
            self._lease_end = begun + self._times.lease
        else:
            log.warning("the lease was over", process=str(process_id), sockets=len(self._open))
            self._lose_lease()

    async def sweep(self) -> int:
        """Disconnect the things of processes that have ended, and silent ones; returns how many."""
        number = 0
        for lease in await ended_leases(self._store):
            number += await self._end(lease)
        moment, intervals = await connectivity.intervals(self._store)
        silent = 0
        for interval in intervals:
            after: Place | None = None
            limit = self._patience.limit(interval, moment)
            while found := await connectivity.silent_things(self._store, interval, limit, after):
                async with self._work() as work:
                    taken = await connectivity.fall_silent(work, [place.id for place in found], self._patience)
                self.counts.offline["SILENCE"] += taken
                silent += taken
                after = found[-1]
        if silent:
            log.info("things have fallen silent", things=silent)
        return number + silent

    async def _end(self, lease: EndedLease) -> int:
        number, after = 0, None
        while found := await connectivity.things_at(self._store, lease.process_id, after):
            async with self._work() as work:
                taken = await connectivity.abandon(work, lease, found, self._patience)
            self.counts.offline["LEASE"] += taken
            number += taken
            after = found[-1]
        await forget_lease(self._store, lease.process_id)
        log.info("the lease of a process has ended", process=str(lease.process_id), things=number)
        return number

    async def _hold_lease(self) -> UUID:
        """The id of this process, under a lease that is not over."""
        begun = asyncio.get_running_loop().time()
        if self._process_id is not None and begun >= self._lease_end:
            self._lose_lease()
        if self._process_id is None:
            self._process_id = await take_lease(self._store, self._times.lease)
            self._lease_end = begun + self._times.lease
        return self._process_id

    def _lose_lease(self) -> None:
        self._process_id = None
        self._opened.update(self._open)
        self._changed.set()

    @asynccontextmanager
    async def _work(self) -> AsyncIterator[UnitOfWork]:
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            yield work

    async def _keep_writing(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._opened or self._closed:
                settled = await _attempt(self.write, "sockets of things could not be written")
                if settled is None:
                    await asyncio.sleep(RETRY_SECONDS)
                elif not settled:
                    await asyncio.sleep(LOCKED_SECONDS)

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(self._times.lease / BEATS_IN_A_LEASE)
            await _attempt(self.beat, "the lease could not be renewed")

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(self._times.sweep)
            await _attempt(self.sweep, "silent things could not be looked for")


async def _attempt(act: Callable[[], Awaitable[Done]], failure: str) -> Done | None:
    """Do something in the background; when it fails, say so and go on: the database may come back."""
    try:
        return await act()
    except (SQLAlchemyError, StoreError, FleetError, OSError) as error:
        log.warning(failure, error=repr(error))
    except Exception:
        log.exception(failure)
    return None


def _nothing() -> None:
    """People come and go."""


def _forget(pending: dict[UUID, UUID], done: set[UUID]) -> None:
    for key in done:
        pending.pop(key, None)
