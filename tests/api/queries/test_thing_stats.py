"""`thingStats` against a recount in Python, over filters and over what the caller may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import update

from models.tables import THING
from tests.engine.model import Known, meets
from tests.engine.stand import Stand, make_stand
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_things, key, store_of

STATS = """
query ($filter: ThingFilter, $groupBy: ThingStatsKey) {
  thingStats(filter: $filter, groupBy: $groupBy) {
    total connected disconnected buckets { key count connected }
  }
}
"""
KEYS: Mapping[str, Callable[[Known], Iterable[str | None]]] = {
    "TYPE": lambda thing: [thing.type],
    "LIFECYCLE": lambda thing: [thing.lifecycle],
    "CONNECTED": lambda thing: ["true" if thing.connected else "false"],
    "ORGANIZATION": lambda thing: [thing.organization],
    "PROFILE": lambda thing: [thing.profile],
    "TAG": lambda thing: thing.tags,
}
FILTERS: list[Mapping[str, Any] | None] = [
    None,
    {"connected": True},
    {"tag": {"eq": "red"}},
    {"not": {"name": {"contains": "a"}}},
    {"attribute": {"name": "size"}},
    {"ids": []},
]


def recount(things: Iterable[Known], group_by: str) -> dict[str | None, tuple[int, int]]:
    """How many things, and how many connected ones, share each key."""
    counted: Counter[str | None] = Counter()
    connected: Counter[str | None] = Counter()
    for thing in things:
        for each in KEYS[group_by](thing):
            counted[each] += 1
            connected[each] += thing.connected
    return {each: (number, connected[each]) for each, number in counted.items()}


async def stats(gateway: Gateway, token: str, wanted: Any = None, group_by: str | None = None) -> Any:
    return (await gateway.data(STATS, {"filter": wanted, "groupBy": group_by}, token=token))["thingStats"]


async def test_counts_are_those_of_a_recount(gateway: Gateway, fleet: Fleet) -> None:
    stand = await make_stand(gateway, fleet)
    for wanted in FILTERS:
        found = [thing for thing in stand.things if meets(thing, wanted)]
        for group_by in KEYS:
            counted = await stats(gateway, stand.token, wanted, group_by)
            connected = sum(thing.connected for thing in found)
            assert [counted["total"], counted["connected"], counted["disconnected"]] == [
                len(found), connected, len(found) - connected,
            ]  # fmt: skip
            buckets = {each["key"]: (each["count"], each["connected"]) for each in counted["buckets"]}
            assert buckets == recount(found, group_by), (wanted, group_by)
            sizes = [each["count"] for each in counted["buckets"]]
            assert sizes == sorted(sizes, reverse=True)
        assert (await stats(gateway, stand.token, wanted))["buckets"] == []


async def test_counts_by_home(gateway: Gateway, fleet: Fleet) -> None:
    alder = fleet.alder
    await add_things(store_of(gateway), alder.organization, [{"connected": True}, {}], home=alder.yard)
    counted = await stats(gateway, alder.viewer.token, None, "HOME_GROUP")
    assert {each["key"]: (each["count"], each["connected"]) for each in counted["buckets"]} == {
        alder.yard: (2, 1),
        alder.hall: (1, 0),
        alder.row: (1, 0),
        None: (2, 0),
    }


async def test_everybody_counts_what_they_see(gateway: Gateway, fleet: Fleet) -> None:
    store, alder = store_of(gateway), fleet.alder
    async with store.write() as session:
        await session.execute(update(THING).where(THING.c.id == key(alder.pump.id)).values(connected=True))
    callers = {
        alder.viewer.token: (4, 1),
        fleet.birch.viewer.token: (4, 0),
        fleet.administrator.token: (8, 1),
        alder.branch_viewer.token: (1, 0),
        fleet.stranger.token: (0, 0),
        alder.pump.token: (1, 1),
    }
    for token, (total, connected) in callers.items():
        counted = await stats(gateway, token, None, "TYPE")
        assert (counted["total"], counted["connected"], counted["disconnected"]) == (
            total,
            connected,
            total - connected,
        )
        assert sum(each["count"] for each in counted["buckets"]) == total
    foreign = {"organization": {"id": fleet.birch.organization}}
    assert (await stats(gateway, alder.viewer.token, foreign, "TAG"))["total"] == 0


async def test_no_more_than_100_buckets(gateway: Gateway, fleet: Fleet) -> None:
    store, alder = store_of(gateway), fleet.alder
    await add_things(store, alder.organization, [{"tags": [f"tag {number}", "all"]} for number in range(120)])
    buckets = (await stats(gateway, alder.viewer.token, None, "TAG"))["buckets"]
    assert len(buckets) == 100
    assert buckets[0] == {"key": "all", "count": 120, "connected": 0}
    assert buckets[1] == {"key": "water", "count": 2, "connected": 0}


async def test_the_stand_has_something_to_count(gateway: Gateway, fleet: Fleet) -> None:
    stand: Stand = await make_stand(gateway, fleet)
    for group_by in KEYS:
        assert len(recount(stand.things, group_by)) >= 2, group_by
