"""The types of the graph, each made from a row, its edges resolved through the loaders of the request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Self, TypeVar
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from bench.peers.ordinary.loaders import Loaders, Sessions
from models import GroupRow, OrganizationRow, OtaExecutionRow, ThingRow, ThingStateRow
from schema.enums import Lifecycle, OtaExecutionStatus, ThingType

Node = TypeVar("Node")


@dataclass
class Context:
    """What the resolvers of one request share."""

    sessions: Sessions
    loaders: Loaders


Info = strawberry.Info[Context, None]


def encode(prefix: str, key: UUID) -> strawberry.ID:
    """The global id of a row."""
    return strawberry.ID(f"{prefix}_{key.hex}")


def decode(value: str) -> UUID:
    """The UUID in a global id."""
    return UUID(hex=value.partition("_")[2])


@strawberry.type
class PageInfo:
    """Where a page stands."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Connection(Generic[Node]):
    """One page of a list."""

    nodes: list[Node]
    page_info: PageInfo

    @classmethod
    def page(cls, nodes: list[Node], first: int) -> Connection[Node]:
        """A page of what was read, which is one more than asked for when there is a next page."""
        has_next_page = len(nodes) > first
        nodes = nodes[:first]
        cursor = getattr(nodes[-1], "id", None) if nodes else None
        return cls(nodes=nodes, page_info=PageInfo(has_next_page=has_next_page, end_cursor=cursor))


@strawberry.type
class Organization:
    """A tenant."""

    key: strawberry.Private[UUID]
    id: strawberry.ID
    name: str

    @classmethod
    def from_row(cls, row: OrganizationRow) -> Self:
        """The organization of a row."""
        return cls(key=row.id, id=encode("org", row.id), name=row.name)

    @strawberry.field
    async def groups(self, info: Info, first: int) -> Connection[Group]:
        """Its groups."""
        rows = await info.context.loaders.groups_of.load((self.key, first + 1))
        return Connection[Group].page([Group.from_row(row) for row in rows], first)


@strawberry.type
class Group:
    """A group of things."""

    key: strawberry.Private[UUID]
    id: strawberry.ID
    name: str

    @classmethod
    def from_row(cls, row: GroupRow) -> Self:
        """The group of a row."""
        return cls(key=row.id, id=encode("group", row.id), name=row.name)

    @strawberry.field
    async def things(self, info: Info, first: int) -> Connection[Thing]:
        """Its things."""
        rows = await info.context.loaders.things_of.load((self.key, first + 1))
        return Connection[Thing].page([Thing.from_row(row) for row in rows], first)


@strawberry.type
class ThingState:
    """What a thing reports."""

    version: int
    reported: JSON


@strawberry.type
class OtaExecution:
    """One thing's update in one job."""

    id: strawberry.ID
    status: OtaExecutionStatus
    progress: int

    @classmethod
    def from_row(cls, row: OtaExecutionRow) -> Self:
        """The execution of a row."""
        return cls(id=encode("otaexec", row.id), status=row.status, progress=row.progress)


@strawberry.type
class Thing:
    """A device, sensor, actuator, controller or gateway."""

    key: strawberry.Private[UUID]
    organization_key: strawberry.Private[UUID]
    home_group_key: strawberry.Private[UUID | None]
    id: strawberry.ID
    name: str
    type: ThingType
    external_id: str | None
    lifecycle: Lifecycle
    connected: bool
    last_seen_at: datetime | None
    version: int

    @classmethod
    def from_row(cls, row: ThingRow) -> Self:
        """The thing of a row."""
        return cls(
            key=row.id,
            organization_key=row.organization_id,
            home_group_key=row.home_group_id,
            id=encode("thing", row.id),
            name=row.name,
            type=row.type,
            external_id=row.external_id,
            lifecycle=row.lifecycle,
            connected=row.connected,
            last_seen_at=row.last_seen_at,
            version=row.version,
        )

    @strawberry.field
    async def organization(self, info: Info) -> Organization | None:
        """Whose it is."""
        row = await info.context.loaders.organizations.load(self.organization_key)
        return None if row is None else Organization.from_row(row)

    @strawberry.field
    async def home_group(self, info: Info) -> Group | None:
        """Where it is at home."""
        if self.home_group_key is None:
            return None
        row = await info.context.loaders.groups.load(self.home_group_key)
        return None if row is None else Group.from_row(row)

    @strawberry.field
    async def state(self, info: Info) -> ThingState | None:
        """What it reports."""
        row: ThingStateRow | None = await info.context.loaders.states.load(self.key)
        return None if row is None else ThingState(version=row.version, reported=JSON(row.reported))

    @strawberry.field
    async def executions(self, info: Info, first: int) -> Connection[OtaExecution]:
        """Its updates, newest first."""
        rows = await info.context.loaders.executions_of.load((self.key, first + 1))
        return Connection[OtaExecution].page([OtaExecution.from_row(row) for row in rows], first)
