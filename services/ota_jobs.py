"""OTA jobs: batches of updates that start at one time. Those made here stand alone, with one artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, select

from models import ArtifactRow, OtaJobRow
from models.enums import JobSigning, Permission
from models.tables import ARTIFACT, OTA_EXECUTION, OTA_JOB_KEY, SIGNING_KEY, THING
from services import signing_requests
from services.campaign_rules import CHANGEABLE, Rules, changed_columns, expiry, rules_of, write_columns
from services.deployments import failed_in
from services.errors import InvalidInput, LimitReached, NotFound, WrongState
from services.execution_counts import OPEN_JOB
from services.execution_events import record_job
from services.lookups import enter, look_up
from services.patches import DESCRIPTION, NAME, Fields, checked
from services.picks import Fits, find_fits
from services.rollouts import Batch, roll_out
from services.scope import visible
from services.targets import Target, living, resolve
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_name, check_text
from sql.sets import member_of

MAX_KEYS: Final = 10
_FIELDS: Final[Fields] = {"name": NAME, "description": DESCRIPTION}


@dataclass(frozen=True, slots=True)
class Signing:
    """How the file of a job is signed: with all of these keys, or (`automatic`) for each thing with a key it trusts."""

    key_ids: Sequence[UUID] | None = None
    automatic: bool = False

    def check(self) -> None:
        """Raise InvalidInput unless exactly one way is given, LimitReached for more than 10 keys.

        See rainmaker.ota.job-sign-with-keys and rainmaker.ota.job-sign-auto-key.
        """
        if self.automatic is (self.key_ids is not None):
            raise InvalidInput("give keys, or have them picked: one of these", ("signing",))
        if self.key_ids is not None and not self.key_ids:
            raise InvalidInput("give at least one key", ("signing", "keyIds"))
        if self.key_ids is not None and len(self.key_ids) > MAX_KEYS:
            raise LimitReached(f"a file is signed with {MAX_KEYS} keys at most", ("signing", "keyIds"))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a job is to be: an artifact to the things of a target."""

    organization_id: UUID
    artifact_id: UUID
    target: Target
    rules: Rules
    signing: Signing | None


async def create(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    artifact_id: UUID,
    name: str,
    description: str = "",
    target: Target,
    rules: Rules | None = None,
    signing: Signing | None = None,
) -> UUID:
    """Start a job that brings one artifact to the things of the target; those of another type end as NO_ARTIFACT.

    Raises NotFound (organization, artifact, thing, group, key), Forbidden, InvalidInput (values, rules that contradict
    each other, an empty target), LimitReached, and WrongState for an artifact whose file has not arrived, or that is
    archived (rainmaker.ota.create-job). In each case nothing is made.
    """
    plan = _Plan(organization_id, artifact_id, target, rules or Rules(), signing)
    await enter(work, organization_id, Permission.OTA_DEPLOY)
    of_organization = ARTIFACT.c.organization_id == organization_id
    await look_up(work, ArtifactRow, artifact_id, Permission.RELEASE_READ, ("artifactId",), of_organization)
    given = {"name": check_name(name, ("name",)), "description": check_text(description, ("description",))}
    plan.rules.check()
    things = living(await resolve(work, organization_id, target, dynamic=plan.rules.dynamic))
    keys = await _require_keys(work, plan)
    fits = await _fits_of(work, artifact_id, keys, "artifactId")
    job = _job(work, plan, {**given, "target": dict(plan.target.document)})
    return await _make(work, job, keys, fits, things)


async def retry(work: UnitOfWork, job_id: UUID, *, name: str) -> UUID:
    """Start a job by the same rules for the things that failed in an ended one, at once.

    Raises NotFound, Forbidden, InvalidInput (name), and WrongState when it has not ended, is a part of a deployment, no
    thing has failed, or its artifact is archived.
    """
    before = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    if before.status in OPEN_JOB:
        raise WrongState("the job has not ended", ("id",))
    if before.deployment_id is not None or before.artifact_id is None:
        raise WrongState("the job is part of a deployment; retry the deployment", ("id",))
    given = {"name": check_name(name, ("name",)), "description": before.description, "retry_of_id": before.id}
    mine = THING.c.organization_id == before.organization_id
    things = living(and_(mine, failed_in(OTA_EXECUTION.c.job_id, job_id)))
    if not await work.exists(things):
        raise WrongState("no thing has failed in it", ("id",))
    keys = await _keys_of(work, job_id)
    if before.signing is JobSigning.KEYS and not keys:
        raise WrongState("the keys that its file was signed with are gone", ("id",))
    fits = await _fits_of(work, before.artifact_id, keys, "id")
    signing = None
    if before.signing is not JobSigning.NONE:
        signing = Signing(automatic=True) if before.signing is JobSigning.AUTOMATIC else Signing(keys)
    plan = _Plan(before.organization_id, before.artifact_id, Target(), rules_of(before), signing)
    return await _make(work, _job(work, plan, given), keys, fits, things)


