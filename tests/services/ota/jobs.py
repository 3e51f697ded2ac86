"""Jobs with their executions as rows, for tests of what happens to them once they are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update

from models import ArtifactRow, DeploymentRow, OtaExecutionRow, OtaJobRow
from models.columns import now
from models.counts import count_column
from models.enums import ArtifactStatus, DeploymentStatus, OtaExecutionStatus
from models.ids import new_id
from models.tables import OTA_EXECUTION, OTA_JOB, THING
from services.offers import Installed
from tests.services.ota.fleet import Fleet

OLD = Installed("pump", "0.9", {})
"""What things say before an update."""


async def add_file(fleet: Fleet, release: UUID, *types: str, **values: Any) -> UUID:
    """An uploaded artifact of release 1.0."""
    given: dict[str, Any] = {
        "name": "1.0",
        "artifact_version": "1",
        "file_name": "f.bin",
        "size": 5,
        "sha256": "0" * 64,
    }
    row = ArtifactRow(
        organization_id=fleet.organization,
        release_id=release,
        compatible_types=list(types),
        status=ArtifactStatus.READY,
        uploaded_at=now(),
        **given | values,
    )
    await fleet.add(row)
    return row.id


async def add_job(
    fleet: Fleet,
    things: Sequence[UUID],
    *,
    artifact: UUID | None = None,
    release: UUID | None = None,
    status: OtaExecutionStatus = OtaExecutionStatus.PENDING,
    **rules: Any,
) -> dict[UUID, UUID]:
    """A running job: one of its own with an artifact, or a phase of a deployment of a release.

    Its things have executions in `status`; gives them by thing.
    """
    counts: dict[str, Any] = {count_column(status): len(things)}
    deployment = None
    if release is not None:
        deployment = new_id()
        row = DeploymentRow(
            id=deployment, organization_id=fleet.organization, release_id=release, name="June", **counts, **rules
        )
        row.status = DeploymentStatus.PENDING
        await fleet.add(row)
    job = OtaJobRow(
        organization_id=fleet.organization,
        deployment_id=deployment,
        artifact_id=artifact,
        name="June",
        **counts,
        **rules,
    )
    rows = [
        OtaExecutionRow(
            organization_id=fleet.organization,
            job_id=job.id,
            deployment_id=deployment,
            thing_id=thing,
            artifact_id=artifact,
            status=status,
        )
        for thing in things
    ]
    await fleet.add(job, *rows)
    return {row.thing_id: row.id for row in rows}


async def set_job(fleet: Fleet, execution: UUID, **values: Any) -> None:
    """Change the row of the job of an execution."""
    row = await fleet.one(OtaExecutionRow, execution)
    async with fleet.store.write() as session:
        await session.execute(update(OTA_JOB).where(OTA_JOB.c.id == row.job_id).values(**values))


async def set_execution(fleet: Fleet, execution: UUID, **values: Any) -> None:
    """Change the row of an execution, and nothing that counts it."""
    async with fleet.store.write() as session:
        await session.execute(update(OTA_EXECUTION).where(OTA_EXECUTION.c.id == execution).values(**values))


async def set_thing(fleet: Fleet, thing: UUID, **values: Any) -> None:
    """Change the row of a thing."""
    async with fleet.store.write() as session:
        await session.execute(update(THING).where(THING.c.id == thing).values(**values))
