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
    starts_at: datetime = column(DeploymentRow.starts_at, "When it starts.")
    finished_at: datetime | None = column(DeploymentRow.finished_at, "When the last update ended.")
    aborted_at: datetime | None = column(DeploymentRow.aborted_at, "When somebody stopped it.")
    version: int = column(DeploymentRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(DeploymentRow.created_at, "When it was created.")
    updated_at: datetime = column(DeploymentRow.updated_at, "When it was last edited.")
    counts: ExecutionCounts = part("How many things are where.")
    organization: Organization | None = to_one(DeploymentRow.organization_id, OrganizationRow.id, "Whose it is.")
    release: Release | None = to_one(DeploymentRow.release_id, ReleaseRow.id, "What it brings.")
    created_by: User | None = to_one(DeploymentRow.created_by_id, UserRow.id, "Who created it.")
    jobs: Connection[OtaJob] = to_many(DeploymentRow.id, OtaJobRow.deployment_id, "Its batches, by phase.")
    executions: Connection[OtaExecution] = to_many(
        DeploymentRow.id, OtaExecutionRow.deployment_id, "The updates of its things."
    )
