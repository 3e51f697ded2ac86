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
from models.enums import DeploymentStatus, EventKind, JobSigning, OtaExecutionStatus, OtaJobStatus
from models.store import Store, StoreSettings, open_store
from models.tables import (
    DEPLOYMENT,
    EVENT,
    MEMBERSHIP,
    OTA_EXECUTION,
    OTA_JOB,
    OTA_JOB_KEY,
    RELEASE,
    SIGNING_KEY,
    THING,
    UPDATE_LOG_LINE,
)
from services.access import Principal
from services.events import Position
from tests.differential.files import Files
from tests.differential.world import DOCUMENTS, Tenant

EVENTS: Final = 5
"""Of each kind that concern the eventful thing, and as many that may concern others."""
FIRST_EVENT: Final = 1_000_000
"""Far behind the sequence of the database, which starts from 1."""
UPDATING: Final = (
    EventKind.OTA_EXECUTION_CHANGED,
    EventKind.OTA_UPDATE_OFFERED,
    EventKind.OTA_JOB_CHANGED,
    EventKind.DEPLOYMENT_CHANGED,
)
WITHOUT_THING: Final = (EventKind.OTA_JOB_CHANGED, EventKind.DEPLOYMENT_CHANGED, EventKind.MEMBERSHIP_CHANGED)
STATUSES: Final = [status.value for status in OtaExecutionStatus]


@dataclass(frozen=True)
class World:
    """What is known of the world: who asks, and the ids of everything by their prefix."""

    callers: dict[str, Principal | None]
    ids: dict[str, list[str]]
    external_ids: list[tuple[str, str]]
    """Organizations and external ids of things in them."""
    releases: list[tuple[str, str]]
    """Organizations and releases of theirs."""
    events: list[tuple[str, EventKind | None]]
    """Cursors of the events, oldest first, with the kind of those that concern the eventful thing."""
    eventful: str
    """The thing that every second event is of: of its own, of an update of it, or of its organization."""


