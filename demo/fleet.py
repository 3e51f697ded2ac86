"""Build the demo fleet straight into the store, in one transaction: all of it is there, or nothing.

The same seed gives the same fleet, but for ids, keys and the present moment. Nothing of it is recorded as an event:
nobody can have been watching things that were not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from demo.bulk import BulkWriter, made_for_bulk
from demo.ground import Ground, make_ground
from demo.keys import write_keys
from demo.people import DEMO_EMAIL, DEMO_PASSWORD
from demo.places import ROOT_NAME
from demo.things import TABLES, ThingKey, ThingMaker
from demo.updates import Updates
from models.columns import now
from models.store import Store
from models.tables import ORGANIZATION, USER
from services.passwords import Passwords
from services.storage import Storage

DEFAULT_SEED: Final = 2025
DEFAULT_THINGS: Final = 200
KEPT_KEYS: Final = 50
MAX_THINGS: Final = 5_000_000
_BATCH: Final = 1_000

Progress = Callable[[int, int], None]


class DemoFleetExists(Exception):
    """The database holds a demo fleet already."""

    def __init__(self) -> None:
        super().__init__(
            f"this database already has a demo fleet (the organization {ROOT_NAME!r} or the user {DEMO_EMAIL}); "
            "choose another database to build one"
        )


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """What was built, and how to sign in."""

    organization_id: UUID
    organizations: int
    users: int
    groups: int
    things: int
    artifacts: int
    deployments: int
    ota_jobs: int
    ota_executions: int
    keys: Sequence[ThingKey] = field(repr=False)
    email: str = DEMO_EMAIL
    password: str = field(default=DEMO_PASSWORD, repr=False)


async def has_demo_fleet(store: Store) -> bool:
    """Whether the database holds a demo fleet."""
    async with store.read() as connection:
        return await _exists(connection)


async def build_fleet(
    store: Store,
    *,
    things: int = DEFAULT_THINGS,
    passwords: Passwords,
    storage: Storage,
    keys_file: Path | None = None,
    kept_keys: int = KEPT_KEYS,
    progress: Progress | None = None,
    seed: int = DEFAULT_SEED,
) -> FleetSummary:
    """Build a fleet of `things` things (1 to 5,000,000) into a migrated database.

    `progress` is called with how many things are made and how many there will be. The keys of the first `kept_keys`
    things, which are in service, are returned and, where `keys_file` is given, written there. Raises DemoFleetExists,
    and ValueError for another number of things; in both cases nothing is changed.
    """
    if not 1 <= things <= MAX_THINGS:
        raise ValueError(f"a demo fleet has 1 to {MAX_THINGS:,} things")
    password_hash = await passwords.hash(DEMO_PASSWORD)
    placed: list[UUID] = []
    try:
        async with store.write() as session:
            connection = await session.connection()
            await _refuse_a_second(connection)
            async with made_for_bulk(connection) as writer:
                build = _Build(connection, writer, things=things, kept_keys=kept_keys, seed=seed)
                ground, updates = await build.lay_ground(password_hash)
                for file in updates.files:
                    placed.append(file[0])
                    await storage.put(*file)
                maker = await build.fill(ground, updates, progress)
            if keys_file is not None:
                await asyncio.to_thread(write_keys, keys_file, maker.keys)
    except BaseException:
        await storage.remove(placed)
        raise
    return FleetSummary(
        organization_id=ground.sites[0].id,
        organizations=len(ground.sites),
        users=ground.users,
        groups=ground.groups,
        things=things,
        artifacts=len(updates.files),
        deployments=updates.made["deployments"],
        ota_jobs=updates.made["jobs"],
        ota_executions=maker.executions,
        keys=tuple(maker.keys),
    )


class _Build:
    """One building of a fleet, inside its transaction."""

    def __init__(
        self, connection: AsyncConnection, writer: BulkWriter, *, things: int, kept_keys: int, seed: int
    ) -> None:
        self._connection = connection
        self._writer = writer
        self._things = things
        self._kept_keys = kept_keys
        self._seed = seed
        self._moment = now()

    async def lay_ground(self, password_hash: str) -> tuple[Ground, Updates]:
        """Everything that things refer to."""
        try:
            ground = await make_ground(
                self._connection,
                things=self._things,
                password_hash=password_hash,
                moment=self._moment,
                rng=Random(self._seed),
            )
        except IntegrityError as error:
            # Another process was faster.
            raise DemoFleetExists from error
        updates = Updates(ground, self._moment, self._seed)
        await updates.make(self._connection)
        return ground, updates

    async def fill(self, ground: Ground, updates: Updates, progress: Progress | None) -> ThingMaker:
        """The things with all that hangs on them, batch by batch, then the counts."""
        maker = ThingMaker(ground, updates, moment=self._moment, seed=self._seed, simulated=self._kept_keys)
        for first in range(1, self._things + 1, _BATCH):
            last = min(first + _BATCH - 1, self._things)
            for number in range(first, last + 1):
                maker.make(number)
            rows = maker.take()
            for table in TABLES:
                await self._writer.insert(table, rows.get(table, ()))
            if progress is not None:
                progress(last, self._things)
        await updates.finish(self._connection)
        # The planner should know the new sizes at once, not when some background task comes round.
        await self._connection.execute(text("ANALYZE"))
        return maker


async def _refuse_a_second(connection: AsyncConnection) -> None:
    if await _exists(connection):
        raise DemoFleetExists


async def _exists(connection: AsyncConnection) -> bool:
    root = select(ORGANIZATION.c.id).where(ORGANIZATION.c.name == ROOT_NAME, ORGANIZATION.c.parent_id.is_(None))
    owner = select(USER.c.id).where(USER.c.email == DEMO_EMAIL)
    return bool((await connection.execute(select(or_(root.exists(), owner.exists())))).scalar_one())
