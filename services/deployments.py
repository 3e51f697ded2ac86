"""Deployments: campaigns that bring a release to a part of the fleet, in one phase or in several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select

from models import DeploymentRow, OtaJobRow, ReleaseRow
from models.enums import OtaExecutionStatus as Status
from models.enums import Permission
from models.tables import OTA_EXECUTION, OTA_JOB, RELEASE, THING
from services.campaign_rules import CHANGEABLE, Rules, changed_columns, expiry, rules_of, write_columns
from services.endings import lock_jobs
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB
from services.execution_events import record_deployment, record_job
from services.lookups import enter, look_up
from services.patches import DESCRIPTION, NAME, Fields, checked
from services.phases import Phase, check_phases, ends_of
from services.picks import Fits, find_fits, of_release
from services.rollouts import Batch, roll_out
from services.targets import Target, living, resolve
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_name, check_text

_FIELDS: Final[Fields] = {"name": NAME, "description": DESCRIPTION}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deployment is to be: a release to the things of a target, in phases; without any, to all at once."""

    organization_id: UUID
    release_id: UUID
    target: Target
    rules: Rules = field(default_factory=Rules)
    phases: Sequence[Phase] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan that may be carried out: which things, what fits them, and the place of the last thing of each phase.

    `total` is how many things there are; without phases nobody needs to know.
    """

    things: ColumnElement[bool]
    fits: Fits
    ends: Sequence[int]
    total: int


async def create(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    release_id: UUID,
    name: str,
    description: str = "",
    target: Target,
    rules: Rules | None = None,
    phases: Sequence[Phase] | None = None,
) -> UUID:
    """Start a campaign: one OTA job for each phase, and in them one execution for each thing of the target.

    Raises NotFound (organization, release, thing or group), Forbidden, InvalidInput (values, rules that contradict each
    other, an empty target or phase), LimitReached, and WrongState for a release without an uploaded artifact
    (mender.ota.create-deployment, mender.ota.create-phased-deployment). In each case nothing is made.
    """
    plan = Plan(organization_id, release_id, target, rules or Rules(), phases)
    await enter(work, organization_id, Permission.OTA_DEPLOY)
    given = {"name": check_name(name, ("name",)), "description": check_text(description, ("description",))}
    prepared = await prepare(work, plan)
    return (await _make(work, plan, prepared, given)).id


async def prepare(work: UnitOfWork, plan: Plan) -> Prepared:
    """Look at everything that a deployment stands on, without making it; raises what `create` raises of it."""
    of_organization = RELEASE.c.organization_id == plan.organization_id
    await look_up(work, ReleaseRow, plan.release_id, Permission.RELEASE_READ, ("releaseId",), of_organization)
    plan.rules.check()
    if plan.phases is not None:
        check_phases(plan.phases, plan.rules.starts_at, work.moment, dynamic=plan.rules.dynamic)
    things = living(await resolve(work, plan.organization_id, plan.target, dynamic=plan.rules.dynamic))
    fits = await find_fits(work, of_release(plan.release_id, work.access.user_id))
    if fits is None:
        raise WrongState("the release has no uploaded artifact that is not archived", ("releaseId",))
    if plan.phases is None:
        return Prepared(things, fits, (), 0)
    total = (await work.session.execute(select(func.count()).select_from(THING).where(things))).scalar_one()
    return Prepared(things, fits, ends_of(plan.phases, total), total)


async def retry(work: UnitOfWork, deployment_id: UUID, *, name: str) -> UUID:
    """Start a campaign by the same rules for the things that failed in a finished one, at once and in one phase.

    Raises NotFound, Forbidden, InvalidInput (name), and WrongState when it has not finished, no thing has failed, or
    the release has no uploaded artifact any more.
    """
    before = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    if before.status in OPEN_DEPLOYMENT:
        raise WrongState("the deployment has not finished", ("id",))
    given = {"name": check_name(name, ("name",)), "description": before.description, "retry_of_id": before.id}
    mine = THING.c.organization_id == before.organization_id
    things = living(and_(mine, failed_in(OTA_EXECUTION.c.deployment_id, deployment_id)))
    if not await work.exists(things):
        raise WrongState("no thing has failed in it", ("id",))
    fits = await find_fits(work, of_release(before.release_id, work.access.user_id))
    if fits is None:
        raise WrongState("the release has no uploaded artifact any more", ("id",))
    plan = Plan(before.organization_id, before.release_id, Target(), rules_of(before))
    return (await _make(work, plan, Prepared(things, fits, (), 0), given)).id


def failed_in(column: ColumnElement[UUID], parent: UUID) -> ColumnElement[bool]:
    """The condition on `thing` that its update in a job or deployment has failed."""
    failed = select(OTA_EXECUTION.c.thing_id).where(column == parent, OTA_EXECUTION.c.status == Status.FAILURE)
    return THING.c.id.in_(failed)


async def _make(work: UnitOfWork, plan: Plan, prepared: Prepared, given: Mapping[str, Any]) -> DeploymentRow:
    """The deployment with its jobs and executions."""
    phases = plan.phases or (Phase(),)
    common: dict[str, Any] = {
        **plan.rules.columns(),
        "organization_id": plan.organization_id,
        "created_by_id": work.access.user_id,
        "created_at": work.moment,
        "updated_at": work.moment,
    }
    starts_at = phases[0].starts_at or plan.rules.starts_at or work.moment
    deployment = DeploymentRow(
        **common, **given, release_id=plan.release_id, target=dict(plan.target.document), starts_at=starts_at
    )
    jobs = []
    for number, phase in enumerate(phases, start=1):
        starts_at = phase.starts_at or starts_at
        gated = phase.after_success_percent is not None
        common["dynamic"] = plan.rules.dynamic and number == len(phases)
        job = OtaJobRow(
            **common,
            deployment_id=deployment.id,
            name=deployment.name,
            description=deployment.description,
            phase=number,
            phase_percent=phase.percent,
            phase_count=phase.count,
            after_success_percent=phase.after_success_percent,
            starts_at=starts_at,
            expires_at=expiry(None if gated else starts_at, plan.rules, work.moment),
        )
        jobs.append(job)
    deployment.expires_at = jobs[-1].expires_at
    work.session.add(deployment)
    await work.session.flush()
    work.session.add_all(jobs)
    await roll_out(work, Batch(jobs, prepared.ends, deployment), prepared.fits, prepared.things)
    deployment.initial_thing_count = prepared.total or sum(job.planned_count for job in jobs)
    return deployment


async def update(
    work: UnitOfWork, deployment_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change the name, the description, or a rule (`CHANGEABLE`); an absent one stays.

    Its open jobs are given the rules too, and the description, which people read who are asked for consent. Raises
    NotFound, Forbidden, InvalidInput, Conflict (version), and WrongState for a rule of a finished one.
    """
    await look_up(work, DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    touched = sorted(CHANGEABLE.intersection(changes))
    reaches_jobs = bool(touched) or "description" in changes
    jobs = await lock_jobs(work, OTA_JOB.c.deployment_id == deployment_id) if reaches_jobs else []
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    check_version(deployment.version, expected_version)
    if touched and deployment.status not in OPEN_DEPLOYMENT:
        raise WrongState("the deployment has finished", (touched[0],))
    rules = changed_columns(changes)
    texts = checked({key: value for key, value in changes.items() if key in _FIELDS}, _FIELDS)
    if write_columns(deployment, {**texts, **rules}, work.moment):
        record_deployment(work, deployment)
    of_jobs = {**rules, **{key: value for key, value in texts.items() if key == "description"}}
    for job in jobs:
        if job.status in OPEN_JOB and write_columns(job, of_jobs, work.moment, only_news=True):
            record_job(work, job)
    return deployment.id
