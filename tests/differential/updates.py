"""What the world has of updates over the air, and of events: rows on top of its ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, insert
from sqlmodel import SQLModel

from engine.ids import global_id
from engine.records import NODES
from models.counts import count_column
from models.enums import (
    ArtifactFormat,
    ArtifactStatus,
    DeploymentStatus,
    EventKind,
    OtaExecutionStatus,
    OtaJobStatus,
)
from models.store import Store, StoreSettings, open_store
from models.tables import ARTIFACT, DEPLOYMENT, EVENT, OTA_EXECUTION, OTA_JOB, RELEASE, THING
from services.access import Principal
from services.events import Position
from tests.differential.world import DOCUMENTS, Ground, Tenant

EVENTS: Final = 8
FIRST_EVENT: Final = 1_000_000
"""Far behind the sequence of the database, which starts from 1."""


@dataclass(frozen=True)
class World:
    """What is known of the world: who asks, and the ids of everything by their prefix."""

    callers: dict[str, Principal | None]
    ids: dict[str, list[str]]
    external_ids: list[tuple[str, str]]
    """Organizations and external ids of things in them."""
    events: list[str]
    """Cursors of the events, oldest first."""
    eventful: str
    """The thing that every second event, and the last one, is of."""


class Updates(Ground):
    """Releases with artifacts, deployments, jobs of both sorts, executions in every status, and events."""

    def __init__(self) -> None:
        super().__init__()
        for tenant in (self.alder, self.birch):
            for organization in tenant.organizations:
                releases = [self._release(organization, f"{number}.0", number) for number in range(4)]
                for number, status in enumerate(DeploymentStatus):
                    release, artifacts = releases[number % len(releases)]
                    self._deployment(tenant, organization, release, artifacts, status=status)
                for number, job in enumerate(OtaJobStatus):
                    artifact = self.maybe(releases[number % 3][1][0], 0.8)
                    self._job(tenant, organization, None, artifact, status=job)
        self._remember()

    def _release(self, organization: UUID, name: str, artifacts: int) -> tuple[UUID, list[UUID]]:
        notes = self.drawn.choice(("", "new things\n- ü"))
        release = self.make(RELEASE, organization_id=organization, name=name, notes=notes)
        made = []
        for number in range(artifacts + 1):
            ready = number % 2 == 0
            made.append(
                self.make(
                    ARTIFACT,
                    organization_id=organization,
                    release_id=release,
                    name=name,
                    artifact_version=self.drawn.choice(("", "1.2.3")),
                    format=tuple(ArtifactFormat)[number % len(ArtifactFormat)],
                    compatible_types=self.drawn.choice(([], ["pump"], ["a", "ü", ""])),
                    provides=self.document(),
                    depends=self.document(),
                    file_name=f"file {number}.bin",
                    size=self.drawn.choice((0, 1, 2**31, 2**53)),
                    sha256=f"{number:064x}",
                    status=ArtifactStatus.READY if ready else ArtifactStatus.AWAITING_UPLOAD,
                    uploaded_at=self.moment() if ready else None,
                )
            )
        return release, made

    def _rules(self) -> dict[str, Any]:
        """What deployments and jobs have in common."""
        counts = {count_column(status): self.drawn.randrange(4) for status in OtaExecutionStatus}
        plan = {"priority": self.drawn.randrange(1, 11), "retries": self.drawn.randrange(3)}
        return {"starts_at": self.moment(), "finished_at": self.maybe(self.moment()), **plan, **counts}

    def _deployment(
        self, tenant: Tenant, organization: UUID, release: UUID, artifacts: list[UUID], *, status: DeploymentStatus
    ) -> None:
        made = self.make(
            DEPLOYMENT,
            organization_id=organization,
            release_id=release,
            created_by_id=self.maybe(self.drawn.choice(self.people)),
            name=f"campaign {status.value.lower()}",
            status=status,
            target=self.drawn.choice(DOCUMENTS),
            aborted_at=self.maybe(self.moment(), 0.3),
            **self._rules(),
        )
        for phase in range(self.drawn.randrange(3)):
            job = self.drawn.choice(tuple(OtaJobStatus))
            self._job(tenant, organization, made, self.drawn.choice([None, *artifacts]), status=job, phase=phase + 1)

    def _job(
        self,
        tenant: Tenant,
        organization: UUID,
        deployment: UUID | None,
        artifact: UUID | None,
        *,
        status: OtaJobStatus,
        phase: int = 1,
    ) -> None:
        job = self.make(
            OTA_JOB,
            organization_id=organization,
            deployment_id=deployment,
            artifact_id=None if deployment else artifact,
            name=f"job {status.value.lower()}",
            phase=phase,
            status=status,
            **self._rules(),
        )
        things = tenant.things[organization]
        chosen = self.drawn.sample(things, min(len(things), self.drawn.randrange(7)))
        if self.thing in things and self.thing not in chosen and self.drawn.random() < 0.5:
            chosen.append(self.thing)
        for thing in chosen:
            self.add(
                OTA_EXECUTION,
                organization_id=organization,
                job_id=job,
                deployment_id=deployment,
                thing_id=thing,
                artifact_id=artifact,
                status=self.drawn.choice(tuple(OtaExecutionStatus)),
                substate=self.drawn.choice(("", "87 of 100", "ü\n")),
                progress=self.drawn.randrange(101),
                attempts=self.drawn.randrange(3),
                started_at=self.maybe(self.moment()),
                finished_at=self.maybe(self.moment()),
            )

    def _remember(self) -> None:
        """Changes of state of the thing that asks, and of others."""
        home = {row["id"]: row["organization_id"] for row in self.rows[THING]}
        for number in range(1, EVENTS + 1):
            thing = self.thing if number % 2 == 0 else self.drawn.choice(list(home))
            side = ("reported", "desired")[number % 3 == 0]
            detail = {"side": side.upper(), "patch": self.document(), "version": number}
            self.add(
                EVENT,
                sequence=FIRST_EVENT + number,
                transaction=0,
                kind=EventKind.THING_STATE_CHANGED,
                organization_id=home[thing],
                thing_id=thing,
                subject_id=thing,
                detail=detail,
                occurred_at=self.moment(),
            )

    def world(self) -> World:
        """What is known of it."""
        ids = {
            prefix: [global_id(prefix, row["id"]) for row in self.rows[kind.key_column().table]]
            for prefix, kind in NODES.items()
        }
        named = [
            (global_id("org", row["organization_id"]), row["external_id"])
            for row in self.rows[THING]
            if row["external_id"] is not None
        ]
        events = [Position.of(row).cursor for row in self.rows[EVENT]]  # type: ignore[arg-type]
        return World(self.callers, ids, named, events, global_id("thing", self.thing))


async def write_rows(store: Store, rows: dict[Table, list[dict[str, Any]]]) -> None:
    """Insert the rows, what others refer to first."""
    async with store.write() as session:
        for table in SQLModel.metadata.sorted_tables:
            if rows.get(table):
                await session.execute(insert(table), rows[table])


async def build_world(url: str) -> World:
    """Write the world into the migrated database at `url`."""
    drawn = Updates()
    store = open_store(StoreSettings(url))
    try:
        await write_rows(store, drawn.rows)
    finally:
        await store.close()
    return drawn.world()
