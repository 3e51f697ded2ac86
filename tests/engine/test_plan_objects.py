"""Objects in hand by plans: each stream's events, and values of an interface or a union, written by their class."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type, is_leaf_type

from engine.errors import StepAside
from engine.execution import Operations
from engine.plans.objects import Gathering
from engine.plans.plan import Plan
from engine.plans.planner import Planner
from engine.plans.variables import Variables
from models.columns import now
from models.enums import EventKind
from models.ids import new_id
from resolvers.event_records import make_fleet_event
from resolvers.fleet_schema import build_schema
from resolvers.streams import STREAMS
from services.events import Event, Position

SCHEMA = build_schema()
OPERATIONS = Operations(SCHEMA)
PLANNER = Planner(SCHEMA, OPERATIONS.limits, hide_suggestions=False)
ROOT = SCHEMA._schema.subscription_type
DETAILS: dict[EventKind, dict[str, Any]] = {
    EventKind.THING_STATE_CHANGED: {"side": "REPORTED", "patch": {"a": 1}, "version": 3},
    EventKind.THING_CONNECTIVITY_CHANGED: {"connected": False, "reason": "SILENCE"},
    EventKind.THING_LIFECYCLE_CHANGED: {"from": "NEW", "to": "INSTALLED", "reason": "mounted"},
    EventKind.THING_DELETED: {"name": "Pump"},
    EventKind.OTA_EXECUTION_CHANGED: {"status": "SUCCESS"},
    EventKind.DEPLOYMENT_CHANGED: {"deleted": True},
    EventKind.MEMBERSHIP_CHANGED: {
        "change": "UPDATED",
        "userId": new_id().hex,
        "role": "EDITOR",
        "previousRole": "VIEWER",
    },
}


def plan_of(text: str, dialect: str = "sqlite") -> Plan:
    planned = PLANNER.planned(OPERATIONS.prepare(text))
    return planned.plan(Variables(planned.variables, {}, None), dialect)


def selection(kind: Any) -> str:
    """Every value of a type, and the name of every object that it leads to."""
    if isinstance(kind, GraphQLUnionType):
        members = " ".join(f"... on {each.name} {selection(each)}" for each in kind.types)
        return f"{{ __typename ... on Event {{ cursor kind }} {members} }}"
    assert isinstance(kind, GraphQLObjectType)
    names = [
        name if is_leaf_type(get_named_type(each.type)) else f"{name} {{ __typename }}"
        for name, each in kind.fields.items()
    ]
    return f"{{ {' '.join(names)} ... on Event {{ at: occurredAt }} }}"


def event_of(kind: EventKind) -> Event:
    return Event(Position(0, 7), kind, new_id(), new_id(), now(), DETAILS.get(kind, {}), thing_id=new_id())


def written(text: str, value: Any) -> dict[str, Any]:
    (field,) = plan_of(text).resolved
    made: dict[str, Any] = field.write(value, Gathering(None))
    return made


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("name", STREAMS)
def test_every_stream_has_a_plan(name: str, dialect: str) -> None:
    assert ROOT is not None
    assert set(ROOT.fields) == set(STREAMS)
    kind = get_named_type(ROOT.fields[name].type)
    plan = plan_of(f"subscription {{ {name} {selection(kind)} }}", dialect)
    assert plan.fields == (f"Subscription.{name}",)
    assert plan.held


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_is_written_by_its_class(kind: EventKind) -> None:
    """The members of the union differ in what is selected of them; the interface selects of them all."""
    text = """subscription { events {
        __typename
        ... on Event { kind ...More }
        ... on ThingStateEvent { patch }
        ... on ThingConnectivityEvent { connected reason }
        ... on ThingEvent { name lifecycle }
        ... on OtaExecutionEvent { status }
        ... on OtaUpdateOfferedEvent { coalesced }
        ... on FleetEvent { ... on DeploymentEvent { deleted } }
        ... on MembershipEvent { change role previousRole }
    } }
    fragment More on Event { coalesced ... on OtaJobEvent { deleted } }"""
    own: dict[str, Any] = {
        "ThingStateEvent": {"patch": {"a": 1}},
        "ThingConnectivityEvent": {"connected": False, "reason": "SILENCE"},
        "ThingEvent": {"name": None, "lifecycle": None},
        "OtaExecutionEvent": {"status": "SUCCESS"},
        "OtaUpdateOfferedEvent": {},
        "DeploymentEvent": {"deleted": True},
        "OtaJobEvent": {"deleted": False},
        "MembershipEvent": {"change": "UPDATED", "role": "EDITOR", "previousRole": "VIEWER"},
    }
    record = make_fleet_event(event_of(kind), True)
    name = type(record).__name__
    expected = {"__typename": name, "kind": kind.value, "coalesced": True, **own[name]}
    if kind is EventKind.THING_LIFECYCLE_CHANGED:
        expected["lifecycle"] = "INSTALLED"
    if kind is EventKind.THING_DELETED:
        expected["name"] = "Pump"
    assert written(text, record) == expected
    (stream,) = [each for each in STREAMS.values() if kind in each.kinds and each.name != "events"]
    assert type(stream.record(event_of(kind), False)) is type(record)


def test_what_is_of_none_of_the_types_is_left_to_the_reference() -> None:
    with pytest.raises(StepAside):
        written("subscription { events { __typename } }", object())


def test_only_what_is_the_whole_present_state_is_merged() -> None:
    assert {name for name, stream in STREAMS.items() if stream.merges} == {
        "thingStateChanged",
        "deploymentProgress",
        "otaJobProgress",
    }
    assert set().union(*(stream.kinds for stream in STREAMS.values())) == set(EventKind)
