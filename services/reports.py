"""Reports of things: merged into their states, many of them with one commit.

Reports that arrive while others are being committed wait, and share the next transaction. It locks and reads the things
and their states, asks of each report what is asked of any change (found, then permitted, then valid), merges in the
order of arrival, and writes states, things and events by statements over sets. A report that cannot be taken fails
alone. Nobody is answered before the commit.

Who reports is known from an earlier operation, as a rule. So the transaction reads the access epoch with the things
(`services.access`), and the digest of a thing's key: what was permitted by an access that is no longer current is put
back, and tried again with the access as it is then.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from models.columns import now
from models.store import Store
from models.writers import Changes, Interrupted, Refused
from services.access import Access, Principal, resolve_access
from services.errors import Conflict, FleetError, LimitReached
from services.submissions import Entry, LockedThing, Outcome, Report, Submission, prepare

MAX_REPORTS: Final = 1_000
"""Reports that are taken with one call."""
MAX_TOGETHER: Final = 500
"""Reports that share a transaction."""
MAX_WAITING: Final = 20_000
"""Reports that wait for theirs."""
MAX_PASSED: Final = 1_000
"""Callers whose reports are passed over, since others of the same things are being written."""
ATTEMPTS: Final = 5
"""Transactions that are begun for a report, when others get in their way."""
SECONDS_TO_DRAIN: Final = 10.0

_AGAIN: Final = "another change was made at the same time; try again"


class Reports:
    """Takes the reports of one process."""

    def __init__(self, store: Store, wake: Callable[[], None]) -> None:
        """`wake` is called after each commit."""
        self._store = store
        self._wake = wake
        self._waiting: deque[Submission] = deque()
        self._size = 0
        self._written: set[str] = set()  # the keys of things that a transaction is about
        self._writers: set[asyncio.Task[None]] = set()

    async def take(self, access: Access, reports: Sequence[Report | FleetError]) -> tuple[list[Outcome], Access]:
        """Write reports of one caller: what became of each, and the access that they were proven to be written by.

        `access` may be remembered. An error in place of a report is its outcome. Paths of errors begin at the report.
        Raises Unauthenticated for a caller whose session or key is no longer good, and LimitReached when too many
        reports wait already.
        """
        prepared = [prepare(access, each) for each in reports]
        entries = [each for each in prepared if isinstance(each, Entry)]
        if not entries:
            access = await resolve_access(self._store, access.principal)
        for start in range(0, len(entries), MAX_TOGETHER):
            access = await self._submit(Submission(access, entries[start : start + MAX_TOGETHER]))
        return [each.outcome() if isinstance(each, Entry) else each for each in prepared], access

    async def stop(self) -> None:
        """Wait until everything that has arrived is written, at most `SECONDS_TO_DRAIN`; what is late is given up."""
        if self._writers:
            _, late = await asyncio.wait(self._writers, timeout=SECONDS_TO_DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            self._writers.clear()
            for left in self._waiting:
                left.written.cancel()

    async def _submit(self, submission: Submission) -> Access:
        size = len(submission.entries)
        if self._size + size > MAX_WAITING:
            raise LimitReached("too many reports wait to be written; try again")
        self._size += size
        self._waiting.append(submission)
        if not self._writers or (self._is_crowded and len(self._writers) < self._store.writers.at_a_time):
            self._writers.add(asyncio.create_task(self._write_all(), name="background: reports"))
        try:
            return await submission.written
        finally:
            self._size -= size

    @property
    def _is_crowded(self) -> bool:
        """Whether more waits than one transaction takes besides the one that runs."""
        return self._size > 2 * MAX_TOGETHER

    async def _write_all(self) -> None:
        """Write until nothing waits that may be written."""
        try:
            while batch := self._next():
                keys = {key for each in batch for key in each.keys}
                self._written |= keys
                try:
                    await self._write(batch)
                except BaseException:
                    for each in batch:
                        each.written.cancel()
                    raise
                finally:
                    self._written -= keys
        finally:
            # At once, and not when the task is over: what arrives in between would find nobody.
            self._writers -= {task for task in self._writers if task is asyncio.current_task()}

    def _next(self) -> list[Submission]:
        """What shares the next transaction: as much as waits and may; those whose caller has gone are left out.

        Reports of things that another transaction is about are passed over, and so are all that came after them for
        the same things: no report overtakes another of its thing.
        """
        batch: list[Submission] = []
        passed: list[Submission] = []
        room, barred = MAX_TOGETHER, set(self._written)
        while self._waiting and len(passed) < MAX_PASSED:
            if batch and len(self._waiting[0].entries) > room:
                break
            submission = self._waiting.popleft()
            if submission.written.done():
                continue
            if barred and not barred.isdisjoint(submission.keys):
                barred |= submission.keys
                passed.append(submission)
            else:
                batch.append(submission)
                room -= len(submission.entries)
        self._waiting.extendleft(reversed(passed))
        return batch

    async def _write(self, batch: list[Submission]) -> None:
        """Write a batch with one transaction; nothing that goes wrong with it is raised."""
        try:
            stale = await self._try(batch)
        except Refused as error:
            if len(batch) == 1:
                batch[0].fail(error)
                return
            for each in batch:
                await self._write([each])
        except Exception as error:  # noqa: BLE001 - told to everybody who waits for it
            for each in batch:
                each.fail(error)
        else:
            await self._renew(stale)

    async def _try(self, batch: list[Submission]) -> list[Submission]:
        """Transact, and begin anew a bounded number of times when others get in the way."""
        for attempt in range(ATTEMPTS):
            try:
                return await self._transact(batch)
            except Interrupted:
                await asyncio.sleep(random.uniform(0, 0.005) * 2**attempt)  # noqa: S311 - not for secrets
        raise Conflict(_AGAIN)

    async def _transact(self, batch: list[Submission]) -> list[Submission]:
        """Write what may be written; gives those whose access is not current, for whom nothing was done."""
        things = {key for each in batch for key in each.keys}
        stale: list[Submission] = []
        current: list[Submission] = []
        async with self._store.writers.transaction() as writing:
            stored = {row.id: LockedThing(row) for row in await writing.lock(sorted(things))}
            epoch = next(iter(stored.values())).row.epoch if stored else await writing.epoch()
            moment = now()
            for each in batch:
                (current if each.is_current(epoch, stored, moment) else stale).append(each)
            events = [event for each in current for entry in each.entries for event in entry.apply(each.access, stored)]
            changed = [each for each in stored.values() if each.is_changed]
            texts: Mapping[str, str] = {}
            if changed:
                seen = [each.row.id for each in changed if each.is_to_be_seen(moment)]
                states = [each.new_state() for each in changed]
                texts = await writing.apply(Changes(states, seen, events), moment)
        for thing in changed:
            thing.settle(texts[thing.row.id], moment)
        for each in current:
            each.succeed()
        if changed:
            self._wake()
        return [each for each in stale if not each.written.done()]

    async def _renew(self, stale: list[Submission]) -> None:
        """Read the access of callers anew, and put their reports back to the front of those that wait."""
        if not stale:
            return
        principals = {each.access.principal for each in stale}
        found = dict(zip(principals, await asyncio.gather(*map(self._resolve, principals)), strict=True))
        for each in reversed(stale):
            access = found[each.access.principal]
            each.attempts += 1
            if isinstance(access, BaseException):
                each.fail(access)
            elif each.attempts == ATTEMPTS:
                each.fail(Conflict(_AGAIN))
            else:
                each.access = access
                self._waiting.appendleft(each)

    async def _resolve(self, principal: Principal | None) -> Access | Exception:
        try:
            return await resolve_access(self._store, principal)
        except Exception as error:  # noqa: BLE001 - told to who asked as this principal
            return error
