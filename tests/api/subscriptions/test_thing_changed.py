"""`thingChanged`: what is created, edited, moved, deleted, and taken a step further; and who learns of a move."""

from __future__ import annotations

from typing import Any

from tests.cast import Cast, group_id, org_id, thing_id
from tests.client import Subscription

WATCH = """
subscription ($scope: EventScopeInput) {
  thingChanged(scope: $scope) { kind thingId name lifecycle lifecycleReason thing { name organization { name } } }
}
"""


async def event(events: Subscription) -> dict[str, Any]:
    received: dict[str, Any] = (await events.next())["thingChanged"]
    return received


async def test_the_life_of_a_thing(cast: Cast) -> None:
    async with cast.gateway.subscribe(WATCH, token=await cast.token("viewer")) as events:
        new = {"organizationId": org_id(cast.acme), "things": [{"name": "Valve", "type": "ACTUATOR"}]}
        (made,) = (await cast.change("editor", "createThings", new, "things { id }"))["things"]
        key = made["id"]
        await cast.change("editor", "updateThings", {"things": [{"id": key, "name": "Valve 2"}]})
        home = {"ids": [key], "homeGroupId": group_id(cast.group)}
        await cast.change("editor", "moveThings", home)
        step = {"ids": [key], "lifecycle": "INSTALLED", "reason": "mounted"}
        await cast.change("editor", "changeThingLifecycle", step)
        await cast.change("admin", "deleteThings", {"ids": [key]})
        seen = [await event(events) for _ in range(5)]
    assert {each["thingId"] for each in seen} == {key}
    kinds = ["THING_CREATED", "THING_UPDATED", "THING_MOVED", "THING_LIFECYCLE_CHANGED", "THING_DELETED"]
    assert [each["kind"] for each in seen] == kinds
    assert [(each["lifecycle"], each["lifecycleReason"]) for each in seen if each["lifecycle"]] == [
        ("INSTALLED", "mounted")
    ]
    assert [each["name"] for each in seen] == [None] * 4 + ["Valve 2"]
    assert seen[-1]["thing"] is None


async def test_people_of_both_organizations_learn_of_a_move_and_see_the_thing_where_they_may(cast: Cast) -> None:
    async with (
        cast.gateway.subscribe(WATCH, token=await cast.token("viewer")) as left,
        cast.gateway.subscribe(WATCH, token=await cast.token("outsider")) as joined,
        cast.gateway.subscribe(WATCH, token=await cast.token("thing")) as itself,
    ):
        move = {"ids": [thing_id(cast.thing)], "organizationId": org_id(cast.other)}
        await cast.change("platform", "moveThings", move)
        told = {"kind": "THING_MOVED", "thingId": thing_id(cast.thing)}
        nothing = {"name": None, "lifecycle": None, "lifecycleReason": None}
        moved = {"name": "Pump", "organization": {"name": "Other"}}
        assert await event(left) == {**told, **nothing, "thing": None}
        assert await event(joined) == {**told, **nothing, "thing": moved}
        assert (await event(itself))["thing"]["name"] == "Pump"
        # What happens next is the new organization's own.
        await cast.change("platform", "updateThings", {"things": [{"id": thing_id(cast.thing), "name": "theirs"}]})
        new = {"organizationId": org_id(cast.acme), "things": [{"name": "ours", "type": "SENSOR"}]}
        await cast.change("editor", "createThings", new)
        assert (await event(left))["thing"]["name"] == "ours"
        assert (await event(joined))["thing"]["name"] == "theirs"


async def test_a_deleted_group_tells_of_its_things(cast: Cast) -> None:
    (guest,) = await cast.add_things(1)
    group = {"groupId": group_id(cast.group)}
    await cast.change("editor", "addThingsToGroup", {**group, "thingIds": [thing_id(guest)]})
    async with cast.gateway.subscribe(WATCH, {"scope": group}, token=await cast.token("viewer")) as events:
        await cast.change("admin", "deleteGroup", {"id": group_id(cast.group)})
        seen = [await event(events) for _ in range(2)]
    assert {(each["kind"], each["thingId"]) for each in seen} == {
        ("THING_MOVED", thing_id(cast.thing)),
        ("THING_UPDATED", thing_id(guest)),
    }
