"""Statements over very many rows at once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from services.unit_of_work import UnitOfWork

SECONDS: Final = 300


async def allow_time(work: UnitOfWork) -> None:
    """Let statements of this transaction run for up to five minutes, beyond what single requests are given.

    One statement over 100,000 things takes seconds and is no sign of a fault. SQLite has no limit to begin with.
    """
    if work.dialect == "postgresql":
        await work.session.execute(text(f"SET LOCAL statement_timeout = {SECONDS * 1000}"))
