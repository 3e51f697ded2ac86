"""Organizations and who belongs to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, descending, identifier, to_many, to_one
from engine.records import Node, record
from models import (
    ArtifactRow,
    DeploymentRow,
    GroupRow,
    MembershipRow,
    OrganizationRow,
    OtaJobRow,
    ProfileRow,
    ReleaseRow,
    SigningKeyRow,
    SigningRequestRow,
    TenantTokenRow,
    ThingRow,
    UserRow,
)
from schema.archive import archive_views
from schema.deployment_filter import DeploymentFilter
from schema.enums import OrganizationStatus, Role
from schema.ota_filter import OtaJobFilter
from schema.release_filter import ArtifactFilter, ReleaseFilter
from schema.scalars import BigInt
from schema.signing_filter import SigningRequestFilter
from schema.thing_filter import THING_ORDERINGS, ThingFilter, ThingOrder

if TYPE_CHECKING:
    from schema.auth_set import TenantToken
    from schema.deployment import Deployment
    from schema.group import Group
    from schema.ota import OtaJob
    from schema.profile import Profile
    from schema.release import Artifact, Release
    from schema.signing import SigningKey, SigningRequest
    from schema.thing import Thing
    from schema.user import User


@record(OrganizationRow, prefix="org")
class Organization(Node):
    """A tenant, in a tree. Roles in an organization reach down to all organizations below it."""

    id: strawberry.ID = identifier(OrganizationRow.id, "org")
    name: str = column(OrganizationRow.name, "The name.")
    description: str = column(OrganizationRow.description, "What it is, for people.")
    email: str | None = column(OrganizationRow.email, "Whom to write to.")
    phone: str | None = column(OrganizationRow.phone, "Whom to call.")
    address: JSON = column(OrganizationRow.address, "The postal address, as an object.")
    metadata: JSON = column(OrganizationRow.meta, "Free data, as an object.")
    status: OrganizationStatus = column(OrganizationRow.status, "Whether it may act.")
    thing_limit: int | None = column(OrganizationRow.thing_limit, "How many things it may have; null for no limit.")
    accepted_thing_limit: int | None = column(
        OrganizationRow.accepted_thing_limit, "How many things may be accepted to sign in; null for no limit."
    )
    accepted_thing_count: int = column(OrganizationRow.accepted_thing_count, "How many things are accepted now.")
    storage_limit: BigInt | None = column(
        OrganizationRow.storage_limit, "How many bytes its files may have together; null for no limit."
    )
    storage_used: BigInt = column(OrganizationRow.storage_used, "How many bytes its files have together.")
    time_zone: str = column(OrganizationRow.time_zone, "The time zone of things that name none, by its IANA name.")
    version: int = column(OrganizationRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(OrganizationRow.created_at, "When it was created.")
    updated_at: datetime = column(OrganizationRow.updated_at, "When it was last edited.")
    parent: Organization | None = to_one(
        OrganizationRow.parent_id, OrganizationRow.id, "The organization above, if there is one that you may see."
    )
    children: Connection[Organization] = to_many(
        OrganizationRow.id, OrganizationRow.parent_id, "The organizations directly below."
    )
    memberships: Connection[Membership] = to_many(
        OrganizationRow.id, MembershipRow.organization_id, "The members with their roles."
    )
    groups: Connection[Group] = to_many(
        OrganizationRow.id, GroupRow.organization_id, "Its groups of things, on all levels."
    )
    things: Connection[Thing] = to_many(
        OrganizationRow.id,
        ThingRow.organization_id,
        "Its things, those of organizations below not included.",
        filter=ThingFilter,
        order_by=ThingOrder,
        orderings=THING_ORDERINGS,
    )
    profiles: Connection[Profile] = to_many(OrganizationRow.id, ProfileRow.organization_id, "Its profiles.")
    releases: Connection[Release] = to_many(
        OrganizationRow.id, ReleaseRow.organization_id, "Its releases.", filter=ReleaseFilter
    )
    artifacts: Connection[Artifact] = to_many(
        OrganizationRow.id,
        ArtifactRow.organization_id,
        "Its artifacts.",
        filter=ArtifactFilter,
        views=archive_views(ArtifactRow.archived_at),
    )
    deployments: Connection[Deployment] = to_many(
        OrganizationRow.id,
        DeploymentRow.organization_id,
        "Its deployments, newest first.",
        order=[descending(DeploymentRow.id)],
        filter=DeploymentFilter,
        views=archive_views(DeploymentRow.archived_at),
    )
    tenant_tokens: Connection[TenantToken] = to_many(
        OrganizationRow.id, TenantTokenRow.organization_id, "What names it to things that first sign in."
    )
    signing_keys: Connection[SigningKey] = to_many(
        OrganizationRow.id, SigningKeyRow.organization_id, "The keys that its artifacts are signed with."
    )
    signing_requests: Connection[SigningRequest] = to_many(
        OrganizationRow.id,
        SigningRequestRow.organization_id,
        "Its requests to sign, newest first.",
        order=[descending(SigningRequestRow.id)],
        filter=SigningRequestFilter,
    )
    ota_jobs: Connection[OtaJob] = to_many(
        OrganizationRow.id,
        OtaJobRow.organization_id,
        "Its OTA jobs, newest first.",
        order=[descending(OtaJobRow.id)],
        filter=OtaJobFilter,
        views=archive_views(OtaJobRow.archived_at),
    )


@record(MembershipRow, prefix="membership")
class Membership(Node):
    """One user's role in one organization."""

    id: strawberry.ID = identifier(MembershipRow.id, "membership")
    role: Role = column(MembershipRow.role, "The role, here and in all organizations below.")
    created_at: datetime = column(MembershipRow.created_at, "Since when.")
    updated_at: datetime = column(MembershipRow.updated_at, "When the role was last changed.")
    user: User | None = to_one(MembershipRow.user_id, UserRow.id, "Who.")
    organization: Organization | None = to_one(MembershipRow.organization_id, OrganizationRow.id, "Where.")
