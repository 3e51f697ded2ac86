"""Who loses access in the middle of a stream receives nothing after that: by positions of the log, many times over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import aiohttp
import pytest
from sqlalchemy import select

from models.enums import EventKind
from models.tables import EVENT
from services.events import Position
from tests.client import GatewayClient
from tests.fleets import PASSWORD, Fleet, Person, ThingHandle
from tests.live.conftest import StartProcess, beginning
from tests.live.listening import Listener, listening
from tests.live.reading import key, logged
from tests.live.scale import Scale
from tests.live.writing import Target, Writer

ROUNDS: Final = 10
SESSIONS: Final = 4
SECONDS_TO_DECIDE: Final = (0.0, 0.1)


@dataclass
class World:
    """A fleet whose things report all the time, and the gateways in front of it: one, or two where that can be."""

    fleet: Fleet
    writer: Writer
    clients: list[GatewayClient]
    chance: Random
    start: str

    @property
    def front(self) -> GatewayClient:
        """The gateway that listeners listen to."""
        return self.clients[0]

    async def change(self, name: str, token: str, given: dict[str, Any], select: str) -> Any:
        """Call a mutation at any of the gateways, again as long as others are in its way."""
        await asyncio.sleep(self.chance.uniform(*SECONDS_TO_DECIDE))
        while True:
            payload = await self.chance.choice(self.clients).mutate(name, given, select=select, token=token)
            if [each["code"] for each in payload["userErrors"]] != ["CONFLICT"]:
                assert payload["userErrors"] == []
                return payload

    async def position_of(self, kind: EventKind) -> Position:
        """Where the newest event of a kind stands."""
        statement = select(EVENT.c.transaction, EVENT.c.sequence).where(EVENT.c.kind == kind)
        async with self.writer.store.read() as connection:
            return max(Position.of(row) for row in (await connection.execute(statement)).mappings())


@pytest.fixture
async def world(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    scale: Scale,
    database_kind: str,
) -> AsyncIterator[World]:
    """The world of a test, as long as it lasts."""
    start = await beginning(fleet, writer)
    gateways = await asyncio.gather(*(start_process() for _ in range(2 if database_kind == "postgresql" else 1)))
    clients = [GatewayClient(each.url, session) for each in gateways]
    tenant = fleet.alder
    async with reporting(clients, tenant.pump, tenant.probe, tenant.meter, tenant.relay):
        yield World(fleet, writer, clients, scale.chance("lost access"), start)


@asynccontextmanager
async def reporting(clients: list[GatewayClient], *things: ThingHandle) -> AsyncIterator[None]:
    """Things report all the time, each through one of the gateways, as long as the block lasts."""

    async def report(client: GatewayClient, thing: ThingHandle) -> None:
        number = 0
        while True:
            number += 1
            reported = {"reported": {"number": number}}
            await client.change("reportThingState", reported, select="state { version }", token=thing.token)

    tasks = [asyncio.create_task(report(clients[number % len(clients)], thing)) for number, thing in enumerate(things)]
    try:
        yield
        assert not any(each.done() for each in tasks), "a thing has stopped reporting"
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_who_is_removed_receives_nothing_after_the_removal(world: World) -> None:
    """Three members are removed at random moments and join again; the removal itself is an event of the log."""
    tenant = world.fleet.alder
    members = {"ADMIN": tenant.admin, "EDITOR": tenant.editor, "VIEWER": tenant.viewer}
    async with listening(world.front, tenant.owner.token, world.start) as control:
        for _ in range(ROUNDS):
            await control.has_heard_more()
            after = control.positions[-1].cursor
            async with AsyncExitStack() as open_sockets:
                listeners = {
                    role: await open_sockets.enter_async_context(listening(world.front, person.token, after))
                    for role, person in members.items()
                }
                await asyncio.gather(*(each.has_heard_more() for each in listeners.values()))
                for role in world.chance.sample(sorted(members), k=len(members)):
                    removed = {"organizationId": tenant.organization, "userIds": [members[role].id]}
                    await world.change("removeMembers", tenant.owner.token, removed, "removedIds")
                    end = await world.position_of(EventKind.MEMBERSHIP_CHANGED)
                    await hear_on(world, control)
                    await listeners[role].settle()
                    assert max(listeners[role].positions) < end, "an event came after the removal"
            joining = [{"email": person.email, "role": role} for role, person in members.items()]
            joined = {"organizationId": tenant.organization, "members": joining}
            await world.change("addMembers", tenant.owner.token, joined, "memberships { id }")


async def hear_on(world: World, control: Listener) -> None:
    """Write an event after all that has been answered, and wait until it has been sent to those who may see it."""
    tenant = world.fleet.alder
    (marker,) = await world.writer.report(Target(key(tenant.meter.id).hex, key(tenant.organization).hex))
    await control.has_heard(marker)


async def test_a_thing_that_is_moved_away_is_heard_of_no_more(world: World) -> None:
    """It moves to an organization that the listener cannot see, and comes back, reporting all the time."""
    tenant, administrator = world.fleet.alder, world.fleet.administrator
    away: list[tuple[Position, Position]] = []

    async def move(organization: str) -> Position:
        moved = {"ids": [tenant.pump.id], "organizationId": organization}
        await world.change("moveThings", administrator.token, moved, "things { id }")
        return await world.position_of(EventKind.THING_MOVED)

    async with listening(world.front, tenant.viewer.token, world.start) as listener:
        for _ in range(ROUNDS):
            await listener.has_heard_more()
            left = await move(world.fleet.birch.organization)
            await hear_on(world, listener)
            away.append((left, await move(tenant.organization)))
        await hear_on(world, listener)
        heard = set(listener.positions)
    of_pump = [Position.parse(each.cursor) for each in await logged(world.writer.store, thing_is(tenant.pump))]
    hidden = [each for each in of_pump if any(left < each < back for left, back in away)]
    assert hidden, "the thing has not reported while it was away"
    assert heard.isdisjoint(hidden)
    first, last = Position.parse(world.start), max(heard)
    assert heard >= {each for each in of_pump if first < each < last} - set(hidden)


def thing_is(thing: ThingHandle) -> Any:
    """Events of one thing."""
    return EVENT.c.thing_id == key(thing.id)


async def test_an_organization_that_is_moved_out_of_reach_is_heard_of_no_more(world: World) -> None:
    """The branch leaves the tree in which the listener has a role; what its things report then is not told."""
    tenant = world.fleet.alder
    branch = Target(key(tenant.relay.id).hex, key(tenant.branch).hex)
    hidden: set[Position] = set()
    shown: set[Position] = set()

    async def move(parent: str | None) -> None:
        moved = {"id": tenant.branch, "parentId": parent}
        await world.change("moveOrganization", world.fleet.administrator.token, moved, "organization { id }")

    async with listening(world.front, tenant.viewer.token, world.start) as listener:
        for _ in range(ROUNDS):
            await listener.has_heard_more()
            await move(None)
            hidden.update(await world.writer.report(branch, branch))
            await hear_on(world, listener)
            await move(tenant.organization)
            shown.update(await world.writer.report(branch, branch))
            await hear_on(world, listener)
        heard = set(listener.positions)
    assert heard.isdisjoint(hidden)
    assert heard >= shown


@pytest.mark.parametrize("by", ["logout", "disableUser"])
async def test_a_session_that_ends_takes_its_subscriptions_with_it(world: World, by: str) -> None:
    tenant, administrator = world.fleet.alder, world.fleet.administrator
    person: Person = tenant.editor
    meter = Target(key(tenant.meter.id).hex, key(tenant.organization).hex)
    for _ in range(SESSIONS):
        token = (await world.front.sign_in(person.email, PASSWORD)).access_token
        async with listening(world.front, token, world.start) as listener:
            await listener.has_heard_more()
            if by == "logout":
                await world.change("logout", token, {}, "endedSessions")
            else:
                await world.change("disableUser", administrator.token, {"id": person.id}, "user { id }")
            (first_hidden, *_) = await world.writer.report(meter, meter)
            await listener.has_ended()
        assert listener.end in {"UNAUTHENTICATED", "closed with 4403"}
        assert max(listener.positions) < first_hidden
        if by == "disableUser":
            await world.change("enableUser", administrator.token, {"id": person.id}, "user { id }")
