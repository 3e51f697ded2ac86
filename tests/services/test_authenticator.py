"""An access token that was verified is not verified again, and is refused when verifying it would refuse it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest
from sqlalchemy import update

from models.ids import new_id
from models.store import Store, StoreSettings, open_store
from models.tables import THING
from services.access import ThingPrincipal, UserPrincipal
from services.errors import Unauthenticated
from services.sessions import Authenticator
from services.tokens import Audience, TokenKeys, digest
from tests.cast import THING_KEY, Cast
from tests.statements import Recorder

SECRET = "a secret of the tests, long enough to sign with"
KEYS = TokenKeys.of(SECRET)
NOT_OURS = TokenKeys.of("another secret, long enough to sign with too")
SECONDS = 60


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(database_url))
    yield opened
    await opened.close()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were verified, one entry for each time."""
    seen: list[str] = []
    verify = TokenKeys.verify

    def counted(self: TokenKeys, audience: Audience, token: str) -> dict[str, Any]:
        seen.append(token)
        return verify(self, audience, token)

    monkeypatch.setattr(TokenKeys, "verify", counted)
    return seen


def token_of(user_id: Any = None, keys: TokenKeys = KEYS) -> str:
    claims = {"sub": (user_id or new_id()).hex, "sid": new_id().hex}
    return f"Bearer {keys.sign(Audience.ACCESS, claims, seconds=SECONDS)}"


async def refused(authenticator: Authenticator, header: str) -> bool:
    try:
        await authenticator.authenticate(header)
    except Unauthenticated:
        return True
    return False


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_token_is_verified_once(store: Store, verified: list[str]) -> None:
    authenticator = Authenticator(store, KEYS)
    user_id = new_id()
    header = token_of(user_id)
    first = await authenticator.authenticate(header)
    assert isinstance(first, UserPrincipal)
    assert first.user_id == user_id
    assert await authenticator.authenticate(header) == first
    assert len(verified) == 1
    other = await authenticator.authenticate(token_of())
    assert other != first
    assert len(verified) == 2


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_token_ends_at_the_same_second_remembered_or_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    header = token_of()
    principal = await Authenticator(store, KEYS).authenticate(header)
    assert isinstance(principal, UserPrincipal)
    answers = []
    for after in (-1.0, -0.001, 0.0, 0.999, 1.0, 60.0):
        remembering = Authenticator(store, KEYS)
        await remembering.authenticate(header)
        moment = principal.expires_at + after

        class Clock(datetime):
            """What python-jose asks for the time."""

            @classmethod
            def now(cls, tz: tzinfo | None = None, moment: float = moment) -> Clock:
                return cls.fromtimestamp(moment, tz)

        with monkeypatch.context() as patched:
            patched.setattr("jose.jwt.datetime", Clock)
            patched.setattr("services.tokens.time.time", lambda moment=moment: moment)
            answers.append((await refused(remembering, header), await refused(Authenticator(store, KEYS), header)))
    assert answers == [(False, False)] * 4 + [(True, True)] * 2
    assert datetime.now(UTC).timestamp() < principal.expires_at


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_what_is_refused_is_not_remembered(store: Store, verified: list[str]) -> None:
    authenticator = Authenticator(store, KEYS)
    headers = [
        token_of(keys=NOT_OURS),
        f"Bearer {KEYS.sign(Audience.UPLOAD, {'sub': 'x', 'sid': 'y'}, seconds=SECONDS)}",
        f"Bearer {KEYS.sign(Audience.ACCESS, {'sub': 'x', 'sid': 'y'}, seconds=SECONDS)}",
        f"Bearer {KEYS.sign(Audience.ACCESS, {'sub': new_id().hex, 'sid': new_id().hex}, seconds=-SECONDS)}",
    ]
    for _ in range(2):
        assert [await refused(authenticator, header) for header in headers] == [True] * len(headers)
    assert len(verified) == 2 * len(headers)
    assert not authenticator._verified


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_token_of_a_removed_key_is_refused(store: Store) -> None:
    header = token_of()
    before = Authenticator(store, KEYS)
    assert await before.authenticate(header) is not None
    assert not await refused(
        Authenticator(store, TokenKeys.of("a new secret, long enough to sign with", SECRET)), header
    )
    assert await refused(Authenticator(store, NOT_OURS), header)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_the_longest_unused_token_is_verified_again(store: Store, verified: list[str]) -> None:
    authenticator = Authenticator(store, KEYS, size=2)
    first, second, third = token_of(), token_of(), token_of()
    for header in (first, second, first, third, first, second):
        await authenticator.authenticate(header)
    assert [f"Bearer {token}" for token in verified] == [first, second, third, second]
    assert len(authenticator._verified) == 2


async def test_the_key_of_a_thing_is_looked_up_each_time(cast: Cast) -> None:
    authenticator = Authenticator(cast.store, KEYS)
    header = f"Thing {THING_KEY}"
    assert await authenticator.authenticate(header) is not None
    async with cast.store.write() as session:
        await session.execute(update(THING).where(THING.c.id == cast.thing).values(key_digest=digest("another key")))
    assert await refused(authenticator, header)


async def test_keys_that_come_together_are_looked_up_together(cast: Cast, statements: Recorder) -> None:
    """Each gets its own thing, or is refused by itself; who has gone takes nobody along."""
    keys = await cast.add_things(30)
    authenticator = Authenticator(cast.store, KEYS)
    headers = [f"Thing {THING_KEY}", "Thing of-nobody", *(f"Thing {key.hex}" for key in keys)]
    with statements() as seen:
        tasks = [asyncio.create_task(authenticator.authenticate(header)) for header in headers]
        gone = asyncio.create_task(authenticator.authenticate(headers[0]))
        await asyncio.sleep(0)
        gone.cancel()
        first, nobody, *others = await asyncio.gather(*tasks, return_exceptions=True)
    assert len(seen.reading("thing")) <= 2
    assert isinstance(nobody, Unauthenticated)
    assert first == ThingPrincipal(cast.thing, cast.acme, digest(THING_KEY))
    assert others == [ThingPrincipal(key, cast.acme, digest(key.hex)) for key in keys]


async def test_a_look_up_that_fails_fails_those_who_wait_and_the_next_goes_on(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Any) -> Any:
        raise OSError("the database is away")

    authenticator = Authenticator(cast.store, KEYS)
    with monkeypatch.context() as broken:
        broken.setattr(type(cast.store), "read", away)
        headers = [f"Thing {THING_KEY}"] * 3
        failures = await asyncio.gather(*map(authenticator.authenticate, headers), return_exceptions=True)
    assert [type(each) for each in failures] == [OSError] * 3
    assert await authenticator.authenticate(f"Thing {THING_KEY}") is not None
