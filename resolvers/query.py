"""The root of queries: one thing by id, many as a connection, and who is asking."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import strawberry

from engine.connection import Connection
from engine.errors import BadUserInput
from engine.fields import all_of, by_id, descending
from engine.ids import split_id
from engine.records import NODES, Node
from engine.resolve import key_in
from models import (
    ArtifactRow,
    DeploymentRow,
    GroupRow,
    MembershipRow,
    OrganizationRow,
    OtaExecutionRow,
    OtaJobRow,
    ProfileRow,
    ReleaseRow,
    ThingRow,
    UserRow,
)
from models.tables import THING
from resolvers.context import Context, Info
from resolvers.thing_lookup import find_by_external_id
from resolvers.thing_stats import count_things
from resolvers.viewer import view_principal
from schema.deployment import Deployment
from schema.group import Group
from schema.organization import Membership, Organization
from schema.ota import OtaExecution, OtaJob
from schema.profile import Profile
from schema.release import Artifact, Release
from schema.thing import Thing
from schema.thing_filter import THING_ORDERINGS, ThingFilter, ThingOrder
from schema.thing_stats import ThingStats, ThingStatsKey
from schema.user import User
from schema.viewer import Viewer

MAX_NODES = 100


@strawberry.type(description="Everything that can be read. What you may not see does not exist for you.")
class Query:
    """The root of queries."""

    organization: Organization | None = by_id(OrganizationRow.id, "org", "One organization.")
    organizations: Connection[Organization] = all_of(OrganizationRow.id, "All organizations within your reach.")
    user: User | None = by_id(UserRow.id, "user", "One person.")
    users: Connection[User] = all_of(UserRow.id, "You, and all who share an organization with you.")
    membership: Membership | None = by_id(MembershipRow.id, "membership", "One membership.")
    group: Group | None = by_id(GroupRow.id, "group", "One group.")
    groups: Connection[Group] = all_of(GroupRow.id, "All groups.")
    profile: Profile | None = by_id(ProfileRow.id, "profile", "One profile.")
    profiles: Connection[Profile] = all_of(ProfileRow.id, "All profiles.")
    things: Connection[Thing] = all_of(
        ThingRow.id, "All things.", filter=ThingFilter, order_by=ThingOrder, orderings=THING_ORDERINGS
    )
    artifact: Artifact | None = by_id(ArtifactRow.id, "artifact", "One artifact.")
    artifacts: Connection[Artifact] = all_of(
        ArtifactRow.id, "All artifacts, newest first.", order=[descending(ArtifactRow.id)]
    )
    release: Release | None = by_id(ReleaseRow.id, "release", "One release.")
    releases: Connection[Release] = all_of(
        ReleaseRow.id, "All releases, newest first.", order=[descending(ReleaseRow.id)]
    )
    deployment: Deployment | None = by_id(DeploymentRow.id, "deployment", "One deployment.")
    deployments: Connection[Deployment] = all_of(
        DeploymentRow.id, "All deployments, newest first.", order=[descending(DeploymentRow.id)]
    )
    ota_job: OtaJob | None = by_id(OtaJobRow.id, "otajob", "One OTA job.")
    ota_jobs: Connection[OtaJob] = all_of(OtaJobRow.id, "All OTA jobs, newest first.", order=[descending(OtaJobRow.id)])
    ota_execution: OtaExecution | None = by_id(OtaExecutionRow.id, "otaexec", "One thing's update in one job.")
    ota_executions: Connection[OtaExecution] = all_of(
        OtaExecutionRow.id, "All updates of things, newest first.", order=[descending(OtaExecutionRow.id)]
    )

    @strawberry.field(description="Who you are, where you belong, and what you may do.")
    async def viewer(self, info: Info) -> Viewer:
        """Who is asking."""
        return view_principal(info.context.access)

    @strawberry.field(description="Anything, by its global id.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")]
    ) -> Node | None:
        """One object of any type."""
        return await _find(info.context, *_named(id))

    @strawberry.field(description="Several things of any kind, by their global ids, in the order asked for.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The global ids, 100 at most.")],
    ) -> list[Node | None]:
        """Several objects of any type."""
        if len(ids) > MAX_NODES:
            raise BadUserInput(f"nodes takes at most {MAX_NODES} ids")
        # All are read before any is loaded: what is loaded when another is refused would be left to itself.
        named = [_named(each) for each in ids]
        return await asyncio.gather(*(_find(info.context, kind, key) for kind, key in named))

    @strawberry.field(description="One thing, by its id, or by its external id in an organization.")
    async def thing(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="The global id.")] = strawberry.UNSET,
        external_id: Annotated[
            str | None, strawberry.argument(description="The id in another registry; give organizationId with it.")
        ] = strawberry.UNSET,
        organization_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The organization that the external id is of.")
        ] = strawberry.UNSET,
    ) -> Thing | None:
        """One thing."""
        context = info.context
        if id and not external_id and not organization_id:
            row = await context.loaders.one(THING.c.id, key_in("thing", id))
        elif external_id and organization_id and not id:
            row = await find_by_external_id(context, key_in("org", organization_id), external_id)
        else:
            raise BadUserInput("give id, or externalId and organizationId")
        return None if row is None else Thing.over(row)

    @strawberry.field(description="Counts over things: the whole, and by one of their properties.")
    async def thing_stats(
        self,
        info: Info,
        filter: Annotated[
            ThingFilter | None, strawberry.argument(description="Only things that meet this.")
        ] = strawberry.UNSET,
        group_by: Annotated[
            ThingStatsKey | None, strawberry.argument(description="What to count by.")
        ] = strawberry.UNSET,
    ) -> ThingStats:
        """Counts over things."""
        return await count_things(info.context, filter or None, group_by or None)


def _named(value: str) -> tuple[type[Node], UUID]:
    """The type and the key that a global id names."""
    parts = split_id(value)
    if parts is None or parts[0] not in NODES:
        raise BadUserInput(f"{value[:80]!r} is not a global id")
    return NODES[parts[0]], parts[1]


async def _find(context: Context, kind: type[Node], key: UUID) -> Node | None:
    row = await context.loaders.one(kind.key_column(), key)
    return None if row is None else kind.over(row)
