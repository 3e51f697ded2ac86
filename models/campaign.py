"""What a deployment and an OTA job have in common: how updates are given out, and when that stops."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from models.columns import document, moment


class CampaignRules(SQLModel):
    """Rules of a deployment, and of each of its jobs or of a job of its own.

    `window_start` and `window_end` are minutes of the thing's local day, from 0 to 1440; an end before the start lies
    on the next day. A campaign stops by itself when more than `stop_failures` of its things have failed, or more than
    `stop_percent` percent of at least `stop_minimum` that have ended.
    """

    priority: int = Field(default=5)
    retries: int = Field(default=0)
    approval: bool = Field(default=False)
    force: bool = Field(default=False)
    notify: bool = Field(default=False)
    share_file: bool = Field(default=False)
    dynamic: bool = Field(default=False)
    max_things: int | None = Field(default=None)
    timeout_seconds: int | None = Field(default=None)
    window_start: int | None = Field(default=None)
    window_end: int | None = Field(default=None)
    stop_failures: int | None = Field(default=None)
    stop_percent: int | None = Field(default=None)
    stop_minimum: int | None = Field(default=None)
    meta: dict[str, Any] = document(sa_column_kwargs={"name": "metadata"})


class CampaignProgress(SQLModel):
    """Where a deployment or an OTA job is, apart from its counts and its status."""

    starts_at: datetime = moment()
    expires_at: datetime | None = moment(nullable=True)
    paused_at: datetime | None = moment(nullable=True)
    stopped_at: datetime | None = moment(nullable=True)
    stop_reason: str = Field(default="", max_length=254)
    finished_at: datetime | None = moment(nullable=True)
    archived_at: datetime | None = moment(nullable=True)
    asked_count: int = Field(default=0)
