"""OTA jobs and the executions that they consist of."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.columns import Owned, Versioned, choice, moment, reference
from models.counts import ExecutionCounts
from models.enums import OtaExecutionStatus, OtaJobStatus


class OtaJobRow(Owned, Versioned, ExecutionCounts, table=True):
    """A batch of updates that starts at one time: a phase of a deployment, or a job of its own with one artifact."""

    __tablename__ = "ota_job"
    __table_args__ = (Index(None, "organization_id", "id"),)

    deployment_id: UUID | None = reference("deployment.id", nullable=True, index=True)
    artifact_id: UUID | None = reference("artifact.id", ondelete="NO ACTION", nullable=True, index=True)
    name: str = Field(max_length=254)
    phase: int = Field(default=1)
    status: OtaJobStatus = choice(OtaJobStatus, OtaJobStatus.IN_PROGRESS)
    priority: int = Field(default=5)
    retries: int = Field(default=0)
    starts_at: datetime = moment()
    finished_at: datetime | None = moment(nullable=True)


class OtaExecutionRow(Owned, Versioned, table=True):
    """One thing's update in one job."""

    __tablename__ = "ota_execution"
    __table_args__ = (
        UniqueConstraint("job_id", "thing_id"),
        Index(None, "organization_id", "id"),
        Index(None, "thing_id", "id"),
        Index(None, "deployment_id", "id"),
        Index(None, "job_id", "id"),
    )

    job_id: UUID = reference("ota_job.id")
    deployment_id: UUID | None = reference("deployment.id", nullable=True)
    thing_id: UUID = reference("thing.id")
    artifact_id: UUID | None = reference("artifact.id", ondelete="NO ACTION", nullable=True, index=True)
    status: OtaExecutionStatus = choice(OtaExecutionStatus, OtaExecutionStatus.PENDING)
    substate: str = Field(default="", max_length=1024)
    progress: int = Field(default=0)
    attempts: int = Field(default=0)
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)
