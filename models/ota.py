"""OTA jobs and the executions that they consist of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.campaign import CampaignProgress, CampaignRules
from models.columns import Owned, Versioned, choice, document, key_reference, moment, reference
from models.counts import ExecutionCounts
from models.enums import JobSigning, OtaExecutionStatus, OtaJobStatus


class OtaJobRow(Owned, Versioned, CampaignRules, CampaignProgress, ExecutionCounts, table=True):
    """A batch of updates that starts at one time: a phase of a deployment, or a job of its own with one artifact."""

    __tablename__ = "ota_job"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index(
            "ix_ota_job_waiting",
            "starts_at",
            postgresql_where=text("begun_at IS NULL"),
            sqlite_where=text("begun_at IS NULL"),
        ),
        Index(
            "ix_ota_job_expiring",
            "expires_at",
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
    )

    deployment_id: UUID | None = reference("deployment.id", nullable=True, index=True)
    artifact_id: UUID | None = reference("artifact.id", ondelete="NO ACTION", nullable=True, index=True)
    created_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    name: str = Field(max_length=254)
    description: str = Field(default="", max_length=4096)
    phase: int = Field(default=1)
    phase_percent: int | None = Field(default=None)
    phase_count: int | None = Field(default=None)
    after_success_percent: int | None = Field(default=None)
    planned_count: int = Field(default=0)
    target: dict[str, Any] = document()
    status: OtaJobStatus = choice(OtaJobStatus, OtaJobStatus.IN_PROGRESS)
    signing: JobSigning = choice(JobSigning, JobSigning.NONE)
    begun_at: datetime | None = moment(nullable=True)
    cancelled_at: datetime | None = moment(nullable=True)
    retry_of_id: UUID | None = reference("ota_job.id", ondelete="SET NULL", nullable=True, index=True)


class OtaJobKeyRow(SQLModel, table=True):
    """A signing key that the file of a job is signed with (`JobSigning.KEYS`)."""

    __tablename__ = "ota_job_key"

    job_id: UUID = key_reference("ota_job.id")
    key_id: UUID = key_reference("signing_key.id")


class OtaExecutionRow(Owned, Versioned, table=True):
    """One thing's update in one job."""

    __tablename__ = "ota_execution"
    __table_args__ = (
        UniqueConstraint("job_id", "thing_id"),
        Index(None, "organization_id", "id"),
        Index(None, "thing_id", "id"),
        Index(None, "deployment_id", "id"),
        Index(None, "job_id", "id"),
        # Pages of failures alone; all others would pay for an index by status each time that they move.
        *(
            Index(
                f"ix_ota_execution_failed_{of}",
                f"{of}_id",
                "status",
                "id",
                postgresql_where=text("status = 'FAILURE'"),
                sqlite_where=text("status = 'FAILURE'"),
            )
            for of in ("job", "deployment")
        ),
        Index(
            "ix_ota_execution_open",
            "thing_id",
            "job_id",
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
    )

    job_id: UUID = reference("ota_job.id")
    deployment_id: UUID | None = reference("deployment.id", nullable=True)
    thing_id: UUID = reference("thing.id")
    artifact_id: UUID | None = reference("artifact.id", ondelete="NO ACTION", nullable=True, index=True)
    status: OtaExecutionStatus = choice(OtaExecutionStatus, OtaExecutionStatus.PENDING)
    substate: str = Field(default="", max_length=1024)
    progress: int = Field(default=0)
    attempts: int = Field(default=0)
    device_type: str = Field(default="", max_length=254)
    offered_at: datetime | None = moment(nullable=True)
    approved_at: datetime | None = moment(nullable=True)
    approved_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    log_line_count: int = Field(default=0)
    log_uploaded_at: datetime | None = moment(nullable=True)
    started_at: datetime | None = moment(nullable=True)
    finished_at: datetime | None = moment(nullable=True)


class UpdateLogLineRow(SQLModel, table=True):
    """One line of the log that a thing uploaded of one update; `number` counts from 1."""

    __tablename__ = "update_log_line"

    execution_id: UUID = key_reference("ota_execution.id")
    number: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    occurred_at: datetime = moment()
    level: str = Field(max_length=32)
    message: str = Field(sa_type=Text, nullable=False)
