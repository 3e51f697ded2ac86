"""OTA jobs, their executions, and the counts of these."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry

from engine.connection import Connection
from engine.fields import column, computed, identifier, part, to_many, to_one
from engine.records import Node, Record, record
from models import ArtifactRow, DeploymentRow, OrganizationRow, OtaExecutionRow, OtaJobRow, ThingRow
from models.counts import count_column
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_JOB
from schema.enums import OtaExecutionStatus, OtaJobStatus

if TYPE_CHECKING:
    from schema.deployment import Deployment
    from schema.organization import Organization
    from schema.release import Artifact
    from schema.thing import Thing


def _total(*counts: int) -> int:
    return sum(counts)


@record()
class ExecutionCounts(Record):
    """How many executions have which status; kept as things move, exact at any time."""

    total: int = computed([OTA_JOB.c[count_column(status)] for status in Status], _total, "All executions.")
    pending: int = column(OtaJobRow.pending_count, "Not yet learned of by the thing.")
    awaiting_approval: int = column(OtaJobRow.awaiting_approval_count, "Waiting for a person.")
    triggered: int = column(OtaJobRow.triggered_count, "Offered to the thing.")
    started: int = column(OtaJobRow.started_count, "Taken up by the thing.")
    downloading: int = column(OtaJobRow.downloading_count, "Downloading.")
    installing: int = column(OtaJobRow.installing_count, "Installing.")
    rebooting: int = column(OtaJobRow.rebooting_count, "Restarting.")
    delayed: int = column(OtaJobRow.delayed_count, "Put off by the thing.")
    success: int = column(OtaJobRow.success_count, "Installed.")
    failure: int = column(OtaJobRow.failure_count, "Failed.")
    rejected: int = column(OtaJobRow.rejected_count, "Refused.")
    already_installed: int = column(OtaJobRow.already_installed_count, "Had it already.")
    no_artifact: int = column(OtaJobRow.no_artifact_count, "Nothing in the release fits.")
    aborted: int = column(OtaJobRow.aborted_count, "Stopped by a person.")
    expired: int = column(OtaJobRow.expired_count, "Not done in time.")
    decommissioned: int = column(OtaJobRow.decommissioned_count, "Left the fleet.")


@record(OtaJobRow, prefix="otajob")
class OtaJob(Node):
    """A batch of updates that starts at one time: a phase of a deployment, or a job of its own with one artifact."""

    id: strawberry.ID = identifier(OtaJobRow.id, "otajob")
    name: str = column(OtaJobRow.name, "The name, for people.")
    phase: int = column(OtaJobRow.phase, "Its place in the deployment, from 1.")
    status: OtaJobStatus = column(OtaJobRow.status, "Where it is.")
    priority: int = column(OtaJobRow.priority, "From 1 (first) to 10 (last).")
    retries: int = column(OtaJobRow.retries, "How often a thing may try again after a failure.")
    starts_at: datetime = column(OtaJobRow.starts_at, "When it starts.")
    finished_at: datetime | None = column(OtaJobRow.finished_at, "When its last update ended.")
    version: int = column(OtaJobRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(OtaJobRow.created_at, "When it was created.")
    updated_at: datetime = column(OtaJobRow.updated_at, "When it was last edited.")
    counts: ExecutionCounts = part("How many things are where.")
    organization: Organization | None = to_one(OtaJobRow.organization_id, OrganizationRow.id, "Whose it is.")
    deployment: Deployment | None = to_one(
        OtaJobRow.deployment_id, DeploymentRow.id, "The deployment that it is a phase of."
    )
    artifact: Artifact | None = to_one(
        OtaJobRow.artifact_id, ArtifactRow.id, "What it brings, when it is a job of its own."
    )
    executions: Connection[OtaExecution] = to_many(OtaJobRow.id, OtaExecutionRow.job_id, "The updates of its things.")


@record(OtaExecutionRow, prefix="otaexec")
class OtaExecution(Node):
    """One thing's update in one job."""

    id: strawberry.ID = identifier(OtaExecutionRow.id, "otaexec")
    status: OtaExecutionStatus = column(OtaExecutionRow.status, "Where it is.")
    substate: str = column(OtaExecutionRow.substate, "What the thing says about it.")
    progress: int = column(OtaExecutionRow.progress, "Percent done, as the thing reports it.")
    attempts: int = column(OtaExecutionRow.attempts, "How many attempts have failed.")
    started_at: datetime | None = column(OtaExecutionRow.started_at, "When the thing took it up.")
    finished_at: datetime | None = column(OtaExecutionRow.finished_at, "When it ended.")
    version: int = column(OtaExecutionRow.version, "Grows with each change.")
    created_at: datetime = column(OtaExecutionRow.created_at, "When it was created.")
    updated_at: datetime = column(OtaExecutionRow.updated_at, "When it last changed.")
    organization: Organization | None = to_one(OtaExecutionRow.organization_id, OrganizationRow.id, "Whose it is.")
    thing: Thing | None = to_one(OtaExecutionRow.thing_id, ThingRow.id, "The thing that is updated.")
    job: OtaJob | None = to_one(OtaExecutionRow.job_id, OtaJobRow.id, "The job that it is part of.")
    deployment: Deployment | None = to_one(
        OtaExecutionRow.deployment_id, DeploymentRow.id, "The deployment behind the job."
    )
    artifact: Artifact | None = to_one(OtaExecutionRow.artifact_id, ArtifactRow.id, "The file that fits the thing.")
