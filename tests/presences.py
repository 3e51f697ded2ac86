"""What tests of presence share: processes without a background, reports of long ago, and what the log says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from demo.bulk import made_for_bulk
from models.columns import now
from models.enums import EventKind, Lifecycle, ThingType
from models.ids import new_id
from models.tables import EVENT, GATEWAY_PROCESS, THING, THING_STATE
from services.presence import Presence, PresenceTimes
from tests.cast import Cast

INTERVAL = 1_000
"""What counts for things without an interval of their own; with what comes on top, 1,500 seconds of silence."""
CONNECTED = {"connected": True, "reason": "SOCKET"}
CLOSED = {"connected": False, "reason": "SOCKET"}
SILENT = {"connected": False, "reason": "SILENCE"}
Change = tuple[UUID, dict[str, Any]]


def process(cast: Cast, woken: list[None] | None = None, *, lease: float = 600.0) -> Presence:
    """The presence of one gateway process; what it does in the background is called by the test."""
    wake = woken if woken is not None else []
    return Presence(cast.store, lambda: wake.append(None), PresenceTimes(silence=INTERVAL, lease=lease))


async def report(cast: Cast, things: Sequence[UUID], ago: float, *, interval: int | None = None) -> datetime:
    """Have things reported so many seconds ago; returns the moment."""
    moment = now() - timedelta(seconds=ago)
    async with cast.store.write() as session:
        for thing in things:
            values = {"connected": True, "last_seen_at": moment, "report_interval_seconds": interval}
            await session.execute(update(THING).where(THING.c.id == thing).values(values))
            await session.execute(update(THING_STATE).where(THING_STATE.c.thing_id == thing).values(reported_at=moment))
    return moment


async def add_silent_things(cast: Cast, number: int) -> None:
    """A great many connected things, without states, that were heard of too long ago."""
    common: dict[str, Any] = {
        "organization_id": cast.acme,
        "home_group_id": None,
        "profile_id": None,
        "name": "Meter",
        "type": ThingType.SENSOR,
        "external_id": None,
        "lifecycle": Lifecycle.INSTALLED,
        "connected": True,
        "last_seen_at": now() - timedelta(seconds=1_600),
        "report_interval_seconds": None,
        "metadata": {},
        "version": 1,
        "created_at": now(),
        "updated_at": now(),
    }
    keys = [new_id() for _ in range(number)]
    rows = [{**common, "id": key, "key_digest": key.bytes * 2} for key in keys]
    async with cast.store.write() as session, made_for_bulk(await session.connection()) as writer:
        await writer.insert(THING, rows)


async def changes(cast: Cast) -> list[Change]:
    """What the log says of connectivity: things and details, in order."""
    statement = select(EVENT.c.thing_id, EVENT.c.detail).order_by(EVENT.c.sequence)
    rows = await cast.rows(statement.where(EVENT.c.kind == EventKind.THING_CONNECTIVITY_CHANGED))
    return [(row.thing_id, row.detail) for row in rows]


async def is_connected(cast: Cast, thing: UUID) -> bool:
    return bool(await cast.value(THING.c.connected, THING.c.id == thing))


async def seen_at(cast: Cast, thing: UUID) -> datetime:
    moment: datetime = await cast.value(THING.c.last_seen_at, THING.c.id == thing)
    return moment


async def end_leases(cast: Cast, ago: float = 1.0) -> datetime:
    """Have the leases of all processes run out, as when they died; returns when they were last seen."""
    moment = now() - timedelta(seconds=ago)
    async with cast.store.write() as session:
        await session.execute(update(GATEWAY_PROCESS).values(seen_at=moment, lease_until=moment))
    return moment


async def settle(here: Presence) -> None:
    """Write what has opened and closed."""
    async with asyncio.timeout(20):
        while here._opened or here._closed:
            await here.write()


async def until(cast: Cast, wanted: list[Change]) -> None:
    """Wait until the log says just this of connectivity, in any order."""
    async with asyncio.timeout(20):
        while sorted(await changes(cast), key=str) != sorted(wanted, key=str):  # noqa: ASYNC110 - it is asked for
            await asyncio.sleep(0.01)
