"""Deployments: campaigns that bring a release to a part of the fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from models import DeploymentRow, OtaJobRow, ReleaseRow
from models.enums import Permission
from models.tables import ARTIFACT, OTA_JOB, RELEASE
from services.endings import lock_jobs
from services.errors import WrongState
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB
from services.execution_events import record_deployment, record_job
from services.lookups import enter, look_up
from services.patches import DESCRIPTION, NAME, Fields, apply_changes
from services.rollouts import PRIORITY, Rules, ready_artifacts, roll_out
from services.targets import Target, resolve
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_name, check_text

_FIELDS: Final[Fields] = {"name": NAME, "description": DESCRIPTION, "priority": PRIORITY}


async def create(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    release_id: UUID,
    name: str,
    description: str = "",
    target: Target,
    rules: Rules | None = None,
) -> UUID:
    """Start a campaign with one phase: one OTA job, and in it one execution for each thing of the target.

    Raises NotFound (organization, release, thing or group), Forbidden, InvalidInput (values, an empty target), and
    WrongState for a release without an uploaded artifact (mender.ota.create-deployment). In each case nothing is made.
    """
    rules = rules or Rules()
    await enter(work, organization_id, Permission.OTA_DEPLOY)
    of_organization = RELEASE.c.organization_id == organization_id
    await look_up(work, ReleaseRow, release_id, Permission.RELEASE_READ, ("releaseId",), of_organization)
    given_name, text = check_name(name, ("name",)), check_text(description, ("description",))
    rules.check()
    things = await resolve(work, organization_id, target)
    fits = await ready_artifacts(work, ARTIFACT.c.release_id == release_id)
    if not fits:
        raise WrongState("the release has no artifact whose file has been uploaded", ("releaseId",))
    starts_at = rules.starts_at or work.moment
    deployment = DeploymentRow(
        organization_id=organization_id,
        release_id=release_id,
        created_by_id=work.access.user_id,
        name=given_name,
        description=text,
        target=dict(target.document),
        priority=rules.priority,
        retries=rules.retries,
        starts_at=starts_at,
        created_at=work.moment,
        updated_at=work.moment,
    )
    job = OtaJobRow(
        organization_id=organization_id,
        deployment_id=deployment.id,
        name=given_name,
        phase=1,
        priority=rules.priority,
        retries=rules.retries,
        starts_at=starts_at,
        created_at=work.moment,
        updated_at=work.moment,
    )
    work.session.add(deployment)
    await work.session.flush()
    work.session.add(job)
    await roll_out(work, job, deployment, fits, things)
    return deployment.id


async def update(
    work: UnitOfWork, deployment_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change `name`, `description` or `priority`; an absent one stays. The priority goes to its open jobs too.

    Raises NotFound, Forbidden, InvalidInput, Conflict (version), and WrongState for the priority of a finished one.
    """
    await look_up(work, DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    jobs = await lock_jobs(work, OTA_JOB.c.deployment_id == deployment_id) if "priority" in changes else []
    deployment = await work.fetch(DeploymentRow, deployment_id, Permission.OTA_DEPLOY, ("id",))
    check_version(deployment.version, expected_version)
    if "priority" in changes and deployment.status not in OPEN_DEPLOYMENT:
        raise WrongState("the deployment has finished", ("priority",))
    if apply_changes(deployment, changes, _FIELDS, work.moment):
        record_deployment(work, deployment)
    for job in jobs:
        if job.status in OPEN_JOB and job.priority != deployment.priority:
            apply_changes(job, {"priority": deployment.priority}, {"priority": PRIORITY}, work.moment)
            record_job(work, job)
    return deployment.id
