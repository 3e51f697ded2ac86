"""`thingStateChanged` over a real socket: cursors, replay, scopes, access, and several gateways on one database."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import update

from gateway import PARTS
from models.columns import now
from models.tables import EVENT
from services.events import Position, purge_events
from tests.client import Subscription, SubscriptionRefused
from tests.fleets import Fleet, ThingHandle
from tests.gateways import Gateway, StartGateway

WATCH = """
subscription ($scope: EventScopeInput, $after: String) {
  thingStateChanged(scope: $scope, after: $after) {
    cursor occurredAt side patch version
    thing { id name organization { name } }
    state { reported desired delta version }
  }
}
"""
SECONDS_OF_SILENCE = 1.5
WRITERS = 4
REPORTS = 60


async def report(gateway: Gateway, thing: ThingHandle, **values: Any) -> None:
    """A thing reports for itself."""
    await gateway.change("reportThingState", {"reported": values}, select="state { version }", token=thing.token)


async def event(subscription: Subscription) -> dict[str, Any]:
    """The next event."""
    received: dict[str, Any] = (await subscription.next())["thingStateChanged"]
    return received


async def silent(subscription: Subscription) -> bool:
    """Whether nothing comes for a while."""
    try:
        await subscription.next(SECONDS_OF_SILENCE)
    except TimeoutError:
        return True
    return False


async def test_an_event_tells_what_changed_and_selects_through_the_graph(gateway: Gateway, fleet: Fleet) -> None:
    owner, pump = fleet.alder.owner.token, fleet.alder.pump
    async with gateway.subscribe(WATCH, token=owner) as events:
        await report(gateway, pump, speed=3, mode="auto")
        first = await event(events)
        wish = {"thingId": pump.id, "desired": {"speed": 5}}
        await gateway.change("setDesiredThingState", wish, select="state { version }", token=owner)
        second = await event(events)
    assert (first["side"], first["patch"], first["version"]) == ("REPORTED", {"speed": 3, "mode": "auto"}, 1)
    assert first["thing"] == {"id": pump.id, "name": "pump", "organization": {"name": "Alder"}}
    assert (second["side"], second["patch"], second["version"]) == ("DESIRED", {"speed": 5}, 2)
    assert second["state"] == {
        "reported": {"speed": 3, "mode": "auto"},
        "desired": {"speed": 5},
        "delta": {"speed": 5},
        "version": 2,
    }
    assert first["cursor"] != second["cursor"]
    assert first["occurredAt"] < second["occurredAt"]


async def test_each_event_reads_anew(gateway: Gateway, fleet: Fleet) -> None:
    async with gateway.subscribe(WATCH, token=fleet.alder.owner.token) as events:
        for number in range(3):
            await report(gateway, fleet.alder.pump, number=number)
            assert (await event(events))["state"]["reported"] == {"number": number}


async def test_after_replays_what_was_missed_and_goes_on_live(gateway: Gateway, fleet: Fleet) -> None:
    owner, pump = fleet.alder.owner.token, fleet.alder.pump
    async with gateway.subscribe(WATCH, token=owner) as events:
        await report(gateway, pump, number=0)
        seen = await event(events)
    for number in range(1, 4):
        await report(gateway, pump, number=number)
    async with gateway.subscribe(WATCH, {"after": seen["cursor"]}, token=owner) as events:
        assert [(await event(events))["patch"] for _ in range(3)] == [{"number": each} for each in (1, 2, 3)]
        await report(gateway, pump, number=4)
        assert (await event(events))["patch"] == {"number": 4}
        assert await silent(events)


async def test_nothing_is_lost_or_doubled_by_a_reader_that_comes_and_goes(gateway: Gateway, fleet: Fleet) -> None:
    """Several writers at once, and a reader that leaves at random and comes back with its last cursor."""
    tenant, chance = fleet.alder, random.Random(7)
    owner, things = tenant.owner.token, tenant.things

    async def write(number: int) -> None:
        for count in range(REPORTS):
            await report(gateway, things[number], **{f"writer{number}": count})

    async with gateway.subscribe(WATCH, token=owner) as events:
        await report(gateway, things[0], start=True)
        cursor = (await event(events))["cursor"]
    writers = asyncio.gather(*(write(number) for number in range(WRITERS)))
    seen: list[tuple[str, int]] = []
    cursors = {cursor}
    while len(seen) < WRITERS * REPORTS:
        async with gateway.subscribe(WATCH, {"after": cursor}, token=owner) as events:
            for _ in range(chance.randint(1, 25)):
                received = await event(events)
                cursor = received["cursor"]
                assert cursor not in cursors, "an event came twice"
                cursors.add(cursor)
                seen += received["patch"].items()
                if len(seen) == WRITERS * REPORTS:
                    break
    await writers
    for number in range(WRITERS):
        name = f"writer{number}"
        assert [count for writer, count in seen if writer == name] == list(range(REPORTS)), f"of {name}"
    async with gateway.subscribe(WATCH, {"after": cursor}, token=owner) as events:
        assert await silent(events)


async def test_scopes_are_trees_and_every_part_must_hold(gateway: Gateway, fleet: Fleet) -> None:
    tenant = fleet.alder
    owner = tenant.owner.token
    scopes = {
        "branch": ({"organizationId": tenant.branch}, {"relay"}),
        "organization": ({"organizationId": tenant.organization}, {"pump", "probe", "meter", "relay"}),
        "hall": ({"groupId": tenant.hall}, {"pump", "probe"}),
        "things": ({"thingIds": [tenant.meter.id, tenant.pump.id]}, {"meter", "pump"}),
        "both": ({"groupId": tenant.hall, "thingIds": [tenant.meter.id, tenant.pump.id]}, {"pump"}),
        "none": ({"organizationId": tenant.branch, "thingIds": [tenant.pump.id]}, set()),
    }
    async with gateway.subscribe(WATCH, token=owner) as events:
        await report(gateway, tenant.pump, first=True)
        cursor = (await event(events))["cursor"]
    for thing in (*tenant.things, *fleet.birch.things):
        await report(gateway, thing, value=1)
    for name, (scope, wanted) in scopes.items():
        async with gateway.subscribe(WATCH, {"scope": scope, "after": cursor}, token=owner) as events:
            names = {(await event(events))["thing"]["name"] for _ in wanted}
            assert names == wanted, name
            assert await silent(events), name


async def test_callers_see_events_of_what_they_may_see(gateway: Gateway, fleet: Fleet) -> None:
    tenant = fleet.alder
    async with (
        gateway.subscribe(WATCH, token=tenant.viewer.token) as viewers,
        gateway.subscribe(WATCH, token=tenant.branch_viewer.token) as branchs,
        gateway.subscribe(WATCH, token=tenant.pump.token) as pumps,
        gateway.subscribe(WATCH, token=fleet.birch.owner.token) as others,
        gateway.subscribe(WATCH, token=fleet.stranger.token) as strangers,
    ):
        await report(gateway, tenant.probe, value=1)
        await report(gateway, tenant.relay, value=2)
        await report(gateway, tenant.pump, value=3)
        assert [(await event(viewers))["thing"]["name"] for _ in range(3)] == ["probe", "relay", "pump"]
        assert (await event(branchs))["thing"]["name"] == "relay"
        assert (await event(pumps))["thing"]["name"] == "pump"
        for silence in (branchs, pumps, others, strangers):
            assert await silent(silence)


async def test_who_is_removed_receives_nothing_more(gateway: Gateway, fleet: Fleet) -> None:
    tenant = fleet.alder
    async with gateway.subscribe(WATCH, token=tenant.viewer.token) as events:
        await report(gateway, tenant.pump, value=1)
        assert (await event(events))["patch"] == {"value": 1}
        removal = {"organizationId": tenant.organization, "userIds": [tenant.viewer.id]}
        await gateway.change("removeMembers", removal, select="removedIds", token=tenant.owner.token)
        await report(gateway, tenant.pump, value=2)
        assert await silent(events)


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"after": "nothing"}, "BAD_USER_INPUT"),
        ({"after": "MTIzNDU2LjEyMzQ1Ng"}, "CURSOR_EXPIRED"),
        ({"scope": {"organizationId": "thing_" + "0" * 32}}, "BAD_USER_INPUT"),
        ({"scope": {"thingIds": []}}, "BAD_USER_INPUT"),
        ({"scope": {"thingIds": ["thing_" + f"{each:032x}" for each in range(101)]}}, "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_be_watched_is_refused(
    gateway: Gateway, fleet: Fleet, variables: dict[str, Any], code: str
) -> None:
    async with gateway.subscribe(WATCH, variables, token=fleet.alder.owner.token) as events:
        with pytest.raises(SubscriptionRefused) as refusal:
            await event(events)
    assert refusal.value.codes == [code]


async def test_nobody_watches(gateway: Gateway, fleet: Fleet) -> None:
    assert fleet.alder.pump.id
    async with gateway.subscribe(WATCH) as events:
        with pytest.raises(SubscriptionRefused) as refusal:
            await event(events)
    assert refusal.value.codes == ["UNAUTHENTICATED"]


async def test_a_cursor_ends_with_its_event(gateway: Gateway, fleet: Fleet) -> None:
    """What is purged cannot be replayed, and that is said; what is kept can."""
    owner, store = fleet.alder.owner.token, gateway.application[PARTS].store
    async with gateway.subscribe(WATCH, token=owner) as events:
        await report(gateway, fleet.alder.pump, value=1)
        old = (await event(events))["cursor"]
        await report(gateway, fleet.alder.pump, value=2)
        kept = (await event(events))["cursor"]
        await report(gateway, fleet.alder.pump, value=3)
        await event(events)
    async with store.write() as session:
        long_ago = now().replace(year=2001)
        upto = Position.parse(old).sequence
        aged = update(EVENT).where(EVENT.c.sequence <= upto).values(occurred_at=long_ago).returning(EVENT.c.sequence)
        number = len((await session.execute(aged)).all())
    assert await purge_events(store, 3600) == number
    async with gateway.subscribe(WATCH, {"after": old}, token=owner) as events:
        with pytest.raises(SubscriptionRefused) as refusal:
            await event(events)
    assert refusal.value.codes == ["CURSOR_EXPIRED"]
    async with gateway.subscribe(WATCH, {"after": kept}, token=owner) as events:
        assert (await event(events))["patch"] == {"value": 3}


async def test_a_failed_mutation_leaves_no_event(gateway: Gateway, fleet: Fleet) -> None:
    tenant = fleet.alder
    async with gateway.subscribe(WATCH, token=tenant.owner.token) as events:
        stale = {"thingId": tenant.pump.id, "desired": {"a": 1}, "expectedVersion": 99}
        payload = await gateway.mutate(
            "setDesiredThingState", stale, select="state { version }", token=tenant.owner.token
        )
        assert payload["userErrors"][0]["code"] == "CONFLICT"
        assert await silent(events)


async def test_an_event_written_through_one_gateway_reaches_readers_of_another(
    start_gateway: StartGateway, fleet: Fleet
) -> None:
    one, other = await start_gateway(), await start_gateway()
    async with other.subscribe(WATCH, token=fleet.alder.owner.token) as events:
        await report(one, fleet.alder.pump, value=1)
        received = await event(events)
    assert received["patch"] == {"value": 1}
    await report(other, fleet.alder.pump, value=2)
    async with one.subscribe(WATCH, {"after": received["cursor"]}, token=fleet.alder.owner.token) as events:
        assert (await event(events))["patch"] == {"value": 2}
