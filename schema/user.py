"""People."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, descending, identifier, to_many
from engine.records import Node, record
from models import DeploymentRow, MembershipRow, UserRow
from schema.archive import archive_views
from schema.deployment_filter import DeploymentFilter
from schema.enums import UserStatus

if TYPE_CHECKING:
    from schema.deployment import Deployment
    from schema.organization import Membership


@record(UserRow, prefix="user")
class User(Node):
    """A person who can sign in. You see yourself and those who share an organization with you."""

    id: strawberry.ID = identifier(UserRow.id, "user")
    email: str = column(UserRow.email, "The e-mail address, in lower case; unique over the platform.")
    name: str = column(UserRow.name, "The name, for people.")
    status: UserStatus = column(UserRow.status, "Whether they may sign in.")
    metadata: JSON = column(UserRow.meta, "Free data, as an object.")
    version: int = column(UserRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(UserRow.created_at, "When the account was created.")
    updated_at: datetime = column(UserRow.updated_at, "When it was last edited.")
    memberships: Connection[Membership] = to_many(
        UserRow.id, MembershipRow.user_id, "Where they belong, as far as you may see it."
    )
    deployments: Connection[Deployment] = to_many(
        UserRow.id,
        DeploymentRow.created_by_id,
        "The deployments that they created.",
        order=[descending(DeploymentRow.id)],
        filter=DeploymentFilter,
        views=archive_views(DeploymentRow.archived_at),
    )
