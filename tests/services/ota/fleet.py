"""What the tests of updates stand on: two organizations, groups, things, and looks into the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from models import (
    ArtifactRow,
    GroupAncestorRow,
    GroupRow,
    GroupThingRow,
    OrganizationAncestorRow,
    OrganizationRow,
    ReleaseRow,
    ThingAttributeRow,
    ThingRow,
    UserRow,
)
from models.columns import now
from models.counts import count_column
from models.enums import ArtifactStatus, AttributeScope, EventKind, OtaExecutionStatus, OtaJobStatus, Role, ThingType
from models.ids import new_id
from models.store import Store
from models.tables import DEPLOYMENT, EVENT, OTA_EXECUTION, OTA_JOB
from services import deployments
from services.access import Access, ThingPrincipal, UserPrincipal
from services.campaign_rules import Rules
from services.execution_counts import OPEN_DEPLOYMENT, OPEN_JOB
from services.execution_moves import ACTIVE
from services.phases import Phase
from services.targets import Target
from services.unit_of_work import UnitOfWork

Working = Callable[[Access], AbstractAsyncContextManager[UnitOfWork]]


@dataclass
class Fleet:
    """Ids of what is there."""

    store: Store
    user: UUID = field(default_factory=new_id)
    organization: UUID = field(default_factory=new_id)
    stranger: UUID = field(default_factory=new_id)
    things: list[UUID] = field(default_factory=list)
    strange_thing: UUID = field(default_factory=new_id)

    def member(self, role: Role) -> Access:
        """A person with a role in the organization, and none in the stranger's."""
        return Access(UserPrincipal(self.user, new_id(), 0.0), roles={self.organization: role})

    def thing(self, index: int = 0) -> Access:
        """One of the things."""
        return Access(ThingPrincipal(self.things[index], self.organization, self.things[index].bytes * 2))

    async def add(self, *rows: Any) -> None:
        async with self.store.write() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def add_things(self, count: int, device_type: str | None = None) -> list[UUID]:
        """Things of type SENSOR, with the inventory attribute that says their device type if it is given."""
        made = [thing_row(self.organization, f"thing {index}") for index in range(count)]
        await self.add(*made)
        if device_type is not None:
            await self.add(*(attribute(row.id, device_type) for row in made))
        self.things += [row.id for row in made]
        return [row.id for row in made]

    async def add_group(self, *things: UUID, parent: UUID | None = None, organization: UUID | None = None) -> UUID:
        key = new_id()
        owner = organization or self.organization
        await self.add(GroupRow(id=key, organization_id=owner, parent_id=parent, name=key.hex))
        await self.add(GroupAncestorRow(group_id=key, ancestor_id=key, depth=0))
        if parent is not None:
            await self.add(GroupAncestorRow(group_id=key, ancestor_id=parent, depth=1))
        await self.add(*(GroupThingRow(group_id=key, thing_id=thing) for thing in things))
        return key

    async def add_release(self, name: str = "1.0") -> UUID:
        row = ReleaseRow(organization_id=self.organization, name=name)
        await self.add(row)
        return row.id

    async def add_artifact(self, release: UUID, *types: str, ready: bool = True) -> UUID:
        row = ArtifactRow(
            organization_id=self.organization,
            release_id=release,
            name="1.0",
            compatible_types=list(types),
            file_name="firmware.bin",
            size=5,
            sha256="0" * 64,
        )
        if ready:
            row.status, row.uploaded_at = ArtifactStatus.READY, now()
        await self.add(row)
        return row.id

    async def one(self, row: type[Any], key: UUID) -> Any:
        """A row as it is stored now."""
        async with self.store.write() as session:
            return await session.get_one(row, key)

    async def count(self, row: type[Any]) -> int:
        async with self.store.read() as connection:
            return (await connection.execute(select(func.count()).select_from(row))).scalar_one()

    async def all_executions(self) -> list[Any]:
        async with self.store.read() as connection:
            return list((await connection.execute(select(OTA_EXECUTION))).all())

    async def executions(self) -> dict[UUID, Any]:
        """Every execution, by its thing; for tests with one job."""
        return {row.thing_id: row for row in await self.all_executions()}

    async def events(self, kind: EventKind) -> list[Any]:
        async with self.store.read() as connection:
            rows = (await connection.execute(select(EVENT).order_by(EVENT.c.sequence))).all()
        return [row for row in rows if row.kind is kind]

    async def assert_counts(self) -> None:
        """Every counter of every job and deployment is what counting the rows gives."""
        async with self.store.read() as connection:
            for table, column in ((OTA_JOB, "job_id"), (DEPLOYMENT, "deployment_id")):
                counted = await connection.execute(
                    select(OTA_EXECUTION.c[column], OTA_EXECUTION.c.status, func.count()).group_by(
                        OTA_EXECUTION.c[column], OTA_EXECUTION.c.status
                    )
                )
                expected = {(key, status): number for key, status, number in counted.all()}
                for row in (await connection.execute(select(table))).mappings():
                    kept = Counter({status: row[count_column(status)] for status in OtaExecutionStatus})
                    assert kept == Counter({status: expected.get((row["id"], status), 0) for status in kept})

    async def assert_ends(self) -> None:
        """Jobs and deployments last exactly as long as one of their executions does; what has ended has its time."""
        async with self.store.read() as connection:
            for table, column in ((OTA_JOB, "job_id"), (DEPLOYMENT, "deployment_id")):
                active = select(OTA_EXECUTION.c[column]).where(OTA_EXECUTION.c.status.in_(ACTIVE))
                open_ones = set((await connection.execute(active)).scalars())
                for row in (await connection.execute(select(table))).all():
                    # Of a cancelled job, what had begun may still be under way.
                    if row.status is not OtaJobStatus.CANCELLED:
                        assert (row.status in OPEN_JOB + OPEN_DEPLOYMENT) is (row.id in open_ones)
                    assert (row.finished_at is None) is (row.id in open_ones)
            ended = OTA_EXECUTION.c.status.not_in(ACTIVE) == OTA_EXECUTION.c.finished_at.is_(None)
            assert (await connection.execute(select(OTA_EXECUTION).where(ended))).all() == []


