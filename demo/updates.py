"""Releases, artifacts, deployments and jobs of the demo fleet, and the executions of each thing in them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from demo.campaigns import CampaignPlan, Course, PhasePlan, plan_campaigns
from demo.firmware import file_name, firmware
from demo.ground import Ground, Site
from demo.kinds import Kind
from models.counts import count_column
from models.enums import ArtifactStatus, DeploymentStatus, Lifecycle, OtaJobStatus
from models.enums import OtaExecutionStatus as Status
from models.ids import new_id
from models.tables import ARTIFACT, DEPLOYMENT, ORGANIZATION, OTA_JOB, RELEASE
from services.artifact_choice import DEVICE_TYPE
from services.execution_moves import ACTIVE

ArtifactFile = tuple[UUID, bytes, str]
"""An artifact, the content of its file, and what the file is called."""
_JOB: Final = {
    Course.FINISHED: OtaJobStatus.FINISHED,
    Course.RUNNING: OtaJobStatus.IN_PROGRESS,
    Course.WAITING: OtaJobStatus.SCHEDULED,
    Course.PAUSED: OtaJobStatus.PAUSED,
    Course.ABORTED: OtaJobStatus.CANCELLED,
}
_DEPLOYMENT: Final = {
    Course.FINISHED: DeploymentStatus.FINISHED,
    Course.RUNNING: DeploymentStatus.IN_PROGRESS,
    Course.WAITING: DeploymentStatus.SCHEDULED,
    Course.PAUSED: DeploymentStatus.PAUSED,
    Course.ABORTED: DeploymentStatus.FINISHED,
}


@dataclass(slots=True)
class Phase:
    """A job that has been made, and the counts of its executions so far."""

    id: UUID
    deployment_id: UUID | None
    plan: PhasePlan
    starts_at: datetime
    changed_at: datetime
    counts: Counter[Status] = field(default_factory=Counter)

    def note(self, status: Status, at: datetime) -> None:
        """Count an execution that came to this status at this moment."""
        self.counts[status] += 1
        self.changed_at = max(self.changed_at, at)


@dataclass(slots=True)
class Campaign:
    """A deployment, or a job of its own, that has been made; `artifacts` by the device type that each fits."""

    plan: CampaignPlan
    site: Site
    created_at: datetime
    artifacts: dict[str, UUID]
    deployment_id: UUID | None
    phases: list[Phase]

    def phase_of(self, draw: float) -> Phase | None:
        """The phase that a thing with this draw (0 to 1) falls into, if any reaches so far."""
        return next((phase for phase in self.phases if draw < phase.plan.reach), None)

    def names(self) -> dict[UUID, dict[str, Any]]:
        """Number and name of each phase that things came into."""
        filled = [phase for phase in self.phases if phase.counts]
        several = len(filled) > 1
        return {
            phase.id: {"phase": number, "name": f"{self.plan.name}, phase {number}" if several else self.plan.name}
            for number, phase in enumerate(filled, start=1)
        }


class Updates:
    """All campaigns of the fleet."""

    def __init__(self, ground: Ground, moment: datetime, seed: int) -> None:
        """`moment` is the present; `seed` decides the content of the files."""
        self._ground = ground
        self._moment = moment
        self._seed = seed
        self._artifacts: dict[tuple[UUID, str, str], UUID] = {}
        self._campaigns: dict[tuple[UUID, str], list[Campaign]] = {}
        self.files: list[ArtifactFile] = []
        self.made: Counter[str] = Counter()

    async def make(self, connection: AsyncConnection) -> None:
        """Insert releases, artifacts, deployments and jobs; `files` then holds what belongs into the storage."""
        for site in self._ground.sites:
            releases: dict[str, UUID] = {}
            for kind in site.place.kinds:
                releases |= await self._make_releases(connection, site, kind)
            for plan in plan_campaigns(site.place):
                campaign = await self._make_campaign(connection, site, plan, releases)
                self._campaigns.setdefault((site.id, plan.kind.key), []).append(campaign)

    def __iter__(self) -> Iterator[Campaign]:
        """Every campaign."""
        for campaigns in self._campaigns.values():
            yield from campaigns

    def of(self, site: Site, kind: Kind) -> list[Campaign]:
        """The campaigns that concern the things of a kind in an organization, oldest first."""
        return self._campaigns.get((site.id, kind.key), [])

    async def _make_releases(self, connection: AsyncConnection, site: Site, kind: Kind) -> dict[str, UUID]:
        made: dict[str, UUID] = {}
        for age, version in zip((400, 110, 35), kind.versions, strict=True):
            released = self._moment - timedelta(days=age)
            dates = {"created_at": released, "updated_at": released}
            key = made[kind.release_name(version)] = new_id()
            release = {
                "id": key,
                "organization_id": site.id,
                "name": kind.release_name(version),
                "notes": f"Firmware {version} of the {kind.label.lower()}.",
                **dates,
            }
            await connection.execute(insert(RELEASE), [release])
            # The newest firmware is no longer built for the legacy hardware.
            built = kind.device_types[:-1] if version == kind.versions[-1] else kind.device_types
            rows = [self._artifact(site, kind, key, device_type, version) | dates for device_type in built]
            await connection.execute(insert(ARTIFACT), rows)
        return made

    def _artifact(self, site: Site, kind: Kind, release_id: UUID, device_type: str, version: str) -> dict[str, Any]:
        content = firmware(kind, device_type, version, self._seed)
        key = self._artifacts[site.id, device_type, version] = new_id()
        self.files.append((key, content, file_name(kind, device_type, version)))
        return {
            "id": key,
            "organization_id": site.id,
            "release_id": release_id,
            "name": kind.release_name(version),
            "artifact_version": version,
            "description": f"For {device_type}.",
            "format": kind.artifact_format,
            "compatible_types": [device_type],
            "provides": {"firmware_version": version},
            "depends": {},
            "file_name": file_name(kind, device_type, version),
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "status": ArtifactStatus.READY,
            "uploaded_at": self._moment - timedelta(days=30),
        }

    async def _make_campaign(
        self, connection: AsyncConnection, site: Site, plan: CampaignPlan, releases: dict[str, UUID]
    ) -> Campaign:
        created = self._moment - timedelta(days=plan.days_ago)
        starts = [self._moment - timedelta(days=phase.days_ago) for phase in plan.phases]
        base = {"organization_id": site.id, "created_at": created, "updated_at": created}
        artifacts = {
            device_type: self._artifacts[site.id, device_type, plan.version]
            for device_type in plan.kind.device_types
            if (site.id, device_type, plan.version) in self._artifacts
        }
        deployment_id = None
        only = None
        if plan.is_deployment:
            deployment_id = new_id()
            deployment = base | {
                "id": deployment_id,
                "release_id": releases[plan.kind.release_name(plan.version)],
                "created_by_id": self._ground.owner_id,
                "name": plan.name,
                "status": _DEPLOYMENT[plan.course],
                "target": _target(plan.kind),
                "starts_at": starts[0],
            }
            await connection.execute(insert(DEPLOYMENT), [deployment])
        else:
            device_type = plan.kind.device_types[0]
            artifacts = {device_type: artifacts[device_type]}
            only = artifacts[device_type]
        phases = [
            Phase(new_id(), deployment_id, phase, at, created) for phase, at in zip(plan.phases, starts, strict=True)
        ]
        jobs = [
            base
            | {
                "id": phase.id,
                "deployment_id": deployment_id,
                "artifact_id": only,
                "name": plan.name,
                "status": _JOB[phase.plan.course],
                "starts_at": phase.starts_at,
                "begun_at": None if phase.plan.course is Course.WAITING else phase.starts_at,
                "paused_at": phase.starts_at if phase.plan.course is Course.PAUSED else None,
            }
            for phase in phases
        ]
        await connection.execute(insert(OTA_JOB), jobs)
        return Campaign(plan, site, created, artifacts, deployment_id, phases)

    async def finish(self, connection: AsyncConnection) -> None:
        """Write the counts and the status of jobs and deployments; remove those that no thing came into.

        As the services have it: what has no active execution left is finished, or cancelled when it was stopped. The
        storage that the files take is counted, too.
        """
        stored = select(func.coalesce(func.sum(ARTIFACT.c.size), 0)).where(
            ARTIFACT.c.organization_id == ORGANIZATION.c.id, ARTIFACT.c.uploaded_at.is_not(None)
        )
        await connection.execute(update(ORGANIZATION).values(storage_used=stored.scalar_subquery()))
        for campaign in self:
            total: Counter[Status] = Counter()
            names = campaign.names()
            for phase in campaign.phases:
                total += phase.counts
                end = _job_end(phase) | names.get(phase.id, {})
                await self._close(connection, OTA_JOB, phase.id, phase.counts, end)
            if campaign.deployment_id is not None:
                await self._close(
                    connection, DEPLOYMENT, campaign.deployment_id, total, _deployment_end(campaign, total)
                )

    async def _close(
        self, connection: AsyncConnection, table: Table, key: UUID, counts: Counter[Status], end: dict[str, Any]
    ) -> None:
        if not counts.total():
            await connection.execute(delete(table).where(table.c.id == key))
            return
        planned = "planned_count" if table is OTA_JOB else "initial_thing_count"
        values = end | {count_column(status): counts[status] for status in Status} | {planned: counts.total()}
        await connection.execute(update(table).where(table.c.id == key).values(values))
        kind = "jobs" if table is OTA_JOB else "deployments"
        self.made[kind] += 1


def _target(kind: Kind) -> dict[str, Any]:
    """What a campaign was aimed at, in the words of `createDeployment`."""
    of_kind = {"scope": "INVENTORY", "name": DEVICE_TYPE, "text": {"in": list(kind.device_types)}}
    return {"filter": {"lifecycle": [Lifecycle.INSTALLED.value], "attribute": of_kind}}


def _active(counts: Counter[Status]) -> int:
    return sum(counts[status] for status in ACTIVE)


def _job_end(phase: Phase) -> dict[str, Any]:
    if _active(phase.counts):
        return {"updated_at": phase.changed_at}
    status = OtaJobStatus.CANCELLED if phase.counts[Status.ABORTED] else OtaJobStatus.FINISHED
    return {"status": status, "finished_at": phase.changed_at, "updated_at": phase.changed_at}


def _deployment_end(campaign: Campaign, counts: Counter[Status]) -> dict[str, Any]:
    changed_at = max(phase.changed_at for phase in campaign.phases)
    if _active(counts):
        waits = campaign.plan.course is Course.RUNNING and counts.keys() <= {Status.PENDING, Status.NO_ARTIFACT}
        status = DeploymentStatus.PENDING if waits else _DEPLOYMENT[campaign.plan.course]
        return {"status": status, "updated_at": changed_at}
    return {
        "status": DeploymentStatus.FINISHED,
        "finished_at": changed_at,
        "updated_at": changed_at,
        "aborted_at": changed_at if counts[Status.ABORTED] else None,
    }
