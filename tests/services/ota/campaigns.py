"""Campaigns written as rows, in any state, for tests of what happens to them later."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models import DeploymentRow, OtaExecutionRow, OtaJobRow
from models.columns import now
from models.counts import count_column
from models.enums import DeploymentStatus, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from services import executions
from services.executions import Report
from tests.services.ota.fleet import Fleet, Working


@dataclass
class Made:
    """The ids of a campaign: of its deployment, of its jobs, and of the executions of each job."""

    deployment: UUID | None
    jobs: list[UUID] = field(default_factory=list)
    executions: list[list[UUID]] = field(default_factory=list)

    @property
    def key(self) -> UUID:
        assert self.deployment is not None
        return self.deployment


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = field(default_factory=now)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **more: float) -> None:
        self.moment += timedelta(**more)


async def make_job(fleet: Fleet, size: int, **more: Any) -> Made:
    """A job of its own over new things, all PENDING; it has begun unless its columns say otherwise."""
    made = Made(None)
    await _add_job(fleet, made, size, more)
    return made


async def make_deployment(fleet: Fleet, *phases: dict[str, Any], **rules: Any) -> Made:
    """A deployment with a job for each phase: `size` new things, and any columns; `rules` are columns of all."""
    sizes = [phase.pop("size") for phase in phases]
    begun = [phase.get("status", OtaJobStatus.IN_PROGRESS) is not OtaJobStatus.SCHEDULED for phase in phases]
    status = DeploymentStatus.PENDING if any(begun) else DeploymentStatus.SCHEDULED
    release = await fleet.add_release(f"release {len(fleet.things)}")
    row = DeploymentRow(organization_id=fleet.organization, release_id=release, name="June", status=status, **rules)
    row.pending_count = row.initial_thing_count = sum(sizes)
    made = Made(row.id)
    await fleet.add(row)
    for number, (size, phase) in enumerate(zip(sizes, phases, strict=True), start=1):
        await _add_job(fleet, made, size, {**rules, **phase, "phase": number})
    return made


async def _add_job(fleet: Fleet, made: Made, size: int, columns: dict[str, Any]) -> None:
    columns.setdefault("status", OtaJobStatus.IN_PROGRESS)
    if columns["status"] is not OtaJobStatus.SCHEDULED:
        columns.setdefault("begun_at", now())
    things = await fleet.add_things(size)
    job = OtaJobRow(organization_id=fleet.organization, deployment_id=made.deployment, name="June", **columns)
    job.pending_count = size
    await fleet.add(job)
    rows = [
        OtaExecutionRow(
            organization_id=fleet.organization, job_id=job.id, deployment_id=made.deployment, thing_id=thing
        )
        for thing in things
    ]
    keys = [row.id for row in rows]
    await fleet.add(*rows)
    made.jobs.append(job.id)
    made.executions.append(keys)


async def report(fleet: Fleet, working: Working, key: UUID, *statuses: Status) -> None:
    """Report statuses of an execution, one after the other, as its thing."""
    row = await fleet.one(OtaExecutionRow, key)
    for status in statuses:
        async with working(fleet.thing(fleet.things.index(row.thing_id))) as work:
            await executions.report(work, key, Report(status))


async def statuses(fleet: Fleet, keys: list[UUID]) -> list[Status]:
    """Where executions are."""
    return [(await fleet.one(OtaExecutionRow, key)).status for key in keys]


async def counts(fleet: Fleet, row: type[Any], key: UUID) -> dict[str, int]:
    """The counters of a job or deployment that are not 0, by the names of statuses in lower case."""
    found = await fleet.one(row, key)
    kept = {status.value.lower(): getattr(found, count_column(status)) for status in Status}
    return {name: number for name, number in kept.items() if number}
