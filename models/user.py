"""People who sign in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Field

from models.columns import Versioned, choice, document, identifier
from models.enums import UserStatus


class UserRow(Versioned, table=True):
    """A person; the e-mail is kept in lower case and is unique over the installation."""

    __tablename__ = "user_account"

    id: UUID = identifier()
    email: str = Field(max_length=254, unique=True)
    name: str = Field(default="", max_length=254)
    password_hash: str = Field(max_length=254)
    status: UserStatus = choice(UserStatus, UserStatus.ACTIVE)
    is_platform_admin: bool = Field(default=False)
    meta: dict[str, Any] = document(sa_column_kwargs={"name": "metadata"})
