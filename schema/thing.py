"""Things and what describes them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry
from strawberry.scalars import JSON

from engine.connection import Connection
from engine.fields import column, computed, descending, identifier, to_all, to_many, to_one
from engine.records import Node, Record, record
from models import (
    AuthSetRow,
    GroupRow,
    GroupThingRow,
    OrganizationRow,
    OtaExecutionRow,
    ProfileRow,
    ThingAttributeRow,
    ThingLifecycleRow,
    ThingRow,
    ThingStateRow,
    ThingTagRow,
    ThingTokenRow,
)
from schema.delta import state_delta
from schema.enums import AttributeScope, Lifecycle, ThingAuthStatus, ThingType
from schema.ota_filter import OtaExecutionFilter

if TYPE_CHECKING:
    from schema.auth_set import AuthSet, ThingToken
    from schema.group import Group
    from schema.organization import Organization
    from schema.ota import OtaExecution
    from schema.profile import Profile


@record(ThingRow, prefix="thing")
class Thing(Node):
    """A device, sensor, actuator, controller or gateway."""

    id: strawberry.ID = identifier(ThingRow.id, "thing")
    name: str = column(ThingRow.name, "The name, for people.")
    type: ThingType = column(ThingRow.type, "What it is in the fleet.")
    external_id: str | None = column(ThingRow.external_id, "Its id in another registry, unique in the organization.")
    lifecycle: Lifecycle = column(ThingRow.lifecycle, "Where it is in its life.")
    connected: bool = column(
        ThingRow.connected, "Whether it is connected now: it keeps a socket, or reports within its interval."
    )
    last_seen_at: datetime | None = column(
        ThingRow.last_seen_at,
        "When it was last heard of: it reported, came or went with a socket, or asked for its next update by the "
        "device protocol; null for never.",
    )
    report_interval_seconds: int | None = column(
        ThingRow.report_interval_seconds,
        "How often it reports, in seconds; null for the setting of the gateway. It goes offline when it has been "
        "silent for half as long again, and keeps no socket.",
    )
    time_zone: str | None = column(
        ThingRow.time_zone, "Its time zone by its IANA name; null for that of its organization."
    )
    identity: JSON = column(ThingRow.identity, "The data that it signs in with by a key pair; empty without them.")
    auth_status: ThingAuthStatus = column(ThingRow.auth_status, "What its auth sets come to.")
    software: JSON = column(ThingRow.software, "What it last said that it has installed: an object of texts.")
    boot_key_digests: list[str] = column(
        ThingRow.boot_key_digests, "The SHA-256, in hex, of each key that its boot loader takes signed images of."
    )
    decommissioned_at: datetime | None = column(ThingRow.decommissioned_at, "When it was taken out of use for good.")
    metadata: JSON = column(ThingRow.meta, "Free data, as an object.")
    version: int = column(ThingRow.version, "Grows with each edit; give it as `expectedVersion`.")
    created_at: datetime = column(ThingRow.created_at, "When it was created.")
    updated_at: datetime = column(ThingRow.updated_at, "When it was last edited.")
    tags: list[str] = to_all(
        ThingRow.id,
        ThingTagRow.thing_id,
        "Its tags, in the order of the alphabet.",
        order=[ThingTagRow.tag],
        value=ThingTagRow.tag,
    )
    attributes: list[ThingAttribute] = to_all(
        ThingRow.id,
        ThingAttributeRow.thing_id,
        "Its attributes, by scope and name.",
        order=[ThingAttributeRow.scope, ThingAttributeRow.name],
    )
    lifecycle_history: list[ThingLifecycleChange] = to_all(
        ThingRow.id,
        ThingLifecycleRow.thing_id,
        "Its life so far, oldest first.",
        order=[ThingLifecycleRow.id],
    )
    state: ThingState | None = to_one(ThingRow.id, ThingStateRow.thing_id, "What it reports, and what is wanted of it.")
    organization: Organization | None = to_one(ThingRow.organization_id, OrganizationRow.id, "Whose it is.")
    home_group: Group | None = to_one(
        ThingRow.home_group_id, GroupRow.id, "Its place: the one group that it is at home in."
    )
    groups: Connection[Group] = to_many(
        ThingRow.id,
        GroupRow.id,
        "All groups that it is in, its home included.",
        through=(GroupThingRow.thing_id, GroupThingRow.group_id),
    )
    profile: Profile | None = to_one(ThingRow.profile_id, ProfileRow.id, "How it talks.")
    auth_sets: list[AuthSet] = to_all(
        ThingRow.id, AuthSetRow.thing_id, "Its identities and keys, oldest first.", order=[AuthSetRow.id]
    )
    tokens: Connection[ThingToken] = to_many(
        ThingRow.id, ThingTokenRow.thing_id, "The tokens that it was given and that may still be good."
    )
    executions: Connection[OtaExecution] = to_many(
        ThingRow.id,
        OtaExecutionRow.thing_id,
        "Its updates over the air, newest first.",
        order=[descending(OtaExecutionRow.id)],
        filter=OtaExecutionFilter,
    )


@record(ThingAttributeRow)
class ThingAttribute(Record):
    """One attribute of a thing, named by its scope and name."""

    scope: AttributeScope = column(ThingAttributeRow.scope, "Its namespace.")
    name: str = column(ThingAttributeRow.name, "Its name in the scope.")
    value: JSON = column(ThingAttributeRow.value, "Text, number, or a list of one of them.")
    updated_at: datetime = column(ThingAttributeRow.updated_at, "When it was last written.")


@record(ThingLifecycleRow)
class ThingLifecycleChange(Record):
    """One step in the life of a thing."""

    lifecycle: Lifecycle = column(ThingLifecycleRow.lifecycle, "Where it came to be.")
    reason: str = column(ThingLifecycleRow.reason, "Why, for people.")
    occurred_at: datetime = column(ThingLifecycleRow.occurred_at, "When.")


@record(ThingStateRow)
class ThingState(Record):
    """What a thing reports of itself, what is wanted of it, and the difference."""

    reported: JSON = column(ThingStateRow.reported, "What the thing last reported, as an object.")
    desired: JSON = column(ThingStateRow.desired, "What is wanted of it, as an object.")
    delta: JSON = computed(
        [ThingStateRow.reported, ThingStateRow.desired],
        state_delta,
        "The wanted values that the thing does not report yet; empty when it is as wanted.",
    )
    version: int = column(ThingStateRow.version, "Grows with each change of either side.")
    reported_at: datetime | None = column(ThingStateRow.reported_at, "When the thing last reported.")
    desired_at: datetime | None = column(ThingStateRow.desired_at, "When the wish last changed.")
    thing: Thing | None = to_one(ThingStateRow.thing_id, ThingRow.id, "Whose state it is.")
