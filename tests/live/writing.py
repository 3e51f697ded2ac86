"""Writers of states and their events, the way the gateway's services write: rows and events in one transaction.

In a test's own process through `Writer`; in processes of their own through `write_in_processes`, which runs this file
as a program. Such a writer holds its transactions open for random times between the last statement and the commit, so
that they commit in another order than they began, and gives some of them up, which leaves holes in the sequence.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from random import Random
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from models.columns import now
from models.dialects import transaction_id
from models.enums import EventKind
from models.store import NOTIFY_CHANNEL, Store, StoreSettings, open_store
from models.tables import EVENT, THING, THING_STATE
from services.events import Position

WRITERS: Final = 8
PAUSES: Final = ((0.0, 0.004), (0.0, 0.004), (0.0, 0.004), (0.0, 0.03), (0.0, 0.2))
"""Bounds of a pause (seconds), one pair drawn for each transaction."""
MAX_EVENTS: Final = 3
GIVEN_UP: Final = 0.05
SECONDS_BETWEEN_ATTEMPTS: Final = 0.2
SECONDS_TO_WRITE: Final = 900.0


@dataclass(frozen=True)
class Target:
    """A thing that is written to, and what its events say of it. The ids are keys in hexadecimal digits."""

    id: str
    organization: str
    group: str | None = None


@dataclass(frozen=True)
class Things:
    """Things of the tenant alder: which several writers write to, which one writer each does, and the last ones.

    An event of `last` is what tests write at the end; it has its home in the group `row`. `branch` and `last_of_branch`
    belong to the branch.
    """

    shared: list[Target]
    own: list[Target]
    last: Target
    branch: Target
    last_of_branch: Target

    def own_of(self, writer: int, writers: int) -> list[Target]:
        """The things that one of so many writers has for itself."""
        return self.own[writer::writers]


class GivenUp(Exception):
    """A writer has changed its mind; its transaction is rolled back."""


class Writer:
    """Writes reports of things straight into the database of a gateway."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def report(self, *targets: Target, note: str = "", before_commit: float = 0.0) -> list[Position]:
        """Change the state of each target in turn, all in one transaction; gives the positions of the events.

        What each reports is a number, and the note.

        A target may be there several times. Other writers may write to the first one at the same time, to the others
        only in transactions of which it is the first, too: so the order of transaction ids is that of the changes.
        """
        return await self._write(targets, note, lambda: asyncio.sleep(before_commit))

    async def give_up(self, *targets: Target) -> None:
        """Do the same, and roll it back at the end."""

        async def refuse() -> None:
            raise GivenUp

        try:
            await self._write(targets, "", refuse)
        except GivenUp:
            return

    async def tell(self, *targets: Target) -> list[Position]:
        """Write that each target in turn has come online or gone offline, in one transaction; gives the positions."""
        moment = now()
        events = [
            {
                **about(target, moment),
                "kind": EventKind.THING_CONNECTIVITY_CHANGED,
                "detail": {"connected": number % 2 == 0, "reason": "REPORT"},
            }
            for number, target in enumerate(targets)
        ]
        async with self.store.write() as session:
            return await self._insert(session, events)

    async def _write(
        self, targets: Sequence[Target], note: str, before_commit: Callable[[], Awaitable[None]]
    ) -> list[Position]:
        async with self.store.write() as session:
            await _lock(session, targets[0], self.store.dialect)
            events = await _change(session, targets, note)
            positions = await self._insert(session, events)
            await before_commit()
        return positions

    async def _insert(self, session: AsyncSession, events: Sequence[Mapping[str, Any]]) -> list[Position]:
        """Write events as the last thing of a transaction."""
        written = insert(EVENT).values(transaction=transaction_id(self.store.dialect))
        rows = await session.execute(written.returning(EVENT.c.transaction, EVENT.c.sequence), list(events))
        positions = sorted(Position.of(row) for row in rows.mappings())
        if self.store.dialect == "postgresql":
            await session.execute(select(func.pg_notify(NOTIFY_CHANNEL, "")))
        return positions


