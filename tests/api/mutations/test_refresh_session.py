from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from models.columns import now
from models.enums import UserStatus
from models.tables import REFRESH_TOKEN, SESSION, USER
from services import sessions
from tests.cast import PASSWORD, Cast, email_of
from tests.client import Answer, SignedIn

VIEWER = "{ viewer { user { email } } }"
FIELDS = "session { accessToken refreshToken expiresAt }"
REFRESH = f"""
mutation Refresh($input: RefreshSessionInput!) {{
  refreshSession(input: $input) {{ {FIELDS} userErrors {{ code path }} }}
}}
"""
REFUSED = [{"code": "UNAUTHENTICATED", "path": ["refreshToken"]}]


async def refresh(cast: Cast, token: str) -> Answer:
    return await cast.gateway.graphql(REFRESH, {"input": {"refreshToken": token}})


async def refused(cast: Cast, token: str) -> bool:
    payload = (await refresh(cast, token)).data["refreshSession"]
    return bool(payload == {"session": None, "userErrors": REFUSED})


async def signed_in(cast: Cast) -> SignedIn:
    return await cast.gateway.sign_in(email_of("viewer"), PASSWORD)


async def test_refresh_gives_new_tokens_of_the_same_session(cast: Cast) -> None:
    first = await signed_in(cast)
    session = (await refresh(cast, first.refresh_token)).data["refreshSession"]["session"]
    assert session["refreshToken"] != first.refresh_token
    assert (await cast.gateway.data(VIEWER, token=session["accessToken"]))["viewer"]["user"]
    assert (await cast.gateway.data(VIEWER, token=first.access_token))["viewer"]["user"]
    again = (await refresh(cast, session["refreshToken"])).data["refreshSession"]
    assert again["userErrors"] == []
    assert await cast.count(SESSION) == 1


async def test_second_use_of_a_refresh_token_ends_the_whole_session(cast: Cast) -> None:
    first = await signed_in(cast)
    other = await signed_in(cast)
    thief = (await refresh(cast, first.refresh_token)).data["refreshSession"]["session"]
    assert await refused(cast, first.refresh_token)
    assert await refused(cast, thief["refreshToken"])
    for token in (first.access_token, thief["accessToken"]):
        assert (await cast.gateway.graphql(VIEWER, token=token)).codes == ["UNAUTHENTICATED"]
    assert (await cast.gateway.data(VIEWER, token=other.access_token))["viewer"]["user"]


async def test_of_concurrent_refreshes_one_wins(cast: Cast) -> None:
    first = await signed_in(cast)
    answers = await asyncio.gather(*(refresh(cast, first.refresh_token) for _ in range(5)))
    sessions = [answer.data["refreshSession"]["session"] for answer in answers]
    assert len([session for session in sessions if session is not None]) == 1
    assert await cast.count(REFRESH_TOKEN) == 2
    assert await cast.count(SESSION, SESSION.c.revoked_at.is_not(None)) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_spent_tokens_are_kept_in_bounds(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "REFRESH_TOKENS_PER_SESSION", 3)
    first = await signed_in(cast)
    tokens = [first.refresh_token]
    for _ in range(6):
        tokens.append((await refresh(cast, tokens[-1])).data["refreshSession"]["session"]["refreshToken"])
    assert await cast.count(REFRESH_TOKEN) == 4
    # One that is forgotten opens nothing and ends nothing; one that is known to be spent ends the session.
    assert await refused(cast, tokens[0])
    assert (await cast.gateway.data(VIEWER, token=first.access_token))["viewer"]["user"]
    assert await refused(cast, tokens[-2])
    assert (await cast.gateway.graphql(VIEWER, token=first.access_token)).codes == ["UNAUTHENTICATED"]


async def test_tokens_that_open_nothing(cast: Cast) -> None:
    gone, expired, disabled = (
        await signed_in(cast),
        await signed_in(cast),
        await cast.gateway.sign_in(email_of("editor"), PASSWORD),
    )
    await cast.gateway.mutate("logout", {}, token=gone.access_token)
    async with cast.store.write() as session:
        await session.execute(update(USER).where(USER.c.email == email_of("editor")).values(status=UserStatus.DISABLED))
        later = SESSION.c.revoked_at.is_(None) & (SESSION.c.user_id == cast.people["viewer"])
        await session.execute(update(SESSION).where(later).values(expires_at=now() - timedelta(seconds=1)))
    for token in (
        gone.refresh_token,
        expired.refresh_token,
        disabled.refresh_token,
        "never-given",
        expired.access_token,
    ):
        assert await refused(cast, token)