async def update(
    work: UnitOfWork, job_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change the name, the description, or a rule (`CHANGEABLE`); an absent one stays.

    Raises NotFound, Forbidden, InvalidInput, Conflict (version), and WrongState for a rule of an ended job.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    check_version(job.version, expected_version)
    touched = sorted(CHANGEABLE.intersection(changes))
    if touched and job.status not in OPEN_JOB:
        raise WrongState("the job has ended", (touched[0],))
    texts = checked({key: value for key, value in changes.items() if key in _FIELDS}, _FIELDS)
    if write_columns(job, {**texts, **changed_columns(changes)}, work.moment):
        record_job(work, job)
    return job.id


def _job(work: UnitOfWork, plan: _Plan, given: Mapping[str, Any]) -> OtaJobRow:
    starts_at = plan.rules.starts_at or work.moment
    kind = JobSigning.NONE
    if plan.signing is not None:
        kind = JobSigning.AUTOMATIC if plan.signing.automatic else JobSigning.KEYS
    return OtaJobRow(
        **plan.rules.columns(),
        **given,
        organization_id=plan.organization_id,
        artifact_id=plan.artifact_id,
        created_by_id=work.access.user_id,
        signing=kind,
        starts_at=starts_at,
        expires_at=expiry(starts_at, plan.rules, work.moment),
        created_at=work.moment,
        updated_at=work.moment,
    )


async def _make(
    work: UnitOfWork, job: OtaJobRow, keys: Sequence[UUID], fits: Fits, things: ColumnElement[bool]
) -> UUID:
    """The job with its keys and executions; its file is signed by whoever does that, unless it has been already."""
    work.session.add(job)
    await work.session.flush()
    if keys:
        await work.session.execute(insert(OTA_JOB_KEY), [{"job_id": job.id, "key_id": key} for key in keys])
    if keys and job.artifact_id is not None:
        await signing_requests.provide(work, job.artifact_id, keys, job.id)
    await roll_out(work, Batch([job]), fits, things)
    return job.id


async def _fits_of(work: UnitOfWork, artifact_id: UUID, keys: Sequence[UUID], field_name: str) -> Fits:
    """What the artifact fits; one to be signed is locked first, since two jobs may ask for it."""
    if keys:
        await work.session.execute(select(ARTIFACT.c.id).where(ARTIFACT.c.id == artifact_id).with_for_update())
    fits = await find_fits(work, ARTIFACT.c.id == artifact_id)
    if fits is None:
        raise WrongState("the file of the artifact has not been uploaded, or it is archived", (field_name,))
    return fits


async def _require_keys(work: UnitOfWork, plan: _Plan) -> Sequence[UUID]:
    """The keys that a job names, each once; raises NotFound for the first that the caller does not see there."""
    if plan.signing is None:
        return ()
    plan.signing.check()
    wanted = list(dict.fromkeys(plan.signing.key_ids or ()))
    columns = SIGNING_KEY.c
    statement = select(columns.id).where(member_of(columns.id, wanted), columns.organization_id == plan.organization_id)
    scope = visible(work.access, SIGNING_KEY)
    if scope is not None:
        statement = statement.where(scope)
    found = set((await work.session.execute(statement)).scalars())
    for index, key in enumerate(wanted):
        if key not in found:
            raise NotFound("there is no signing key with this id in the organization", ("signing", "keyIds", index))
    return wanted


async def _keys_of(work: UnitOfWork, job_id: UUID) -> Sequence[UUID]:
    columns = OTA_JOB_KEY.c
    statement = select(columns.key_id).where(columns.job_id == job_id).order_by(columns.key_id)
    return (await work.session.execute(statement)).scalars().all()
