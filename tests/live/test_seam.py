"""The seam of replay and live: readers that join at random places, with all kinds of scopes, while writers write."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import aiohttp
from sqlalchemy import ColumnElement, select, true

from engine.ids import global_id
from models.tables import EVENT, THING
from tests.fleets import Fleet
from tests.live.conftest import StartProcess, beginning
from tests.live.reading import Reader, check_whole, key, logged
from tests.live.scale import Scale
from tests.live.writing import Target, Things, Writer

JOINERS_OF_EACH_SCOPE: Final = 3
EVENTS: Final = 1_000
NAMES: Final = ["thing 0", "thing 1"]
MAX_EVENTS: Final = 3


@dataclass(frozen=True)
class Scope:
    """A scope as a subscriber asks for it, what it holds of the log, and the thing whose event comes last in it."""

    asked: Mapping[str, Any] | None
    condition: ColumnElement[bool]
    last: Target


def scopes_of(fleet: Fleet, things: Things) -> list[Scope]:
    """One scope of each kind; the event of the branch's thing is written after that of the others' last thing."""
    tenant = fleet.alder
    in_hall = [each for each in (*things.shared, *things.own) if each.group is not None]
    some = [*things.own[::3], things.last]
    organizations = [key(each) for each in (tenant.organization, tenant.branch)]
    named = select(THING.c.id).where(THING.c.name.in_(NAMES))
    return [
        Scope(None, true(), things.last_of_branch),
        Scope(
            {"organizationId": tenant.organization}, EVENT.c.organization_id.in_(organizations), things.last_of_branch
        ),
        Scope({"organizationId": tenant.branch}, EVENT.c.organization_id == key(tenant.branch), things.last_of_branch),
        Scope({"groupId": tenant.hall}, are(*in_hall, things.last), things.last),
        Scope({"groupId": tenant.row}, are(things.last), things.last),
        Scope({"filter": {"name": {"in": NAMES}}}, EVENT.c.thing_id.in_(named), things.last_of_branch),
        Scope({"thingIds": [global_id("thing", UUID(each.id)) for each in some]}, are(*some), things.last),
    ]


def are(*targets: Target) -> ColumnElement[bool]:
    """Events of these things."""
    return EVENT.c.thing_id.in_([UUID(each.id) for each in targets])


async def test_who_joins_gets_exactly_what_lies_behind_the_cursor(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    things: Things,
    scale: Scale,
) -> None:
    gateway, start, chance = await start_process(), await beginning(fleet, writer), scale.chance("seam")
    tenant = fleet.alder
    everything, cursors = [*things.shared, *things.own, things.branch], [start]
    joined: list[tuple[Scope, Reader, str]] = []
    async with asyncio.TaskGroup() as reading:

        def join(scope: Scope) -> None:
            # The newest may be ahead of what the gateway has read of the log.
            after = cursors[-1] if chance.random() < 0.3 else chance.choice(cursors)
            reader = Reader(session, [gateway.url], tenant.viewer.token, after, UUID(scope.last.id), scope.asked)
            joined.append((scope, reader, after))
            reading.create_task(reader.read_on())

        waiting = scopes_of(fleet, things) * JOINERS_OF_EACH_SCOPE
        chance.shuffle(waiting)
        written, joiners = 0, len(waiting)
        while written < EVENTS:
            positions = await writer.report(*chance.choices(everything, k=chance.randint(1, MAX_EVENTS)))
            written += len(positions)
            cursors += [each.cursor for each in positions]
            if waiting and len(waiting) / joiners > 1 - written / EVENTS:
                join(waiting.pop())
        await writer.report(things.last)
        await writer.report(things.last_of_branch)
    assert len(joined) == joiners
    for scope, reader, after in joined:
        check_whole(reader.seen, await logged(writer.store, scope.condition, after=after))
        assert reader.connections == 1
