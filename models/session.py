"""Sessions of people and the refresh tokens that prolong them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from models.columns import identifier, moment, reference


class SessionRow(SQLModel, table=True):
    """One sign-in; ended by sign-out, by expiry, or by the second use of a refresh token."""

    __tablename__ = "session"

    id: UUID = identifier()
    user_id: UUID = reference("user_account.id", index=True)
    created_at: datetime = moment()
    expires_at: datetime = moment(nullable=False)
    revoked_at: datetime | None = moment(nullable=True)


class RefreshTokenRow(SQLModel, table=True):
    """A refresh token, held only as its SHA-256; good for one use."""

    __tablename__ = "refresh_token"

    id: UUID = identifier()
    session_id: UUID = reference("session.id", index=True)
    digest: bytes = Field(sa_type=LargeBinary(32), unique=True)
    created_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)
