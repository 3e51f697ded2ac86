"""OTA jobs, their executions, and the counts of these."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, computed, identifier, part, to_all, to_many, to_one
from engine.records import Node, Record, record
from models import (
    ArtifactRow,
    DeploymentRow,
    OrganizationRow,
    OtaExecutionRow,
    OtaJobKeyRow,
    OtaJobRow,
    SigningKeyRow,
    ThingRow,
    UpdateLogLineRow,
    UserRow,
)
from models.counts import count_column
from models.enums import OtaExecutionStatus as Status
from models.tables import OTA_JOB
from schema.enums import JobSigning, OtaExecutionStatus, OtaJobStatus
from schema.ota_filter import OtaExecutionFilter

if TYPE_CHECKING:
    from schema.deployment import Deployment
    from schema.organization import Organization
    from schema.release import Artifact
    from schema.signing import SigningKey
    from schema.thing import Thing
    from schema.user import User


def _total(*counts: int) -> int:
    return sum(counts)


def _is_there(moment: datetime | None) -> bool:
    return moment is not None


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
    description: str = column(OtaJobRow.description, "What it is for, for people; who is asked for consent reads it.")
    approval: bool = column(OtaJobRow.approval, "Whether each update waits for the consent of a person.")
    notify: bool = column(OtaJobRow.notify, "Whether people are told that an update waits for their consent.")
    share_file: bool = column(OtaJobRow.share_file, "Whether who is asked for consent may have the file.")
    force: bool = column(OtaJobRow.force, "Whether connected things are sent the update at once.")
    dynamic: bool = column(OtaJobRow.dynamic, "Whether things join that come to meet the target later.")
    max_things: int | None = column(
        OtaJobRow.max_things, "How many updates end it, when it is dynamic; null for no limit."
    )
    timeout_seconds: int | None = column(OtaJobRow.timeout_seconds, "How long it lasts, in seconds; null for no end.")
    window_start: int | None = column(
        OtaJobRow.window_start, "When updates begin to be given out: minutes of the day where the thing is."
    )
    window_end: int | None = column(
        OtaJobRow.window_end, "When that ends: minutes of the day where the thing is; before the start, the next day."
    )
    stop_failures: int | None = column(OtaJobRow.stop_failures, "It pauses when more than so many have failed.")
    stop_percent: int | None = column(OtaJobRow.stop_percent, "It pauses when more than so many percent have failed.")
    stop_minimum: int | None = column(OtaJobRow.stop_minimum, "How many must have ended before that percentage counts.")
    metadata: JSON = column(OtaJobRow.meta, "Free data that every thing is given with the update, as an object.")
    starts_at: datetime = column(OtaJobRow.starts_at, "When it starts, at the earliest.")
    expires_at: datetime | None = column(OtaJobRow.expires_at, "When it ends whatever is open.")
    paused_at: datetime | None = column(OtaJobRow.paused_at, "Since when it is paused.")
    stopped_at: datetime | None = column(OtaJobRow.stopped_at, "When it last paused by itself.")
    stop_reason: str = column(OtaJobRow.stop_reason, "Why it paused by itself.")
    archived_at: datetime | None = column(OtaJobRow.archived_at, "When it was put away.")
    asked_count: int = column(OtaJobRow.asked_count, "How many things have asked for the update since it started.")
    phase_percent: int | None = column(OtaJobRow.phase_percent, "What part of all things the phase was given.")
    phase_count: int | None = column(OtaJobRow.phase_count, "How many things the phase was given.")
    after_success_percent: int | None = column(
        OtaJobRow.after_success_percent, "It starts when so many percent of the phase before have succeeded."
    )
    planned_count: int = column(OtaJobRow.planned_count, "How many things it was made for.")
    target: JSON = column(OtaJobRow.target, "What it was aimed at, as it was asked for; empty for a phase.")
    signing: JobSigning = column(OtaJobRow.signing, "How its file is signed.")
    begun_at: datetime | None = column(OtaJobRow.begun_at, "When it started.")
    cancelled_at: datetime | None = column(OtaJobRow.cancelled_at, "When somebody stopped it.")
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
    created_by: User | None = to_one(OtaJobRow.created_by_id, UserRow.id, "Who created it.")
    retry_of: OtaJob | None = to_one(OtaJobRow.retry_of_id, OtaJobRow.id, "The job whose failures it tries again.")
    signing_keys: Connection[SigningKey] = to_many(
        OtaJobRow.id,
        SigningKeyRow.id,
        "The keys that its file is signed with.",
        through=(OtaJobKeyRow.job_id, OtaJobKeyRow.key_id),
    )
    executions: Connection[OtaExecution] = to_many(
        OtaJobRow.id, OtaExecutionRow.job_id, "The updates of its things.", filter=OtaExecutionFilter
    )


@record(OtaExecutionRow, prefix="otaexec")
class OtaExecution(Node):
    """One thing's update in one job."""

    id: strawberry.ID = identifier(OtaExecutionRow.id, "otaexec")
    status: OtaExecutionStatus = column(OtaExecutionRow.status, "Where it is.")
    substate: str = column(OtaExecutionRow.substate, "What the thing says about it.")
    progress: int = column(OtaExecutionRow.progress, "Percent done, as the thing reports it.")
    attempts: int = column(OtaExecutionRow.attempts, "How many attempts have failed.")
    device_type: str = column(OtaExecutionRow.device_type, "The type that the thing named when it asked.")
    offered_at: datetime | None = column(OtaExecutionRow.offered_at, "When the thing was first given it.")
    approved_at: datetime | None = column(OtaExecutionRow.approved_at, "When somebody consented.")
    has_log: bool = computed([OtaExecutionRow.log_uploaded_at], _is_there, "Whether the thing has sent a log of it.")
    log_line_count: int = column(OtaExecutionRow.log_line_count, "How many lines that log has.")
    log_uploaded_at: datetime | None = column(OtaExecutionRow.log_uploaded_at, "When that log last came.")
    log: list[UpdateLogLine] = to_all(
        OtaExecutionRow.id,
        UpdateLogLineRow.execution_id,
        "The log that the thing sent, in its order; empty without one.",
        order=[UpdateLogLineRow.number],
    )
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
    approved_by: User | None = to_one(OtaExecutionRow.approved_by_id, UserRow.id, "Who consented.")


@record(UpdateLogLineRow)
class UpdateLogLine(Record):
    """One line of the log of an update."""

    number: int = column(UpdateLogLineRow.number, "Its place, from 1.")
    occurred_at: datetime = column(UpdateLogLineRow.occurred_at, "When, by the clock of the thing.")
    level: str = column(UpdateLogLineRow.level, "How grave, in the words of the thing.")
    message: str = column(UpdateLogLineRow.message, "What happened.")
