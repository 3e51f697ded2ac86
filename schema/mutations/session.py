"""Inputs and payloads of signing in and out."""

from __future__ import annotations

from datetime import datetime

import strawberry

from engine.fields import value
from engine.records import Record, record
from schema.payload import Payload, UserError, user_errors


@strawberry.input(description="Who signs in.")
class LoginInput:
    """Credentials."""

    email: str = strawberry.field(description="The e-mail address of the account, in any case.")
    password: str = strawberry.field(description="The password.")


@strawberry.input(description="What prolongs a session.")
class RefreshSessionInput:
    """A refresh token."""

    refresh_token: str = strawberry.field(
        description="The last refresh token of the session. It is good for one use; a second use ends the session."
    )


@strawberry.input(description="How far to sign out.")
class LogoutInput:
    """A sign-out."""

    everywhere: bool = strawberry.field(default=False, description="End all your sessions, on all devices.")


@record()
class Session(Record):
    """A sign-in. Its tokens are shown this once."""

    access_token: str = value("access_token", "Sign requests with `Authorization: Bearer <accessToken>`.")
    refresh_token: str = value("refresh_token", "Give it to `refreshSession`, once, for new tokens.")
    expires_at: datetime = value("expires_at", "When the access token ends.")
    session_expires_at: datetime = value(
        "session_expires_at", "When the session ends, however often it is refreshed; sign in again then."
    )


@record()
class LoginPayload(Payload):
    """The new session."""

    session: Session | None = value("session", "The session; null when the e-mail or the password is wrong.")
    user_errors: list[UserError] = user_errors()


@record()
class RefreshSessionPayload(Payload):
    """The session with new tokens."""

    session: Session | None = value("session", "The same session with new tokens; null when it has ended.")
    user_errors: list[UserError] = user_errors()


@record()
class LogoutPayload(Payload):
    """What has ended."""

    ended_sessions: int | None = value("ended_sessions", "How many sessions have ended, with all their tokens.")
    user_errors: list[UserError] = user_errors()
