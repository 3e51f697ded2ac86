"""Who watches alike shares one class: its events are matched once, answered once and encoded once."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog

from engine.errors import fault
from engine.execution import Answer
from gateway import FEED
from live import feed as feed_module
from live import hub as hub_module
from live.hub import Hub
from services.events import match_events
from tests.client import Subscription
from tests.fleets import Fleet
from tests.gateways import Gateway

WATCH = """
subscription Watch($scope: EventScopeInput, $after: String, $names: Boolean = true) {
  thingStateChanged(scope: $scope, after: $after) { cursor patch thing { id name @include(if: $names) } }
}
"""
MEMBERS = "subscription { thingStateChanged { patch thing { organization { memberships { totalCount } } } } }"


@pytest.fixture
def hub(gateway: Gateway) -> Hub:
    return gateway.application[FEED].hub


@pytest.fixture
def answered(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each run of a selection has answered."""
    operations = gateway.application[FEED]._operations
    answer_events, counts = operations.answer_events, list[int]()

    async def counting(prepared: Any, variables: Any, events: Any, context: Any) -> Any:
        counts.append(len(events))
        return await answer_events(prepared, variables, events, context)

    monkeypatch.setattr(operations, "answer_events", counting)
    return counts


async def report(gateway: Gateway, fleet: Fleet, **reported: Any) -> None:
    given = {"thingId": fleet.alder.pump.id, "reported": reported}
    await gateway.change("reportThingState", given, select="state { version }", token=fleet.alder.owner.token)


async def patch(events: Subscription) -> Any:
    return (await events.next())["thingStateChanged"]["patch"]


def classes(hub: Hub) -> list[int]:
    """How many members each class has."""
    return sorted(len(kind.members) for kind in hub._classes.values())


async def test_people_with_the_same_reach_are_answered_once(
    gateway: Gateway, fleet: Fleet, hub: Hub, answered: list[int]
) -> None:
    tenant = fleet.alder
    async with AsyncExitStack() as open_ones:
        one = await open_ones.enter_async_context(gateway.subscribe(WATCH, token=tenant.viewer.token))
        await report(gateway, fleet, value=1)
        first = (await one.next())["thingStateChanged"]
        everyone = [
            await open_ones.enter_async_context(gateway.subscribe(WATCH, variables, token=person.token))
            for person in (tenant.viewer, tenant.editor)
            for variables in ({}, {"after": first["cursor"]})
        ]
        assert classes(hub) == [5]
        answered.clear()
        await report(gateway, fleet, value=2)
        assert [await patch(each) for each in (one, *everyone)] == [{"value": 2}] * 5
        assert answered == [1]
    assert classes(hub) == []


async def test_scopes_take_other_events_and_share_their_answers(
    gateway: Gateway, fleet: Fleet, hub: Hub, answered: list[int]
) -> None:
    tenant = fleet.alder
    scopes = [{}, {"thingIds": [tenant.pump.id]}, {"groupId": tenant.hall}, {"thingIds": [tenant.meter.id]}]
    async with AsyncExitStack() as open_ones:
        streams = [
            await open_ones.enter_async_context(gateway.subscribe(WATCH, {"scope": scope}, token=tenant.owner.token))
            for scope in scopes
        ]
        assert classes(hub) == [1, 1, 1, 1]
        await report(gateway, fleet, value=3)
        assert [await patch(each) for each in streams[:3]] == [{"value": 3}] * 3
        assert answered == [1]


async def test_what_changes_the_answer_is_not_shared(gateway: Gateway, fleet: Fleet, hub: Hub) -> None:
    tenant = fleet.alder
    async with (
        gateway.subscribe(WATCH, {"names": True}, token=tenant.owner.token) as named,
        gateway.subscribe(WATCH, {"names": False}, token=tenant.owner.token) as nameless,
        gateway.subscribe(WATCH, {"names": True}, token=fleet.birch.owner.token),
        gateway.subscribe(MEMBERS, token=tenant.owner.token) as mine,
        gateway.subscribe(MEMBERS, token=tenant.viewer.token) as theirs,
    ):
        assert classes(hub) == [1] * 5
        await report(gateway, fleet, value=4)
        assert "name" in (await named.next())["thingStateChanged"]["thing"]
        assert "name" not in (await nameless.next())["thingStateChanged"]["thing"]
        counts = [
            (await each.next())["thingStateChanged"]["thing"]["organization"]["memberships"]["totalCount"]
            for each in (mine, theirs)
        ]
        assert counts[0] == counts[1] > 0