async def make_fleet(store: Store) -> Fleet:
    """Two organizations; the second has one thing."""
    fleet = Fleet(store)
    for key in (fleet.organization, fleet.stranger):
        await fleet.add(OrganizationRow(id=key, name=key.hex))
        await fleet.add(OrganizationAncestorRow(organization_id=key, ancestor_id=key, depth=0))
    await fleet.add(UserRow(id=fleet.user, email=f"{fleet.user.hex}@example.com", name="Editor", password_hash="none"))
    strange = thing_row(fleet.stranger, "strange")
    strange.id = fleet.strange_thing
    await fleet.add(strange)
    return fleet


def thing_row(organization: UUID, name: str) -> ThingRow:
    key = new_id()
    return ThingRow(
        id=key, organization_id=organization, name=name, type=ThingType.SENSOR, key_digest=key.bytes + key.bytes
    )


def attribute(thing: UUID, device_type: str) -> ThingAttributeRow:
    return ThingAttributeRow(
        thing_id=thing,
        scope=AttributeScope.INVENTORY,
        name="device_type",
        value=device_type,
        text_value=device_type,
    )


async def start(
    fleet: Fleet,
    working: Working,
    access: Access,
    target: Target,
    *,
    release_id: UUID | None = None,
    rules: Rules | None = None,
    phases: Sequence[Phase] | None = None,
) -> UUID:
    """Create a deployment; without a release, of a new one whose artifact fits all things."""
    if release_id is None:
        release_id = await fleet.add_release()
        await fleet.add_artifact(release_id)
    async with working(access) as work:
        return await deployments.create(
            work,
            organization_id=fleet.organization,
            release_id=release_id,
            name="June",
            target=target,
            rules=rules,
            phases=phases,
        )
