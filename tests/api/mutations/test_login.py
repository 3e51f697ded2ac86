from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from models.columns import now
from models.enums import UserStatus
from models.tables import SESSION, USER
from services.sessions import SESSIONS_PER_USER
from tests.cast import PASSWORD, Cast, email_of

SESSION_FIELDS = "session { accessToken refreshToken expiresAt sessionExpiresAt }"
VIEWER = "{ viewer { user { email } } }"


async def test_login_gives_a_session(cast: Cast) -> None:
    session = (
        await cast.change("anonymous", "login", {"email": email_of("viewer"), "password": PASSWORD}, SESSION_FIELDS)
    )["session"]
    assert session["expiresAt"] < session["sessionExpiresAt"]
    viewer = await cast.gateway.data(VIEWER, token=session["accessToken"])
    assert viewer == {"viewer": {"user": {"email": "viewer@example.com"}}}


async def test_email_is_taken_in_any_case(cast: Cast) -> None:
    payload = await cast.change(
        "anonymous", "login", {"email": " Viewer@EXAMPLE.com", "password": PASSWORD}, SESSION_FIELDS
    )
    assert payload["session"]["accessToken"]


async def test_wrong_password_unknown_email_and_disabled_account_answer_alike(cast: Cast) -> None:
    async with cast.store.write() as session:
        await session.execute(update(USER).where(USER.c.id == cast.people["loner"]).values(status=UserStatus.DISABLED))
    answers: list[Any] = []
    for email, password in (
        (email_of("viewer"), "another-password"),
        (email_of("nobody"), PASSWORD),
        (email_of("loner"), PASSWORD),
    ):
        payload = await cast.gateway.mutate("login", {"email": email, "password": password}, select=SESSION_FIELDS)
        answers.append(payload)
    assert answers[0] == {
        "session": None,
        "userErrors": [
            {"code": "UNAUTHENTICATED", "message": "the e-mail or the password is wrong", "path": None},
        ],
    }
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]
    assert await cast.count(SESSION) == 0


@pytest.mark.parametrize(
    ("email", "password", "path"),
    [
        ("not an e-mail", PASSWORD, ["email"]),
        ("viewer@example.com", "x" * 257, ["password"]),
        ("x" * 300 + "@example.com", PASSWORD, ["email"]),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_malformed_credentials_are_invalid_input(cast: Cast, email: str, password: str, path: list[str]) -> None:
    assert await cast.error("anonymous", "login", {"email": email, "password": password}) == ("INVALID_INPUT", path)


async def test_oldest_session_ends_when_there_are_too_many(cast: Cast) -> None:
    tokens = [
        (await cast.gateway.sign_in(email_of("viewer"), PASSWORD)).access_token for _ in range(SESSIONS_PER_USER + 1)
    ]
    first = await cast.gateway.graphql(VIEWER, token=tokens[0])
    assert first.codes == ["UNAUTHENTICATED"]
    assert (await cast.gateway.data(VIEWER, token=tokens[1]))["viewer"]["user"]["email"] == "viewer@example.com"
    active = await cast.rows(select(SESSION.c.id).where(SESSION.c.revoked_at.is_(None)))
    assert len(active) == SESSIONS_PER_USER


async def test_ended_sessions_are_forgotten_at_the_next_login(cast: Cast) -> None:
    await cast.change("viewer", "logout", {})
    assert await cast.count(SESSION) == 1
    await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    assert await cast.count(SESSION, SESSION.c.revoked_at.is_not(None)) == 0


async def test_sessions_whose_time_is_long_over_are_forgotten_and_leave_their_places(cast: Cast) -> None:
    for _ in range(SESSIONS_PER_USER):
        await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    oldest, second, *_ = (row.id for row in await cast.rows(select(SESSION.c.id).order_by(SESSION.c.id)))
    async with cast.store.write() as session:
        for key, hours in ((oldest, 25), (second, 23)):
            over = update(SESSION).where(SESSION.c.id == key).values(expires_at=now() - timedelta(hours=hours))
            await session.execute(over)
    for _ in range(2):
        await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    assert await cast.count(SESSION, SESSION.c.id == oldest) == 0
    assert await cast.count(SESSION, SESSION.c.id == second) == 1
    assert await cast.count(SESSION, SESSION.c.revoked_at.is_not(None)) == 0
    assert await cast.count(SESSION, SESSION.c.expires_at > now()) == SESSIONS_PER_USER