async def _change(session: AsyncSession, targets: Sequence[Target], note: str) -> list[dict[str, Any]]:
    """Count the version of each target up, once for each time that it is there; gives the rows of the events."""
    moment, things = now(), {UUID(each.id) for each in targets}
    stored = select(THING_STATE.c.thing_id, THING_STATE.c.version).where(THING_STATE.c.thing_id.in_(things))
    versions = {row.thing_id: row.version for row in await session.execute(stored.with_for_update())}
    events = []
    for target in targets:
        thing = UUID(target.id)
        versions[thing] += 1
        events.append(
            {
                **about(target, moment),
                "kind": EventKind.THING_STATE_CHANGED,
                "detail": {
                    "side": "REPORTED",
                    "patch": {"number": versions[thing], "note": note},
                    "version": versions[thing],
                },
            }
        )
    changed = update(THING_STATE).where(THING_STATE.c.thing_id == bindparam("thing"))
    changed = changed.values(version=bindparam("counted"), reported_at=moment)
    values = [{"thing": thing, "counted": version} for thing, version in versions.items()]
    await (await session.connection()).execute(changed, values)
    return events


def about(target: Target, moment: datetime) -> dict[str, Any]:
    """What an event says of its thing and its time."""
    return {
        "organization_id": UUID(target.organization),
        "subject_id": UUID(target.id),
        "thing_id": UUID(target.id),
        "group_id": None if target.group is None else UUID(target.group),
        "occurred_at": moment,
    }


async def _lock(session: AsyncSession, target: Target, dialect: str) -> None:
    """Wait for other writers of a thing before this transaction gets an id.

    A row lock would not do: who has waited for one version of a row has an id when it waits for the next version, and
    those who come later, with later ids, may get that one first.
    """
    thing = UUID(target.id)
    if dialect == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(thing.int % 2**63)))
    await session.execute(select(THING.c.id).where(THING.c.id == thing).with_for_update())


@asynccontextmanager
async def open_writer(url: str) -> AsyncIterator[Writer]:
    """A writer on the database at `url`, as long as the block lasts."""
    store = open_store(StoreSettings(url=url, readers=2))
    try:
        yield Writer(store)
    finally:
        await store.close()


@dataclass(frozen=True)
class Orders:
    """What a writer in a process of its own does.

    It writes at least `events` events to the targets: to those in `own` alone, to those in `shared` with others. With
    `stubborn` it goes on when the database is gone for a while.
    """

    url: str
    seed: str
    events: int
    shared: list[Target]
    own: list[Target]
    stubborn: bool = False


def orders_of(seed: str, events: int, url: str, things: Things, *, stubborn: bool = False) -> list[Orders]:
    """What each of the writers does, so that they write at least so many events together."""
    return [
        Orders(
            url=url,
            seed=f"{seed}/writer {number}",
            events=-(-events // WRITERS),
            shared=things.shared,
            own=things.own_of(number, WRITERS),
            stubborn=stubborn,
        )
        for number in range(WRITERS)
    ]


async def write_in_processes(orders: Sequence[Orders]) -> None:
    """Run a writer in a process for each of the orders, to the end; they are killed when this is cancelled."""
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.live.writing", orjson.dumps(asdict(each)).decode()
        )
        for each in orders
    ]
    try:
        codes = await asyncio.gather(*(process.wait() for process in running))
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert set(codes) == {0}, f"writers ended with {codes}"


async def obey(orders: Orders) -> None:
    """Write what the orders say."""
    chance, written = Random(orders.seed), 0
    async with open_writer(orders.url) as writer, asyncio.timeout(SECONDS_TO_WRITE):
        while written < orders.events:
            targets = draw(orders, chance)
            try:
                if chance.random() < GIVEN_UP:
                    await writer.give_up(*targets)
                else:
                    await writer.report(*targets, before_commit=chance.uniform(*chance.choice(PAUSES)))
                    written += len(targets)
            except (OSError, SQLAlchemyError):
                # Whether a commit went through that was not answered, nobody knows; the log will tell.
                if not orders.stubborn:
                    raise
                await asyncio.sleep(SECONDS_BETWEEN_ATTEMPTS)


def draw(orders: Orders, chance: Random) -> list[Target]:
    """Several events of one thing that others write to as well, or of several that nobody else does."""
    count = chance.randint(1, MAX_EVENTS)
    if chance.random() < 0.5:
        return [chance.choice(orders.shared)] * count
    return chance.choices(orders.own, k=count)


def read_orders(text: str) -> Orders:
    """Orders as they are given to the program."""
    given = orjson.loads(text)
    for name in ("shared", "own"):
        given[name] = [Target(**each) for each in given[name]]
    return Orders(**given)


if __name__ == "__main__":
    asyncio.run(obey(read_orders(sys.argv[1])))
