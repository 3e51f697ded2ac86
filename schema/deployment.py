"""Deployments."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, identifier, part, to_many, to_one
from engine.records import Node, record
from models import DeploymentRow, OrganizationRow, OtaExecutionRow, OtaJobRow, ReleaseRow, UserRow
from schema.enums import DeploymentStatus
from schema.ota_filter import OtaExecutionFilter, OtaJobFilter

if TYPE_CHECKING:
    from schema.organization import Organization
    from schema.ota import ExecutionCounts, OtaExecution, OtaJob
    from schema.release import Release
    from schema.user import User


@record(DeploymentRow, prefix="deployment")
class Deployment(Node):
    """A campaign that brings a release to a part of the fleet."""

    id: strawberry.ID = identifier(DeploymentRow.id, "deployment")
    name: str = column(DeploymentRow.name, "The name, for people.")
    description: str = column(DeploymentRow.description, "What it is for, for people.")
    status: DeploymentStatus = column(DeploymentRow.status, "Where it is.")
    target: JSON = column(DeploymentRow.target, "What it was aimed at, as it was asked for.")
    priority: int = column(DeploymentRow.priority, "From 1 (first) to 10 (last).")
    retries: int = column(DeploymentRow.retries, "How often a thing may try again after a failure.")
    approval: bool = column(DeploymentRow.approval, "Whether each update waits for the consent of a person.")
    notify: bool = column(DeploymentRow.notify, "Whether people are told that an update waits for their consent.")
    share_file: bool = column(DeploymentRow.share_file, "Whether who is asked for consent may have the file.")
    force: bool = column(DeploymentRow.force, "Whether connected things are sent the update at once.")
    dynamic: bool = column(DeploymentRow.dynamic, "Whether things join that come to meet the target later.")
    max_things: int | None = column(
        DeploymentRow.max_things, "How many updates end it, when it is dynamic; null for no limit."
    )
    timeout_seconds: int | None = column(
        DeploymentRow.timeout_seconds, "How long it lasts, in seconds; null for no end."
    )
    window_start: int | None = column(
        DeploymentRow.window_start, "When updates begin to be given out: minutes of the day where the thing is."
    )
    window_end: int | None = column(
        DeploymentRow.window_end,
        "When that ends: minutes of the day where the thing is; before the start, the next day.",
    )
    stop_failures: int | None = column(DeploymentRow.stop_failures, "It pauses when more than so many have failed.")
    stop_percent: int | None = column(
        DeploymentRow.stop_percent, "It pauses when more than so many percent have failed."
    )
    stop_minimum: int | None = column(
        DeploymentRow.stop_minimum, "How many must have ended before that percentage counts."
    )
    metadata: JSON = column(DeploymentRow.meta, "Free data that every thing is given with the update, as an object.")
    starts_at: datetime = column(DeploymentRow.starts_at, "When it starts, at the earliest.")
    expires_at: datetime | None = column(DeploymentRow.expires_at, "When it ends whatever is open.")
    paused_at: datetime | None = column(DeploymentRow.paused_at, "Since when it is paused.")
    stopped_at: datetime | None = column(DeploymentRow.stopped_at, "When it last paused by itself.")
    stop_reason: str = column(DeploymentRow.stop_reason, "Why it paused by itself.")
    archived_at: datetime | None = column(DeploymentRow.archived_at, "When it was put away.")
    asked_count: int = column(DeploymentRow.asked_count, "How many things have asked for the update since it started.")
    initial_thing_count: int = column(
        DeploymentRow.initial_thing_count, "How many things met the target when it was created."
    )
    finished_at: datetime | None = column(DeploymentRow.finished_at, "When the last update ended.")
    aborted_at: datetime | None = column(DeploymentRow.aborted_at, "When somebody stopped it.")
    version: int = column(DeploymentRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(DeploymentRow.created_at, "When it was created.")
    updated_at: datetime = column(DeploymentRow.updated_at, "When it was last edited.")
    counts: ExecutionCounts = part("How many things are where.")
    organization: Organization | None = to_one(DeploymentRow.organization_id, OrganizationRow.id, "Whose it is.")
    release: Release | None = to_one(DeploymentRow.release_id, ReleaseRow.id, "What it brings.")
    created_by: User | None = to_one(DeploymentRow.created_by_id, UserRow.id, "Who created it.")
    retry_of: Deployment | None = to_one(
        DeploymentRow.retry_of_id, DeploymentRow.id, "The deployment whose failures it tries again."
    )
    jobs: Connection[OtaJob] = to_many(
        DeploymentRow.id, OtaJobRow.deployment_id, "Its batches, by phase.", filter=OtaJobFilter
    )
    executions: Connection[OtaExecution] = to_many(
        DeploymentRow.id, OtaExecutionRow.deployment_id, "The updates of its things.", filter=OtaExecutionFilter
    )
