"""From an event of the log to what subscriptions send of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from engine.records import Record
from models.enums import EventKind, Lifecycle, OtaExecutionStatus, Role
from schema.events import (
    ConnectivityReason,
    DeploymentEvent,
    MembershipChange,
    MembershipEvent,
    OtaExecutionEvent,
    OtaJobEvent,
    OtaUpdateOfferedEvent,
    StateSide,
    ThingConnectivityEvent,
    ThingEvent,
    ThingStateEvent,
)
from services.events import Event

Make = Callable[[Event, bool], Record]
"""Makes what is sent of an event; with True, of one that stands for several."""


def _made(kind: type[Record], own: Callable[[Event], dict[str, Any]]) -> Make:
    """Makes a record of the type `kind` from what all events have, and what `own` takes from the event besides."""

    def make(event: Event, coalesced: bool) -> Record:  # noqa: FBT001 - the one thing that is not in the event
        common = {
            "cursor": event.position.cursor,
            "kind": event.kind,
            "occurred_at": event.occurred_at,
            "coalesced": coalesced,
            "thing_id": event.thing_id,
        }
        return kind.over(common | own(event))

    return make


def _state(event: Event) -> dict[str, Any]:
    detail = event.detail
    return {"side": StateSide(detail["side"]), "patch": detail["patch"], "version": detail["version"]}


def _connectivity(event: Event) -> dict[str, Any]:
    """Events of the first versions say no reason."""
    reason = event.detail.get("reason")
    return {
        "connected": event.detail["connected"],
        "reason": None if reason is None else ConnectivityReason(reason),
    }


def _thing(event: Event) -> dict[str, Any]:
    """A step in the life of a thing says where to and why, a deletion what its name was."""
    is_step = event.kind is EventKind.THING_LIFECYCLE_CHANGED
    return {
        "name": event.detail.get("name"),
        "lifecycle": Lifecycle(event.detail["to"]) if is_step else None,
        "lifecycle_reason": event.detail.get("reason") if is_step else None,
    }


def _execution(event: Event) -> dict[str, Any]:
    return {"execution_id": event.subject_id, "status": OtaExecutionStatus(event.detail["status"])}


def _offer(event: Event) -> dict[str, Any]:
    return {"execution_id": event.subject_id}


def _deployment(event: Event) -> dict[str, Any]:
    return {"deployment_id": event.subject_id, "deleted": bool(event.detail.get("deleted"))}


def _job(event: Event) -> dict[str, Any]:
    return {"ota_job_id": event.subject_id, "deleted": bool(event.detail.get("deleted"))}


def _membership(event: Event) -> dict[str, Any]:
    """The detail names the organization when it went, and the event stands in the one above."""
    detail, previous = event.detail, event.detail.get("previousRole")
    return {
        "change": MembershipChange(detail["change"]),
        "membership_id": event.subject_id,
        "role": Role(detail["role"]),
        "previous_role": None if previous is None else Role(previous),
        "user_id": UUID(detail["userId"]),
        "organization_id": UUID(detail["organizationId"]) if "organizationId" in detail else event.organization_id,
    }


make_state_event: Final = _made(ThingStateEvent, _state)
make_connectivity_event: Final = _made(ThingConnectivityEvent, _connectivity)
make_thing_event: Final = _made(ThingEvent, _thing)
make_execution_event: Final = _made(OtaExecutionEvent, _execution)
make_offer_event: Final = _made(OtaUpdateOfferedEvent, _offer)
make_deployment_event: Final = _made(DeploymentEvent, _deployment)
make_job_event: Final = _made(OtaJobEvent, _job)
make_membership_event: Final = _made(MembershipEvent, _membership)

_BY_KIND: Final[Mapping[EventKind, Make]] = {
    EventKind.THING_CREATED: make_thing_event,
    EventKind.THING_UPDATED: make_thing_event,
    EventKind.THING_MOVED: make_thing_event,
    EventKind.THING_DELETED: make_thing_event,
    EventKind.THING_LIFECYCLE_CHANGED: make_thing_event,
    EventKind.THING_CONNECTIVITY_CHANGED: make_connectivity_event,
    EventKind.THING_STATE_CHANGED: make_state_event,
    EventKind.OTA_EXECUTION_CHANGED: make_execution_event,
    EventKind.OTA_JOB_CHANGED: make_job_event,
    EventKind.DEPLOYMENT_CHANGED: make_deployment_event,
    EventKind.OTA_UPDATE_OFFERED: make_offer_event,
    EventKind.MEMBERSHIP_CHANGED: make_membership_event,
}


def make_fleet_event(event: Event, coalesced: bool) -> Record:  # noqa: FBT001 - as those that it calls
    """Whatever the event is."""
    return _BY_KIND[event.kind](event, coalesced)