async def test_who_is_promoted_moves_to_another_class_and_misses_nothing(
    gateway: Gateway, fleet: Fleet, hub: Hub
) -> None:
    """The branch viewer becomes a viewer of the whole organization while watching."""
    tenant = fleet.alder
    async with (
        gateway.subscribe(WATCH, token=tenant.viewer.token) as whole,
        gateway.subscribe(WATCH, token=tenant.branch_viewer.token) as branch,
    ):
        assert classes(hub) == [1, 1]
        member = {"userId": tenant.branch_viewer.id, "role": "VIEWER"}
        given = {"organizationId": tenant.organization, "members": [member]}
        await gateway.change("addMembers", given, select="memberships { id }", token=tenant.owner.token)
        await report(gateway, fleet, value=5)
        assert [await patch(each) for each in (whole, branch)] == [{"value": 5}] * 2
        assert classes(hub) == [2]


async def test_nobody_who_watches_leaves_nothing_behind(gateway: Gateway, fleet: Fleet, hub: Hub) -> None:
    """The hub sleeps without watchers, and wakes up at the end of the log."""
    for value in range(3):
        async with gateway.subscribe(WATCH, token=fleet.alder.owner.token) as events:
            await report(gateway, fleet, value=value)
            assert await patch(events) == {"value": value}
        await report(gateway, fleet, between=value)
    assert (hub._classes, hub._slow) == ({}, {})
    assert hub._index.__dict__ == {name: {} for name in hub._index.__dict__}


async def test_an_event_is_not_lost_with_a_fault_of_this_side(
    gateway: Gateway, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away for a moment: the answer is made again, and nobody is told."""
    operations = gateway.application[FEED]._operations
    answer_events, failed = operations.answer_events, list[int]()

    async def failing_once(prepared: Any, variables: Any, events: Any, context: Any) -> Any:
        if not failed:
            failed.append(len(events))
            return [Answer(errors=[fault("a test")]) for _ in events]
        return await answer_events(prepared, variables, events, context)

    monkeypatch.setattr(operations, "answer_events", failing_once)
    async with gateway.subscribe(WATCH, token=fleet.alder.owner.token) as events:
        await report(gateway, fleet, value=6)
        assert await patch(events) == {"value": 6}
    assert failed == [1]


async def test_the_database_is_asked_about_a_scope_once(
    gateway: Gateway, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many classes have it: these two differ in their documents."""
    tenant, asked = fleet.alder, list[int]()

    async def counting(store: Any, scope: Any, events: Any) -> Any:
        asked.append(len(events))
        return await match_events(store, scope, events)

    monkeypatch.setattr(hub_module, "match_events", counting)
    scope = {"scope": {"groupId": tenant.hall}}
    async with (
        gateway.subscribe(WATCH, scope, token=tenant.owner.token) as one,
        gateway.subscribe(f"# Another one.\n{WATCH}", scope, token=tenant.owner.token) as other,
    ):
        await report(gateway, fleet, value=7)
        assert [await patch(each) for each in (one, other)] == [{"value": 7}] * 2
    assert asked == [1]


async def test_a_subscription_that_fails_to_open_leaves_nobody_watching(
    gateway: Gateway, fleet: Fleet, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(store: Any, organization_id: Any) -> Any:
        raise ConnectionError

    monkeypatch.setattr(feed_module, "read_subtree", failing)
    headers = {"Accept": "text/event-stream"}
    with structlog.testing.capture_logs():
        answer = await gateway.graphql(WATCH, token=fleet.alder.owner.token, headers=headers)
    assert b"INTERNAL" in answer.body
    assert hub._watchers == {}
