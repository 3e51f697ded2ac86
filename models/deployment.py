"""Deployments: campaigns that bring a release to a part of the fleet."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.campaign import CampaignProgress, CampaignRules
from models.columns import Owned, Versioned, choice, document, moment, reference
from models.counts import ExecutionCounts
from models.enums import DeploymentStatus


class DeploymentRow(Owned, Versioned, CampaignRules, CampaignProgress, ExecutionCounts, table=True):
    """A campaign; its OTA jobs do the work, its counts are the sums of theirs."""

    __tablename__ = "deployment"
    __table_args__ = (Index(None, "organization_id", "id"),)

    release_id: UUID = reference("release.id", ondelete="NO ACTION", index=True)
    created_by_id: UUID | None = reference("user_account.id", ondelete="SET NULL", nullable=True, index=True)
    name: str = Field(max_length=254)
    description: str = Field(default="", max_length=4096)
    status: DeploymentStatus = choice(DeploymentStatus, DeploymentStatus.PENDING)
    target: dict[str, Any] = document()
    initial_thing_count: int = Field(default=0)
    aborted_at: datetime | None = moment(nullable=True)
    retry_of_id: UUID | None = reference("deployment.id", ondelete="SET NULL", nullable=True, index=True)
