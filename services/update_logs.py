"""Logs that things send of their updates (mender.ota.upload-update-log): kept when the update has ended, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from models import OtaExecutionRow
from models.tables import THING, UPDATE_LOG_LINE
from services.errors import Forbidden, InvalidInput, LimitReached
from services.execution_steps import change, note
from services.executions import standing_of
from services.unit_of_work import UnitOfWork
from services.validation import Path, check_text

MAX_LINES: Final = 10_000
MAX_TEXT: Final = 1024 * 1024
"""Characters of all messages of one log together."""
MESSAGE_LENGTH: Final = 4096
LEVEL_LENGTH: Final = 32
LINES_TOGETHER: Final = 1_000
"""Lines that one statement writes."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when by the clock of the thing, how grave in its words, and what."""

    occurred_at: datetime
    level: str
    message: str


async def replace(work: UnitOfWork, execution_id: UUID, lines: Sequence[LogLine]) -> UUID:
    """Put a log in the place of the one before, as a whole; the thing of the update does this itself.

    Raises NotFound (not there, or another thing's), Forbidden for people, InvalidInput for a line that cannot be kept,
    and LimitReached for too many lines or too much text.
    """
    row = await _fetch(work, execution_id, lines)
    _check_size(len(lines), sum(len(line.message) for line in lines))
    await work.session.execute(delete(UPDATE_LOG_LINE).where(UPDATE_LOG_LINE.c.execution_id == row.id))
    return await _write(work, row, lines, after=0)


async def append(work: UnitOfWork, execution_id: UUID, lines: Sequence[LogLine]) -> UUID:
    """Add lines to a log; raises what `replace` raises, and the bounds are those of the whole log."""
    row = await _fetch(work, execution_id, lines)
    columns = UPDATE_LOG_LINE.c
    text = func.coalesce(func.sum(func.length(columns.message)), 0)
    stored = int((await work.session.execute(select(text).where(columns.execution_id == row.id))).scalar_one())
    _check_size(row.log_line_count + len(lines), stored + sum(len(line.message) for line in lines))
    return await _write(work, row, lines, after=row.log_line_count)


async def _fetch(work: UnitOfWork, execution_id: UUID, lines: Sequence[LogLine]) -> OtaExecutionRow:
    row = await work.fetch(OtaExecutionRow, execution_id, None, ("executionId",))
    if work.access.thing is None:
        raise Forbidden("the log of an update is sent by its thing", ("executionId",))
    if len(lines) > MAX_LINES:
        raise LimitReached(f"a log has {MAX_LINES:,} lines at most", ("lines",))
    for index, line in enumerate(lines):
        _check_line(line, ("lines", index))
    return row


def _check_line(line: LogLine, path: Path) -> None:
    if line.occurred_at.tzinfo is None:
        raise InvalidInput("a moment needs a time zone", (*path, "occurredAt"))
    check_text(line.level, (*path, "level"), limit=LEVEL_LENGTH)
    check_text(line.message, (*path, "message"), limit=MESSAGE_LENGTH)


def _check_size(lines: int, characters: int) -> None:
    if lines > MAX_LINES:
        raise LimitReached(f"a log has {MAX_LINES:,} lines at most", ("lines",))
    if characters > MAX_TEXT:
        raise LimitReached(f"a log has {MAX_TEXT:,} characters at most", ("lines",))


async def _write(work: UnitOfWork, row: OtaExecutionRow, lines: Sequence[LogLine], *, after: int) -> UUID:
    """Write lines behind the number `after`, and note on the update that it has a log."""
    rows = [
        {
            "execution_id": row.id,
            "number": after + number,
            "occurred_at": line.occurred_at,
            "level": line.level,
            "message": line.message,
        }
        for number, line in enumerate(lines, start=1)
    ]
    for start in range(0, len(rows), LINES_TOGETHER):
        await work.session.execute(insert(UPDATE_LOG_LINE), rows[start : start + LINES_TOGETHER])
    group = (await work.session.execute(select(THING.c.home_group_id).where(THING.c.id == row.thing_id))).scalar_one()
    standing = standing_of(row, group)
    await change(work, standing, {"log_line_count": after + len(lines), "log_uploaded_at": work.moment})
    note(work, standing, row.status)
    return row.id
