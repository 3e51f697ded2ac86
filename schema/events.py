"""What subscriptions send: one type for each stream, one interface for all, and their union.

An event's own values are those of the moment at which it happened. What leads on into the graph is read when it is
sent.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from engine.declarations import Identifier
from engine.enums import described
from engine.fields import declared, to_one, value
from engine.records import Record, record
from models import (
    DeploymentRow,
    OrganizationRow,
    OtaExecutionRow,
    OtaJobRow,
    ThingRow,
    ThingStateRow,
    UserRow,
)
from schema.deployment import Deployment
from schema.enums import EventKind, Lifecycle, OtaExecutionStatus, Role
from schema.organization import Organization
from schema.ota import OtaExecution, OtaJob
from schema.thing import Thing, ThingState
from schema.user import User


class StateSide(StrEnum):
    """Which side of a state has changed."""

    REPORTED = "REPORTED"
    DESIRED = "DESIRED"


class ConnectivityReason(StrEnum):
    """What a change of connectivity was seen by."""

    REPORT = "REPORT"
    SOCKET = "SOCKET"
    SILENCE = "SILENCE"


class MembershipChange(StrEnum):
    """What became of a membership."""

    ADDED = "ADDED"
    UPDATED = "UPDATED"
    REMOVED = "REMOVED"


described(
    StateSide,
    "Which side of a state has changed.",
    {"REPORTED": "What the thing reports.", "DESIRED": "What is wanted of it."},
)
described(
    ConnectivityReason,
    "What a change of connectivity was seen by.",
    {
        "REPORT": "The thing reported.",
        "SOCKET": "The thing opened a socket, or its last one was closed.",
        "SILENCE": "The thing was not heard of for longer than it may be silent.",
    },
)
described(
    MembershipChange,
    "What became of a membership.",
    {
        "ADDED": "The person became a member.",
        "UPDATED": "The person has another role.",
        "REMOVED": "The person is no member any more.",
    },
)


@strawberry.interface(description="Something that happened, at a place in the log of all events.")
class Event(Record):
    """The interface of all events."""

    cursor: str = value("cursor", "The place of the event in the log: give it as `after` to go on from here.")
    kind: EventKind = value("kind", "What happened.")
    occurred_at: datetime = value("occurred_at", "When it happened.")
    coalesced: bool = value(
        "coalesced",
        "Whether the event stands for several of the same kind and about the same, the newest of which it is, because "
        "you read more slowly than they came. Changes of state, and the progress of deployments and OTA jobs, may be "
        "coalesced; of everything else, and in `events`, each one is sent.",
    )


@record()
class ThingStateEvent(Event):
    """A change of the state of a thing."""

    side: StateSide = value("side", "Which side has changed.")
    patch: JSON = value("patch", "What was reported or wished with this event, as an object.")
    version: int = value("version", "The version of the state after this event.")
    state: ThingState | None = to_one("thing_id", ThingStateRow.thing_id, "The state as it is when the event is sent.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")


@record()
class ThingConnectivityEvent(Event):
    """A thing came online or went offline."""

    connected: bool = value("connected", "Whether the thing is connected since this event.")
    reason: ConnectivityReason | None = value("reason", "What it was seen by.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")


@record()
class ThingEvent(Event):
    """A thing was created, edited, moved or deleted, or went a step further in its life."""

    thing_id: strawberry.ID = declared(Identifier("thing_id", "thing"), "The id of the thing, also when it is gone.")
    name: str | None = value("name", "The name of a thing that was deleted; null otherwise.")
    lifecycle: Lifecycle | None = value(
        "lifecycle", "Where the thing went in its life; null for other kinds of events."
    )
    lifecycle_reason: str | None = value(
        "lifecycle_reason", "Why, as the person said who did it; null for other kinds of events."
    )
    thing: Thing | None = to_one(
        "thing_id", ThingRow.id, "The thing; null when it is gone, or has moved to where you may not see it."
    )


@record()
class OtaExecutionEvent(Event):
    """One thing's update began, went on, or ended."""

    execution_id: strawberry.ID = declared(Identifier("execution_id", "otaexec"), "The id of the update.")
    status: OtaExecutionStatus = value("status", "The status after this event.")
    execution: OtaExecution | None = to_one("execution_id", OtaExecutionRow.id, "The update.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")


@record()
class OtaUpdateOfferedEvent(Event):
    """An update of a thing waits for the consent of a person, and whoever made it wants people to be told."""

    execution_id: strawberry.ID = declared(Identifier("execution_id", "otaexec"), "The id of the update.")
    execution: OtaExecution | None = to_one(
        "execution_id", OtaExecutionRow.id, "The update, as it is when the event is sent."
    )
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")


@record()
class DeploymentEvent(Event):
    """A deployment was created, edited or deleted, or its status or its counts changed."""

    deployment_id: strawberry.ID = declared(
        Identifier("deployment_id", "deployment"), "The id of the deployment, also when it is gone."
    )
    deleted: bool = value("deleted", "Whether it was deleted.")
    deployment: Deployment | None = to_one(
        "deployment_id", DeploymentRow.id, "The deployment with its counts, as it is when the event is sent."
    )


@record()
class OtaJobEvent(Event):
    """An OTA job was created, edited or deleted, or its status or its counts changed."""

    ota_job_id: strawberry.ID = declared(
        Identifier("ota_job_id", "otajob"), "The id of the OTA job, also when it is gone."
    )
    deleted: bool = value("deleted", "Whether it was deleted.")
    ota_job: OtaJob | None = to_one(
        "ota_job_id", OtaJobRow.id, "The OTA job with its counts, as it is when the event is sent."
    )


@record()
class MembershipEvent(Event):
    """A person became a member of an organization, got another role there, or is no member any more."""

    change: MembershipChange = value("change", "What became of the membership.")
    membership_id: strawberry.ID = declared(
        Identifier("membership_id", "membership"), "The id of the membership, also when it is gone."
    )
    role: Role = value("role", "The role since this event; of somebody who is no member any more, the last one.")
    previous_role: Role | None = value("previous_role", "The role before, when it was changed.")
    user_id: strawberry.ID = declared(Identifier("user_id", "user"), "The id of the person.")
    organization_id: strawberry.ID = declared(
        Identifier("organization_id", "org"), "The id of the organization, also when it is gone."
    )
    user: User | None = to_one("user_id", UserRow.id, "The person.")
    organization: Organization | None = to_one("organization_id", OrganizationRow.id, "The organization.")


FleetEvent = Annotated[
    ThingStateEvent
    | ThingConnectivityEvent
    | ThingEvent
    | OtaExecutionEvent
    | OtaUpdateOfferedEvent
    | DeploymentEvent
    | OtaJobEvent
    | MembershipEvent,
    strawberry.union("FleetEvent", description="Any event; all have what `Event` has."),
]
