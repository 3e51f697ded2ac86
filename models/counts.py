"""Counts of executions by status, kept by the statements that move executions and never by counting on read."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from models.enums import OtaExecutionStatus


class ExecutionCounts(SQLModel):
    """One counter for each status of an execution, named `<status in lower case>_count`."""

    pending_count: int = Field(default=0)
    awaiting_approval_count: int = Field(default=0)
    triggered_count: int = Field(default=0)
    started_count: int = Field(default=0)
    downloading_count: int = Field(default=0)
    installing_count: int = Field(default=0)
    rebooting_count: int = Field(default=0)
    delayed_count: int = Field(default=0)
    success_count: int = Field(default=0)
    failure_count: int = Field(default=0)
    rejected_count: int = Field(default=0)
    already_installed_count: int = Field(default=0)
    no_artifact_count: int = Field(default=0)
    aborted_count: int = Field(default=0)
    expired_count: int = Field(default=0)
    decommissioned_count: int = Field(default=0)


def count_column(status: OtaExecutionStatus) -> str:
    """The name of the counter of a status."""
    return f"{status.value.lower()}_count"
