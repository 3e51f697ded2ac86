"""Things that come to meet the target of a dynamic campaign: they join it, set by set.

Every process of a gateway looks; whoever takes a campaign's lock lets its things join, and the others pass on. A thing
joins a deployment once, in the last of its phases that is open (mender.ota.create-dynamic-deployment,
mender.ota.create-phased-dynamic-deployment, rainmaker.ota.job-dynamic).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from models import OtaJobRow
from models.columns import now
from models.enums import EventKind, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.store import Store
from models.tables import ARTIFACT, DEPLOYMENT, OTA_EXECUTION, OTA_JOB, THING
from services.access import ANONYMOUS
from services.beginnings import offer
from services.bulk import allow_time
from services.endings import lock_jobs
from services.errors import FleetError
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB, shift
from services.execution_events import record, record_changes, record_job
from services.picks import Aim, Fits, find_fits, of_release, without_execution
from services.rollouts import MADE, Batch, make_executions
from services.targets import living
from services.unit_of_work import UnitOfWork, unit_of_work

MAX_CAMPAIGNS: Final = 100
MAX_JOINS: Final = 10_000
JOINABLE: Final = (OtaJobStatus.SCHEDULED, OtaJobStatus.IN_PROGRESS)

Compile = Callable[[Mapping[str, Any]], ColumnElement[bool]]
"""From the document of a stored target to a condition on `thing`."""

log = structlog.get_logger("fleetgraph.joins")


@dataclass(frozen=True, slots=True)
class Campaign:
    """A dynamic job or deployment, and its job that things join."""

    id: UUID
    job_id: UUID
    organization_id: UUID
    column: ColumnElement[UUID]
    target: ColumnElement[bool]

    @property
    def joining(self) -> ColumnElement[bool]:
        """The condition on `thing` that it meets the target and is not in the campaign.

        The scope of a stored target is the organization of the campaign: a thing that moves in joins, and one that has
        moved out does not.
        """
        mine = THING.c.organization_id == self.organization_id
        return living(and_(mine, self.target, without_execution(self.column, self.id)))


class JoinDuty:
    """Lets things join dynamic campaigns; a duty of the scheduler.

    Of very many campaigns each run looks at some, and the next at those that follow.
    """

    name = "joins"

    def __init__(self, store: Store, committed: Callable[[], None], compile_target: Compile) -> None:
        """`committed` is called when something has joined; `compile_target` reads stored targets."""
        self._store = store
        self._committed = committed
        self._compile = compile_target
        self._after: UUID | None = None

    async def run(self) -> int:
        """Let things join, at most 10,000 for each of at most 100 campaigns; returns how many have.

        A campaign that fails is logged, and the others go on. Nothing is written for one that no thing joins.
        """
        joined = 0
        for row in await self._find():
            try:
                campaign = self._campaign(row)
                if await self._is_anything_new(campaign):
                    joined += await self._join(campaign)
            except (SQLAlchemyError, OSError, FleetError, ValueError, KeyError, TypeError):
                log.exception("things could not join a campaign", job_id=row.job_id.hex)
        return joined

    async def _find(self) -> Sequence[Row[Any]]:
        """The next campaigns in turn."""
        async with self._store.read() as connection:
            rows = (await connection.execute(_open_campaigns(now(), self._after))).all()
            if self._after is not None and len(rows) < MAX_CAMPAIGNS:
                # Those from the start, up to where this run began.
                seen = {row.job_id for row in rows}
                first = (await connection.execute(_open_campaigns(now(), None))).all()
                rows = [*rows, *(row for row in first if row.job_id not in seen)][:MAX_CAMPAIGNS]
        self._after = rows[-1].job_id if len(rows) == MAX_CAMPAIGNS else None
        return rows

    def _campaign(self, row: Row[Any]) -> Campaign:
        of_deployment = row.deployment_id is not None
        columns = OTA_EXECUTION.c
        return Campaign(
            id=row.deployment_id or row.job_id,
            job_id=row.job_id,
            organization_id=row.organization_id,
            column=columns.deployment_id if of_deployment else columns.job_id,
            target=self._compile(row.target),
        )

    async def _is_anything_new(self, campaign: Campaign) -> bool:
        async with self._store.read() as connection:
            return (await connection.execute(select(THING.c.id).where(campaign.joining).limit(1))).first() is not None

    async def _join(self, campaign: Campaign) -> int:
        async with unit_of_work(self._store, ANONYMOUS, self._committed) as work:
            return await join(work, campaign)


async def join(work: UnitOfWork, campaign: Campaign) -> int:
    """Let things join a campaign that is as it was found, unless another process does so now; returns how many have."""
    if not await _claim(work, campaign.id):
        return 0
    jobs = await lock_jobs(work, OTA_JOB.c.id == campaign.job_id)
    if not jobs or not await _is_as_found(work, campaign, jobs[0]):
        return 0
    fits = await _fits_of(work, jobs[0])
    if fits is None:
        return 0
    await allow_time(work)
    aim = Aim(campaign.joining, patient=False, limit=MAX_JOINS)
    await make_executions(work, Batch(jobs), fits, aim)
    new = and_(OTA_EXECUTION.c.job_id == campaign.job_id, OTA_EXECUTION.c.created_at == work.moment)
    counts = await _count(work, new)
    if counts:
        await _tell(work, jobs[0], new, counts)
    return sum(counts.values())


async def _tell(work: UnitOfWork, job: OtaJobRow, new: ColumnElement[bool], counts: Mapping[Status, int]) -> None:
    """The counts, and the events, of what has joined."""
    await record_changes(work, new, MADE)
    if job.notify and job.status is OtaJobStatus.IN_PROGRESS:
        await offer(work, new)
    record_job(work, job)
    deployments = {} if job.deployment_id is None else {job.deployment_id: counts}
    for deployment_id in deployments:
        record(work, EventKind.DEPLOYMENT_CHANGED, job.organization_id, deployment_id)
    await shift(work, {job.id: counts}, deployments, begins=False)


def _open_campaigns(moment: datetime, after: UUID | None) -> Any:
    """Dynamic jobs, and of each dynamic deployment the last phase that is open; the target of the campaign with each.

    Nothing joins what is paused or past its time.
    """
    later = OTA_JOB.alias("later")
    last = ~(
        select(later.c.id)
        .where(
            later.c.deployment_id == OTA_JOB.c.deployment_id,
            later.c.phase > OTA_JOB.c.phase,
            later.c.status.in_(OPEN_JOB),
        )
        .exists()
    )
    alone = and_(OTA_JOB.c.deployment_id.is_(None), OTA_JOB.c.dynamic)
    phase = and_(DEPLOYMENT.c.dynamic, _is_open(DEPLOYMENT, moment), last)
    statement = (
        select(
            OTA_JOB.c.id.label("job_id"),
            OTA_JOB.c.deployment_id,
            OTA_JOB.c.organization_id,
            func.coalesce(DEPLOYMENT.c.target, OTA_JOB.c.target, type_=OTA_JOB.c.target.type).label("target"),
        )
        .select_from(OTA_JOB.outerjoin(DEPLOYMENT, DEPLOYMENT.c.id == OTA_JOB.c.deployment_id))
        .where(OTA_JOB.c.status.in_(JOINABLE), _is_open(OTA_JOB, moment), or_(alone, phase))
        .order_by(OTA_JOB.c.id)
        .limit(MAX_CAMPAIGNS)
    )
    return statement if after is None else statement.where(OTA_JOB.c.id > after)


def _is_open(table: Any, moment: datetime) -> ColumnElement[bool]:
    in_time = or_(table.c.expires_at.is_(None), table.c.expires_at > moment)
    running = table.c.status.in_(JOINABLE if table is OTA_JOB else OPEN_DEPLOYMENT)
    return and_(running, table.c.paused_at.is_(None), in_time)


async def _is_as_found(work: UnitOfWork, campaign: Campaign, job: OtaJobRow) -> bool:
    """Whether the locked job is still the one that things of the campaign join."""
    row = (await work.session.execute(_open_campaigns(work.moment, None).where(OTA_JOB.c.id == job.id))).first()
    return row is not None and row.organization_id == campaign.organization_id


async def _fits_of(work: UnitOfWork, job: OtaJobRow) -> Fits | None:
    """What fits now; None when every artifact is archived, or gone."""
    if job.deployment_id is None:
        return await find_fits(work, ARTIFACT.c.id == job.artifact_id)
    columns = DEPLOYMENT.c
    statement = select(columns.release_id, columns.created_by_id).where(columns.id == job.deployment_id)
    release_id, owner = (await work.session.execute(statement)).one()
    return await find_fits(work, of_release(release_id, owner))


async def _count(work: UnitOfWork, new: ColumnElement[bool]) -> Counter[Status]:
    statement = select(OTA_EXECUTION.c.status, func.count()).where(new).group_by(OTA_EXECUTION.c.status)
    return Counter(dict((await work.session.execute(statement)).all()))


async def _claim(work: UnitOfWork, campaign_id: UUID) -> bool:
    """Take the campaign for this transaction; False when another process has it. SQLite has one writer anyway."""
    if work.dialect != "postgresql":
        return True
    digest = hashlib.sha256(b"joins:" + campaign_id.bytes).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    return bool((await work.session.execute(select(func.pg_try_advisory_xact_lock(key)))).scalar_one())
