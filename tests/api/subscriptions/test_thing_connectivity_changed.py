"""`thingConnectivityChanged`: a thing that comes online says so once."""

from __future__ import annotations

from tests.cast import Cast, thing_id

WATCH = """
subscription ($scope: EventScopeInput) {
  thingConnectivityChanged(scope: $scope) { kind connected reason coalesced thing { name connected } }
}
"""


async def test_the_first_report_brings_a_thing_online(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    offline = {"scope": {"filter": {"name": {"startsWith": "Thing"}}}}
    async with (
        cast.gateway.subscribe(WATCH, token=await cast.token("viewer")) as events,
        cast.gateway.subscribe(WATCH, offline, token=await cast.token("viewer")) as filtered,
    ):
        for key in (cast.thing, cast.thing, other):
            await cast.change("editor", "reportThingState", {"thingId": thing_id(key), "reported": {}})
        online = {"kind": "THING_CONNECTIVITY_CHANGED", "connected": True, "reason": "REPORT", "coalesced": False}
        for name in ("Pump", "Thing 0"):
            received = (await events.next())["thingConnectivityChanged"]
            assert received == {**online, "thing": {"name": name, "connected": True}}
        assert (await filtered.next())["thingConnectivityChanged"]["thing"]["name"] == "Thing 0"
