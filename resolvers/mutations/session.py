"""Mutations of sessions: signing in and out."""

from __future__ import annotations

import strawberry

from resolvers.context import Info
from resolvers.mutation import HASHING, PERSON, PUBLIC, mutation
from schema.mutations.session import (
    LoginInput,
    LoginPayload,
    LogoutInput,
    LogoutPayload,
    RefreshSessionInput,
    RefreshSessionPayload,
    Session,
)
from services import sessions
from services.errors import Unauthenticated
from services.sessions import SessionRules, SessionTokens


@strawberry.type
class SessionMutations:
    """Signing in, staying signed in, and signing out."""

    @mutation(PUBLIC, weight=HASHING)
    async def login(self, info: Info, input: LoginInput) -> LoginPayload:
        """Sign in with e-mail and password."""
        parts = info.context.parts
        credentials = await sessions.check_credentials(parts.store, parts.passwords, input.email, input.password)
        async with info.context.unit_of_work() as work:
            tokens = await sessions.login(work, _rules(info), credentials)
        return LoginPayload.of(session=_session(tokens))

    @mutation(PUBLIC)
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> RefreshSessionPayload:
        """Get new tokens for a refresh token, which is good for one use: a second use ends the whole session."""
        async with info.context.unit_of_work() as work:
            tokens = await sessions.refresh(work, _rules(info), input.refresh_token)
        if tokens is None:
            # Raised after the commit: the end of the session must stay.
            raise Unauthenticated("the refresh token was used before; the session has ended", ("refreshToken",))
        return RefreshSessionPayload.of(session=_session(tokens))

    @mutation(PERSON)
    async def logout(self, info: Info, input: LogoutInput | None = strawberry.UNSET) -> LogoutPayload:
        """Sign out: the session ends at once, with its access token and its refresh token."""
        async with info.context.unit_of_work() as work:
            ended = await sessions.logout(work, everywhere=bool(input and input.everywhere))
        return LogoutPayload.of(ended_sessions=ended)


def _rules(info: Info) -> SessionRules:
    parts = info.context.parts
    return SessionRules(parts.keys, parts.settings.access_token_seconds, parts.settings.session_seconds)


def _session(tokens: SessionTokens) -> Session:
    return Session.over(
        {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_at": tokens.expires_at,
            "session_expires_at": tokens.session_expires_at,
        }
    )