class Updates(Files):
    """Deployments, jobs of both sorts, executions in every status, and events."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, EventKind | None]] = []
        for tenant in (self.alder, self.birch):
            for organization in tenant.organizations:
                releases = self.releases[organization]
                for number, status in enumerate(DeploymentStatus):
                    release, artifacts = releases[number % len(releases)]
                    self._deployment(tenant, organization, release, artifacts, status=status)
                for number, job in enumerate(OtaJobStatus):
                    artifact = self.maybe(releases[number % 3][1][0], 0.8)
                    self._job(tenant, organization, None, artifact, status=job)
        self._remember()

    def _rules(self) -> dict[str, Any]:
        """What deployments and jobs have in common."""
        counts = {count_column(status): self.drawn.randrange(4) for status in OtaExecutionStatus}
        plan = {"priority": self.drawn.randrange(1, 11), "retries": self.drawn.randrange(3)}
        words = ("approval", "force", "notify", "share_file", "dynamic")
        numbers = ("max_things", "timeout_seconds", "window_start", "window_end")
        limits = ("stop_failures", "stop_percent", "stop_minimum")
        moments = ("finished_at", "expires_at", "paused_at", "stopped_at", "archived_at")
        return {
            "starts_at": self.moment(),
            "stop_reason": self.drawn.choice(("", "3 of 4 have failed", "ü")),
            "asked_count": self.drawn.randrange(9),
            **{name: self.drawn.random() < 0.5 for name in words},
            **{name: self.maybe(self.drawn.randrange(1, 1441)) for name in (*numbers, *limits)},
            **{name: self.maybe(self.moment()) for name in moments},
            **plan,
            **counts,
        }

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
            initial_thing_count=self.drawn.randrange(9),
            aborted_at=self.maybe(self.moment(), 0.3),
            retry_of_id=self._earlier(DEPLOYMENT, organization),
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
            created_by_id=self.maybe(self.drawn.choice(self.people)),
            phase=phase,
            phase_percent=self.maybe(50),
            phase_count=self.maybe(7),
            after_success_percent=self.maybe(90),
            planned_count=self.drawn.randrange(9),
            target=self.drawn.choice(DOCUMENTS),
            signing=self.drawn.choice(tuple(JobSigning)),
            begun_at=self.maybe(self.moment()),
            cancelled_at=self.maybe(self.moment()),
            retry_of_id=self._earlier(OTA_JOB, organization),
            status=status,
            **self._rules(),
        )
        keys = [row["id"] for row in self.rows[SIGNING_KEY] if row["organization_id"] == organization]
        for key in self.drawn.sample(keys, self.drawn.randrange(2)):
            self.add(OTA_JOB_KEY, job_id=job, key_id=key)
        things = tenant.things[organization]
        chosen = self.drawn.sample(things, min(len(things), self.drawn.randrange(7)))
        if self.thing in things and self.thing not in chosen and self.drawn.random() < 0.5:
            chosen.append(self.thing)
        for thing in chosen:
            lines = self.drawn.choice((0, 0, 1, 3))
            execution = self.make(
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
                device_type=self.drawn.choice(("", "pump")),
                offered_at=self.maybe(self.moment()),
                approved_at=self.maybe(self.moment()),
                approved_by_id=self.maybe(self.drawn.choice(self.people)),
                log_line_count=lines,
                log_uploaded_at=self.moment() if lines else None,
                started_at=self.maybe(self.moment()),
                finished_at=self.maybe(self.moment()),
            )
            for number in range(1, lines + 1):
                line = {"occurred_at": self.moment(), "level": "debug", "message": self.drawn.choice(("", "ü\n\t"))}
                self.add(UPDATE_LOG_LINE, execution_id=execution, number=number, **line)

    def _earlier(self, table: Table, organization: UUID) -> UUID | None:
        """Sometimes the id of a row that the organization has already."""
        found = [row["id"] for row in self.rows[table] if row["organization_id"] == organization]
        return self.maybe(self.drawn.choice(found), 0.3) if found else None

    def _remember(self) -> None:
        """Events of all kinds: every second one concerns the thing that asks, in between they concern any other."""
        executions = self.rows[OTA_EXECUTION]
        mine = [row for row in executions if row["thing_id"] == self.thing and row["deployment_id"] is not None]
        things = {row["id"]: row for row in self.rows[THING]}
        for number in range(EVENTS):
            for kind in self.drawn.sample(list(EventKind), len(EventKind)):
                execution = self.drawn.choice(mine)
                self._happen(kind, number, things[self.thing], execution, concerns=True)
                execution = self.drawn.choice(executions)
                self._happen(kind, number, things[execution["thing_id"]], execution, concerns=False)

    def _happen(
        self, kind: EventKind, number: int, thing: dict[str, Any], execution: dict[str, Any], *, concerns: bool
    ) -> None:
        """One event, of a thing or of an execution of it."""
        sequence = FIRST_EVENT + len(self.rows[EVENT])
        self.events.append((Position(0, sequence).cursor, kind if concerns else None))
        subject, detail = self._subject(kind, number, thing, execution)
        is_member = kind is EventKind.MEMBERSHIP_CHANGED
        self.add(
            EVENT,
            sequence=sequence,
            transaction=0,
            kind=kind,
            organization_id=execution["organization_id"] if kind in UPDATING else thing["organization_id"],
            previous_organization_id=self.empty if kind is EventKind.THING_MOVED and number % 2 else None,
            user_id=UUID(detail["userId"]) if is_member else None,
            thing_id=None if kind in WITHOUT_THING else thing["id"],
            group_id=None if kind in WITHOUT_THING else thing["home_group_id"],
            subject_id=subject,
            detail=detail,
            occurred_at=self.moment(),
        )

    def _subject(
        self, kind: EventKind, number: int, thing: dict[str, Any], execution: dict[str, Any]
    ) -> tuple[UUID, dict[str, Any]]:
        """What the event is about, and its detail."""
        details: dict[EventKind, tuple[Any, dict[str, Any]]] = {
            EventKind.OTA_EXECUTION_CHANGED: (execution["id"], {"status": self.drawn.choice(STATUSES)}),
            EventKind.OTA_UPDATE_OFFERED: (execution["id"], {}),
            EventKind.OTA_JOB_CHANGED: (execution["job_id"], {"deleted": True} if number % 3 == 0 else {}),
            EventKind.DEPLOYMENT_CHANGED: (execution["deployment_id"] or self.key(), {}),
            EventKind.THING_STATE_CHANGED: (
                thing["id"],
                {"side": self.drawn.choice(("REPORTED", "DESIRED")), "patch": self.document(), "version": number},
            ),
            EventKind.THING_CONNECTIVITY_CHANGED: (
                thing["id"],
                {"connected": number % 2 == 0, **({"reason": "SILENCE"} if number % 3 else {})},
            ),
            EventKind.THING_LIFECYCLE_CHANGED: (
                thing["id"],
                {"from": "NEW", "to": "INSTALLED", **({"reason": "ü\n"} if number % 2 else {})},
            ),
            EventKind.THING_DELETED: (thing["id"], {"name": thing["name"]}),
            EventKind.MEMBERSHIP_CHANGED: (
                self.drawn.choice(self.rows[MEMBERSHIP])["id"],
                {
                    "change": self.drawn.choice(("ADDED", "UPDATED", "REMOVED")),
                    "userId": self.drawn.choice(self.people).hex,
                    "role": "EDITOR",
                    "previousRole": self.maybe("VIEWER"),
                },
            ),
        }
        return details.get(kind, (thing["id"], {}))

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
        released = [
            (global_id("org", row["organization_id"]), global_id("release", row["id"])) for row in self.rows[RELEASE]
        ]
        return World(self.callers, ids, named, released, self.events, global_id("thing", self.thing))


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
