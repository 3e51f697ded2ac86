"""The statements that move the counts of a job or deployment, and its status by its rules: one for each table.

See `services.execution_counts` for what follows for others from what happens to a row here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    String,
    Table,
    Update,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy import cast as sql_cast

from models import DeploymentRow, OtaJobRow
from models.counts import count_column
from models.enums import DeploymentStatus, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.tables import DEPLOYMENT, OTA_EXECUTION, OTA_JOB
from services.execution_moves import ACTIVE, ENDED
from services.unit_of_work import UnitOfWork
from sql.moments import UtcDateTime
from sql.sets import member_of

Shifts = Mapping[UUID, Mapping[Status, int]]
"""By the id of a job or deployment: how many executions more (or, negative, fewer) have each status."""

OPEN_JOB: Final = (OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS, OtaJobStatus.PAUSED)
OPEN_DEPLOYMENT: Final = (
    DeploymentStatus.SCHEDULED,
    DeploymentStatus.PENDING,
    DeploymentStatus.IN_PROGRESS,
    DeploymentStatus.PAUSED,
)
TRIED: Final = (Status.SUCCESS, Status.FAILURE, Status.REJECTED, Status.ALREADY_INSTALLED, Status.EXPIRED)
"""Of how many the rule for stopping takes its percentage."""
COMPLETED: Final = (Status.SUCCESS, Status.FAILURE)
"""What `max_things` counts (mender.ota.limit-dynamic-deployment)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A job or deployment behind its statement. `stops` says why it has just stopped, and is empty otherwise."""

    id: UUID
    organization_id: UUID
    deployment_id: UUID | None
    status: OtaJobStatus | DeploymentStatus
    active: int
    stops: str

    @property
    def is_open(self) -> bool:
        """Whether it goes on, or may go on."""
        return self.status in OPEN_JOB or self.status in OPEN_DEPLOYMENT


class _Counter:
    """The statement of one table.

    In one UPDATE of one row, on the counts as they are then: the deltas are added; a row without an active execution is
    FINISHED, unless it is dynamic; a dynamic one is when `max_things` have completed; a running one whose failures
    break its rule is PAUSED; and one that had not begun is IN_PROGRESS when a thing begins.
    """

    def __init__(self, table: Table, states: type[OtaJobStatus | DeploymentStatus]) -> None:
        self.table = table
        self._deltas = {status: bindparam(f"delta_{count_column(status)}", type_=Integer()) for status in Status}
        self._counts = {status: table.c[count_column(status)] for status in Status}
        self._is_job = states is OtaJobStatus
        self._states = states
        self.statement = self._update()
        row = table.c
        deployment = row.deployment_id if self._is_job else sql_cast(null(), row.id.type)
        broken = _broken_rule(table, self._counts)
        reason = case((broken, self._reason(self._counts)), else_="")
        self._standing = (
            row.id,
            row.organization_id,
            deployment.label("of"),
            row.status,
            row.stopped_at,
            row.stop_reason,
            _total(self._counts, ACTIVE).label("active"),
            reason.label("broken"),
        )
        self._of_one = self.statement.returning(*self._standing)

    async def run(
        self, work: UnitOfWork, shifts: Shifts, *, begins: bool, stops: Mapping[UUID, str]
    ) -> Sequence[Standing]:
        """Move the counts of rows in the order of their ids; `stops` are those to be stopped for a reason of another.

        Returns how each row stands then, which it keeps until the end of the transaction.
        """
        keys = sorted(shifts)
        rows = [_parameters(key, shifts[key], work.moment, begins=begins, reason=stops.get(key, "")) for key in keys]
        if not rows:
            return ()
        connection = await work.session.connection()
        if len(rows) == 1:
            found = await connection.execute(self._of_one, rows[0])
        else:
            await connection.execute(self.statement, rows)
            found = await connection.execute(select(*self._standing).where(member_of(self.table.c.id, keys)))
        return [self._read(row, shifts[row.id], work.moment) for row in found.all()]

    def _read(self, row: Any, deltas: Mapping[Status, int], moment: datetime) -> Standing:
        stops = ""
        if row.stopped_at == moment:
            stops = row.stop_reason
        elif row.status is self._states.FINISHED and deltas.get(Status.FAILURE, 0) > 0:
            stops = row.broken  # its last one: there is nothing left to pause here, but there may be later phases
        return Standing(row.id, row.organization_id, row.of, row.status, row.active, stops)

    def _update(self) -> Update:
        row, states, deltas = self.table.c, self._states, self._deltas
        counts = {status: column + deltas[status] for status, column in self._counts.items()}
        at = bindparam("at", type_=UtcDateTime())
        reason = bindparam("reason", type_=String())
        ends = self._ends(counts)
        stops = and_(
            self._has(self._running()),
            or_(reason != "", and_(self._is_news(), _broken_rule(self.table, counts))),
        )
        why = case((reason != "", reason), else_=self._reason(counts))
        values: dict[str, Any] = {count_column(status): count for status, count in counts.items()}
        values["status"] = case(
            (ends, states.FINISHED), (stops, states.PAUSED), (self._begins(), states.IN_PROGRESS), else_=row.status
        )
        values["finished_at"] = case((or_(ends, self._is_left(counts)), at), else_=row.finished_at)
        values["paused_at"] = case((ends, null()), (stops, at), else_=row.paused_at)
        values["stopped_at"] = case((ends, row.stopped_at), (stops, at), else_=row.stopped_at)
        values["stop_reason"] = case((ends, row.stop_reason), (stops, why), else_=row.stop_reason)
        values["updated_at"] = at
        return update(self.table).where(row.id == bindparam("row_id", type_=row.id.type)).values(values)

    def _has(self, states: Collection[Any]) -> ColumnElement[bool]:
        """One of these statuses, in plain comparisons: a list operator would not serve many rows at once."""
        return or_(*(self.table.c.status == state for state in states))

    def _ends(self, counts: Mapping[Status, ColumnElement[int]]) -> ColumnElement[bool]:
        row = self.table.c
        done = and_(row.dynamic.is_(false()), _total(counts, ACTIVE) == 0)
        is_full = and_(row.dynamic.is_(true()), _total(counts, COMPLETED) >= row.max_things)
        return and_(self._has(OPEN_JOB if self._is_job else OPEN_DEPLOYMENT), or_(done, is_full))

    def _is_left(self, counts: Mapping[Status, ColumnElement[int]]) -> ColumnElement[bool]:
        """The last thing that was in the middle of an update of a cancelled job has ended it."""
        if not self._is_job:
            return false()
        row = self.table.c
        return and_(row.status == OtaJobStatus.CANCELLED, row.finished_at.is_(None), _total(counts, ACTIVE) == 0)

    def _running(self) -> tuple[Any, ...]:
        if self._is_job:
            return (OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS)
        return (DeploymentStatus.SCHEDULED, DeploymentStatus.PENDING, DeploymentStatus.IN_PROGRESS)

    def _begins(self) -> ColumnElement[bool]:
        row = self.table.c
        begins = and_(row.status == self._states.SCHEDULED, bindparam("begins", type_=Integer()) == 1)
        if self._is_job:
            return begins
        # One that has ended without having begun counts, too (mender.ota.deployment-status-lifecycle).
        moved = or_(bindparam("begins", type_=Integer()) == 1, _total(self._deltas, ENDED) > 0)
        return or_(begins, and_(row.status == DeploymentStatus.PENDING, moved))

    def _is_news(self) -> ColumnElement[bool]:
        """Who has resumed what had stopped has seen its failures: it goes on until there is another."""
        row, deltas = self.table.c, self._deltas
        return or_(deltas[Status.FAILURE] > 0, and_(row.stopped_at.is_(None), _total(deltas, TRIED) > 0))

    def _reason(self, counts: Mapping[Status, ColumnElement[int]]) -> ColumnElement[str]:
        row = self.table.c
        phase = _text("phase ", row.phase, ": ") if self._is_job else literal("", String())
        first = func.coalesce(_breaks_number(self.table, counts), false())
        many = _text(counts[Status.FAILURE], " failed, more than ", row.stop_failures)
        part = _text(
            counts[Status.FAILURE],
            " of ",
            _total(counts, TRIED),
            " failed, more than ",
            row.stop_percent,
            " percent",
        )
        named = case((row.deployment_id.is_not(None), phase), else_="") if self._is_job else phase
        return named.concat(case((first, many), else_=part))


def _broken_rule(table: Table, counts: Mapping[Status, ColumnElement[int]]) -> ColumnElement[bool]:
    """True when too many have failed; false or NULL otherwise."""
    tried, row = _total(counts, TRIED), table.c
    part = and_(tried >= func.coalesce(row.stop_minimum, 1), 100 * counts[Status.FAILURE] > row.stop_percent * tried)
    return or_(_breaks_number(table, counts), part)


def _breaks_number(table: Table, counts: Mapping[Status, ColumnElement[int]]) -> ColumnElement[bool]:
    return counts[Status.FAILURE] > table.c.stop_failures


def _total(counts: Mapping[Status, ColumnElement[int]], statuses: Sequence[Status]) -> ColumnElement[int]:
    first, *others = (counts[status] for status in statuses)
    return sum(others, start=first)


def _text(*parts: str | ColumnElement[Any]) -> ColumnElement[str]:
    first, *others = (literal(part, String()) if isinstance(part, str) else sql_cast(part, String()) for part in parts)
    text: ColumnElement[str] = first
    for part in others:
        text = text.concat(part)
    return text


def _parameters(key: UUID, deltas: Mapping[Status, int], at: datetime, *, begins: bool, reason: str) -> dict[str, Any]:
    named = {f"delta_{count_column(status)}": deltas.get(status, 0) for status in Status}
    return {"row_id": key, "at": at, "begins": int(begins), "reason": reason, **named}


JOB_COUNTS: Final = _Counter(OTA_JOB, OtaJobStatus)
DEPLOYMENT_COUNTS: Final = _Counter(DEPLOYMENT, DeploymentStatus)


def active_in(row: OtaJobRow | DeploymentRow) -> int:
    """How many active executions the row counts."""
    return sum(getattr(row, count_column(status)) for status in ACTIVE)


def add(row: OtaJobRow | DeploymentRow, deltas: Mapping[Status, int]) -> None:
    """Add to the counters of a row that this transaction has made or locked."""
    for status, delta in deltas.items():
        column = count_column(status)
        setattr(row, column, getattr(row, column) + delta)


def is_active() -> ColumnElement[bool]:
    """The condition that an execution is still open."""
    return OTA_EXECUTION.c.status.in_(ACTIVE)


def active_of(table: FromClause) -> ColumnElement[int]:
    """How many active executions a row of this table (a job's or a deployment's, or an alias) counts."""
    return _total({status: table.c[count_column(status)] for status in ACTIVE}, ACTIVE)
