"""The root of queries: one thing by id, many as a connection, and who is asking."""

from __future__ import annotations

from typing import Annotated

import strawberry

from engine.connection import Connection
from engine.cost import WEIGHT, Weight
from engine.declarations import EARLY
from engine.fields import all_of, any_by_id, any_by_ids, by_id, by_key, descending
from engine.records import Node
from models import (
    ArtifactRow,
    AttachmentRow,
    AuthSetRow,
    DeploymentRow,
    GroupRow,
    MembershipRow,
    OrganizationRow,
    OtaExecutionRow,
    OtaJobRow,
    ProfileRow,
    ReleaseRow,
    SigningKeyRow,
    SigningRequestRow,
    ThingRow,
    UserRow,
)
from resolvers.context import Info
from resolvers.deployment_preview import preview_deployment
from resolvers.next_update import next_update
from resolvers.thing_lookup import external_id
from resolvers.thing_stats import count_things
from resolvers.viewer import view_principal
from schema.archive import archive_views
from schema.auth_set import AuthSet
from schema.deployment import Deployment
from schema.deployment_filter import DeploymentFilter
from schema.deployment_preview import DeploymentPreview, DeploymentPreviewInput
from schema.group import Group
from schema.offer import UpdateOffer
from schema.organization import Membership, Organization
from schema.ota import OtaExecution, OtaJob
from schema.ota_filter import OtaExecutionFilter, OtaJobFilter
from schema.profile import Profile
from schema.release import Artifact, Attachment, Release
from schema.release_filter import ArtifactFilter, ReleaseFilter
from schema.signing import SigningKey, SigningRequest
from schema.signing_filter import SigningRequestFilter
from schema.thing import Thing
from schema.thing_filter import THING_ORDERINGS, ThingFilter, ThingOrder
from schema.thing_stats import ThingStats, ThingStatsKey
from schema.user import User
from schema.viewer import Viewer
from services.events import START


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
        ArtifactRow.id,
        "All artifacts, newest first.",
        order=[descending(ArtifactRow.id)],
        filter=ArtifactFilter,
        views=archive_views(ArtifactRow.archived_at),
    )
    release: Release | None = by_id(ReleaseRow.id, "release", "One release.")
    releases: Connection[Release] = all_of(
        ReleaseRow.id, "All releases, newest first.", order=[descending(ReleaseRow.id)], filter=ReleaseFilter
    )
    deployment: Deployment | None = by_id(DeploymentRow.id, "deployment", "One deployment.")
    deployments: Connection[Deployment] = all_of(
        DeploymentRow.id,
        "All deployments, newest first.",
        order=[descending(DeploymentRow.id)],
        filter=DeploymentFilter,
        views=archive_views(DeploymentRow.archived_at),
    )
    ota_job: OtaJob | None = by_id(OtaJobRow.id, "otajob", "One OTA job.")
    ota_jobs: Connection[OtaJob] = all_of(
        OtaJobRow.id,
        "All OTA jobs, newest first.",
        order=[descending(OtaJobRow.id)],
        filter=OtaJobFilter,
        views=archive_views(OtaJobRow.archived_at),
    )
    ota_execution: OtaExecution | None = by_id(OtaExecutionRow.id, "otaexec", "One thing's update in one job.")
    ota_executions: Connection[OtaExecution] = all_of(
        OtaExecutionRow.id,
        "All updates of things, newest first.",
        order=[descending(OtaExecutionRow.id)],
        filter=OtaExecutionFilter,
    )

    attachment: Attachment | None = by_id(AttachmentRow.id, "attachment", "One file that goes with an artifact.")
    auth_set: AuthSet | None = by_id(AuthSetRow.id, "authset", "One identity with one public key.")
    signing_key: SigningKey | None = by_id(SigningKeyRow.id, "signingkey", "One signing key.")
    signing_keys: Connection[SigningKey] = all_of(SigningKeyRow.id, "All signing keys.")
    signing_request: SigningRequest | None = by_id(SigningRequestRow.id, "signingreq", "One request to sign.")
    signing_requests: Connection[SigningRequest] = all_of(
        SigningRequestRow.id,
        "All requests to sign, newest first.",
        order=[descending(SigningRequestRow.id)],
        filter=SigningRequestFilter,
    )

    @strawberry.field(description="Who you are, where you belong, and what you may do.")
    async def viewer(self, info: Info) -> Viewer:
        """Who is asking."""
        return view_principal(info.context.access)

    @strawberry.field(
        description="The place in the log of all events as it was before anything else of this query was read; null "
        "before the first event. Read it beside a list and give it as `after` to a subscription: then you miss "
        "nothing, and may see something twice.",
        metadata={EARLY: True, WEIGHT: Weight(1)},
    )
    async def event_cursor(self, info: Info) -> str | None:
        """The place in the log."""
        position = await info.context.position_if_asked()
        return None if position is None or position == START else position.cursor

    node: Node | None = any_by_id("Anything, by its global id.")
    nodes: list[Node | None] = any_by_ids("Several things of any kind, by their global ids, in the order asked for.")
    thing: Thing | None = by_key(
        ThingRow.id,
        "thing",
        "One thing, by its id, or by its external id in an organization.",
        natural=external_id,
        arguments={
            "external_id": (str | None, "The id in another registry; give organizationId with it."),
            "organization_id": (strawberry.ID | None, "The organization that the external id is of."),
        },
    )

    @strawberry.field(
        description="What a thing would be offered if it asked for its next update now, and for people also what waits "
        "for their consent; null when nothing waits. Changes nothing.",
        metadata={WEIGHT: Weight(20)},
    )
    async def next_update(
        self, info: Info, thing_id: Annotated[strawberry.ID, strawberry.argument(description="The thing.")]
    ) -> UpdateOffer | None:
        """What waits for a thing."""
        return await next_update(info.context, thing_id)

    @strawberry.field(
        description="Counts over things: the whole, and by one of their properties.",
        metadata={WEIGHT: Weight(500)},
    )
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

    @strawberry.field(
        description="What a deployment would do if it were created now. Nothing is made or changed; it takes what "
        "creating one takes.",
        metadata={WEIGHT: Weight(500)},
    )
    async def deployment_preview(
        self,
        info: Info,
        input: Annotated[DeploymentPreviewInput, strawberry.argument(description="The deployment.")],
    ) -> DeploymentPreview:
        """What would be."""
        return await preview_deployment(info.context, input)
