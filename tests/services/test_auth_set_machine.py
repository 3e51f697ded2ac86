"""Decisions and sign-ins in any order, one after the other and at once: what is derived stays what it is derived of.

The seed of a failing run stands in its message.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import select

from gateway import PARTS
from models.enums import AuthSetStatus, ThingAuthStatus
from models.tables import AUTH_SET, ORGANIZATION, THING, THING_ATTRIBUTE, THING_TOKEN
from services import auth_sets, decommissions, thing_tokens, things
from services.access import Access
from services.errors import Conflict, FleetError, LimitReached, NotFound, Unauthenticated, WrongState
from services.thing_parts import STATUS
from services.unit_of_work import UnitOfWork, unit_of_work
from tests.cast import Cast
from tests.key_pairs import Device, add_tenant, new_key, set_organization

OPERATOR = Access(principal=None, is_platform_admin=True)
LIMIT = 3
IDENTITIES = 4
KEYS = 3
STEPS = 120
AT_ONCE = 12
Work = Callable[[UnitOfWork], Awaitable[object]]


class World:
    """Devices, and steps that are drawn: each ends well, or is refused with an error that the caller can expect."""

    def __init__(self, cast: Cast, chance: Random) -> None:
        self.cast = cast
        self.chance = chance
        self.devices = [Device(cast, {"mac": f"m{who}"}, new_key()) for who in range(IDENTITIES) for _ in range(KEYS)]
        self.outcomes: Counter[str] = Counter()

    async def step(self) -> None:
        """Something that a thing or a person does."""
        name, act = self.chance.choices(
            (
                ("sign in", self._sign_in),
                ("accept", self._accept),
                ("reject", self._reject),
                ("delete", self._delete),
                ("revoke", self._revoke),
                ("decommission", self._decommission),
                ("remove", self._remove),
            ),
            (10, 8, 4, 2, 2, 1, 1),
        )[0]
        try:
            await act()
        except (Conflict, LimitReached, NotFound, WrongState, Unauthenticated) as error:
            self.outcomes[f"{name}: {type(error).__name__}"] += 1
        else:
            self.outcomes[name] += 1

    async def _sign_in(self) -> None:
        await self.chance.choice(self.devices).sign_in()

    async def _accept(self) -> None:
        chosen = await self._set()
        await self._write(lambda work: auth_sets.decide(work, chosen, AuthSetStatus.ACCEPTED))

    async def _reject(self) -> None:
        chosen = await self._set()
        await self._write(lambda work: auth_sets.decide(work, chosen, AuthSetStatus.REJECTED))

    async def _delete(self) -> None:
        chosen = await self._set()
        await self._write(lambda work: auth_sets.remove_set(work, chosen))

    async def _revoke(self) -> None:
        chosen = await self._thing()
        await self._write(lambda work: thing_tokens.revoke_of_thing(work, chosen))

    async def _decommission(self) -> None:
        chosen = await self._thing()
        await self._write(lambda work: decommissions.decommission(work, [chosen]))

    async def _remove(self) -> None:
        chosen = await self._thing()
        await self._write(lambda work: things.remove(work, [chosen]))

    async def _write(self, act: Work) -> None:
        parts = self.cast.gateway.application[PARTS]
        async with unit_of_work(parts.store, OPERATOR, parts.tail.wake) as work:
            await act(work)

    async def _set(self) -> UUID:
        return self._one_of([row.id for row in await self.cast.rows(select(AUTH_SET.c.id).order_by(AUTH_SET.c.id))])

    async def _thing(self) -> UUID:
        with_identity = select(THING.c.id).where(THING.c.identity_digest.is_not(None)).order_by(THING.c.id)
        return self._one_of([row.id for row in await self.cast.rows(with_identity)])

    def _one_of(self, keys: list[UUID]) -> UUID:
        if not keys:
            raise NotFound("there is none yet")
        return self.chance.choice(keys)


async def check(cast: Cast) -> None:
    """Everything that is kept is what counting and deriving it gives."""
    statuses: defaultdict[UUID, list[AuthSetStatus]] = defaultdict(list)
    for row in await cast.rows(select(AUTH_SET.c.thing_id, AUTH_SET.c.status)):
        statuses[row.thing_id].append(row.status)
    accepted = 0
    mirrors = {
        row.thing_id: row.value
        for row in await cast.rows(
            select(THING_ATTRIBUTE.c.thing_id, THING_ATTRIBUTE.c.value).where(
                THING_ATTRIBUTE.c.scope == STATUS[0], THING_ATTRIBUTE.c.name == STATUS[1]
            )
        )
    }
    identities = []
    for thing in await cast.rows(select(THING).where(THING.c.id != cast.thing)):
        mine = statuses.pop(thing.id, [])
        assert mine.count(AuthSetStatus.ACCEPTED) <= 1
        assert thing.auth_status is auth_sets.derive(mine)
        accepted += thing.auth_status is ThingAuthStatus.ACCEPTED
        if thing.decommissioned_at is None:
            assert mirrors[thing.id] == thing.auth_status.value
            identities.append(thing.identity_digest)
        else:
            assert (mine, thing.identity_digest, thing.id in mirrors) == ([], None, False)
    assert not statuses, "sets of things that are gone"
    assert len(set(identities)) == len(identities)
    assert await cast.value(ORGANIZATION.c.accepted_thing_count, ORGANIZATION.c.id == cast.acme) == accepted <= LIMIT
    good = select(THING_TOKEN.c.id).join(AUTH_SET, AUTH_SET.c.id == THING_TOKEN.c.auth_set_id)
    assert len(await cast.rows(good.where(AUTH_SET.c.status == AuthSetStatus.ACCEPTED))) == await cast.count(
        THING_TOKEN
    )


@pytest.fixture
async def cast(cast: Cast) -> Cast:
    """The small world with a tenant token, and few places."""
    await add_tenant(cast)
    await set_organization(cast, accepted_thing_limit=LIMIT)
    return cast


async def test_steps_one_after_the_other(cast: Cast) -> None:
    seed = Random().randrange(2**32)
    world = World(cast, Random(seed))
    try:
        for number in range(STEPS):
            await world.step()
            if number % 10 == 0:
                await check(cast)
        await check(cast)
    except (AssertionError, FleetError) as error:
        raise AssertionError(f"seed {seed}: {world.outcomes}") from error
    assert min(world.outcomes[each] for each in ("accept", "reject", "sign in")) > 0, world.outcomes


async def test_steps_at_the_same_time(cast: Cast) -> None:
    seed = Random().randrange(2**32)
    world = World(cast, Random(seed))
    try:
        for _ in range(STEPS // AT_ONCE):
            await asyncio.gather(*(world.step() for _ in range(AT_ONCE)))
            await check(cast)
    except (AssertionError, FleetError) as error:
        raise AssertionError(f"seed {seed}: {world.outcomes}") from error
    assert sum(world.outcomes.values()) == STEPS
