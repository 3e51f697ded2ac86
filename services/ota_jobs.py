"""OTA jobs: batches of updates that start at one time. Those made here stand alone, with one artifact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from models import ArtifactRow, OtaJobRow
from models.enums import Permission
from models.tables import ARTIFACT
from services.errors import WrongState
from services.execution_counts import OPEN_JOB
from services.execution_events import record_job
from services.lookups import enter, look_up
from services.patches import NAME, Fields, apply_changes
from services.rollouts import PRIORITY, Rules, ready_artifacts, roll_out
from services.targets import Target, resolve
from services.unit_of_work import UnitOfWork, check_version
from services.validation import check_name

_FIELDS: Final[Fields] = {"name": NAME, "priority": PRIORITY}


async def create(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    artifact_id: UUID,
    name: str,
    target: Target,
    rules: Rules | None = None,
) -> UUID:
    """Start a job that brings one artifact to the things of the target; those of another type end as NO_ARTIFACT.

    Raises NotFound (organization, artifact, thing or group), Forbidden, InvalidInput (values, an empty target), and
    WrongState for an artifact whose file has not arrived (rainmaker.ota.create-job). In each case nothing is made.
    """
    rules = rules or Rules()
    await enter(work, organization_id, Permission.OTA_DEPLOY)
    of_organization = ARTIFACT.c.organization_id == organization_id
    await look_up(work, ArtifactRow, artifact_id, Permission.RELEASE_READ, ("artifactId",), of_organization)
    given_name = check_name(name, ("name",))
    rules.check()
    things = await resolve(work, organization_id, target)
    fits = await ready_artifacts(work, ARTIFACT.c.id == artifact_id)
    if not fits:
        raise WrongState("the file of the artifact has not been uploaded", ("artifactId",))
    job = OtaJobRow(
        organization_id=organization_id,
        artifact_id=artifact_id,
        name=given_name,
        priority=rules.priority,
        retries=rules.retries,
        starts_at=rules.starts_at or work.moment,
        created_at=work.moment,
        updated_at=work.moment,
    )
    work.session.add(job)
    await roll_out(work, job, None, fits, things)
    return job.id


async def update(
    work: UnitOfWork, job_id: UUID, changes: Mapping[str, Any], expected_version: int | None = None
) -> UUID:
    """Change `name` or `priority`; an absent one stays.

    Raises NotFound, Forbidden, InvalidInput, Conflict (version), and WrongState for the priority of an ended job.
    """
    job = await work.fetch(OtaJobRow, job_id, Permission.OTA_DEPLOY, ("id",))
    check_version(job.version, expected_version)
    if "priority" in changes and job.status not in OPEN_JOB:
        raise WrongState("the job has ended", ("priority",))
    if apply_changes(job, changes, _FIELDS, work.moment):
        record_job(work, job)
    return job.id
