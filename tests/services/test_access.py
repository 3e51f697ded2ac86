"""An access that is kept: under which epoch it was read, and when it is given out again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from models.columns import now
from models.enums import Role
from models.ids import new_id
from models.tables import MEMBERSHIP, SESSION, THING
from services.access import (
    ANONYMOUS,
    WITNESS,
    Access,
    AccessCache,
    Principal,
    ThingPrincipal,
    UserPrincipal,
    read_epoch,
    resolve_access,
)
from services.sessions import Authenticator
from services.tokens import TokenKeys
from tests.cast import Cast
from tests.gateways import TOKEN_SECRET
from tests.statements import Recorder

IN_AN_HOUR = timedelta(hours=1)


async def principal_of(cast: Cast, caller: str) -> Principal | None:
    token = await cast.token(caller) or ""
    header = token if " " in token else f"Bearer {token}"
    return await Authenticator(cast.store, TokenKeys.of(TOKEN_SECRET)).authenticate(header)


def kept(ends_at: datetime | None = None, principal: Principal | None = None) -> Access:
    person = UserPrincipal(new_id(), new_id(), 0.0)
    return Access(principal or person, {new_id(): Role.VIEWER}, stamp=7, ends_at=ends_at or now() + IN_AN_HOUR)


async def test_access_and_its_epoch_are_read_in_one_statement(cast: Cast, statements: Recorder) -> None:
    principal = await principal_of(cast, "viewer")
    with statements() as seen:
        access = await resolve_access(cast.store, principal)
    assert seen.count == 1
    assert access.stamp == await read_epoch(cast.store)
    assert access.ends_at == await cast.value(SESSION.c.expires_at)
    thing = await resolve_access(cast.store, await principal_of(cast, "thing"))
    assert (thing.stamp, thing.ends_at) == (None, None)


async def test_a_witness_tells_whether_an_access_is_current(cast: Cast) -> None:
    access = await resolve_access(cast.store, await principal_of(cast, "viewer"))
    statement = select(THING.c.id, WITNESS)
    assert [row.access_epoch for row in await cast.rows(statement)] == [access.stamp]
    mine = MEMBERSHIP.c.user_id == access.user_id
    async with cast.store.write() as session:
        await session.execute(update(MEMBERSHIP).where(mine).values(role=Role.OWNER))
        assert [row.access_epoch for row in await cast.rows(statement)] == [access.stamp]
    assert [row.access_epoch for row in await cast.rows(statement)] != [access.stamp]


async def test_accesses_that_allow_the_same_are_equal(cast: Cast) -> None:
    """A subscription asks whether its access has changed, not whether somebody's has."""
    principal = await principal_of(cast, "viewer")
    before = await resolve_access(cast.store, principal)
    await cast.change("loner", "createOrganization", {"name": "Own"})
    after = await resolve_access(cast.store, principal)
    assert after.stamp != before.stamp
    assert after == before


async def test_what_is_kept_is_given_to_the_same_principal_alone(cast: Cast) -> None:
    cache = AccessCache()
    principal = await principal_of(cast, "viewer")
    assert isinstance(principal, UserPrincipal)
    assert cache.get(principal) is None
    access = await resolve_access(cast.store, principal)
    cache.put(access)
    assert cache.get(principal) is access
    for other in (
        UserPrincipal(principal.user_id, new_id(), principal.expires_at),
        UserPrincipal(new_id(), principal.session_id, principal.expires_at),
        None,
    ):
        assert cache.get(other) is None
    cache.forget(principal)
    assert cache.get(principal) is None


def test_nothing_is_given_after_the_end_of_the_session() -> None:
    cache = AccessCache()
    over = kept(ends_at=now())
    cache.put(over)
    assert cache.get(over.principal) is None
    assert len(cache) == 0


def test_only_people_are_kept() -> None:
    cache = AccessCache()
    thing = ThingPrincipal(new_id(), new_id(), b"digest")
    cache.put(kept(principal=thing))
    cache.put(ANONYMOUS)
    assert len(cache) == 0
    assert cache.get(thing) is None


def test_the_longest_unused_leaves_first() -> None:
    cache = AccessCache(size=2)
    first, second, third = kept(), kept(), kept()
    cache.put(first)
    cache.put(second)
    assert cache.get(first.principal) is first
    cache.put(third)
    assert cache.get(second.principal) is None
    assert cache.get(first.principal) is first
    assert cache.get(third.principal) is third
