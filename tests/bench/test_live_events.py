"""What the benchmarks of the live path publish arrives, from the ordinary server as from the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from aiohttp import web

from bench.live_clients import Crowd, Group, WrongDelivery
from bench.live_events import BroadcastFeed, DatabaseFeed, MutationFeed, Thing, draw_things
from bench.live_measures import DOCUMENT, rotation
from bench.live_strawberry import build_application
from tests.fleets import Fleet
from tests.gateways import Gateway


@pytest.fixture
async def ordinary() -> AsyncIterator[int]:
    """The ordinary server; its port."""
    runner = web.AppRunner(build_application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    yield port
    await runner.cleanup()


@pytest.fixture
async def crowd(ordinary: int) -> AsyncIterator[Crowd]:
    """Three subscribers of the ordinary server."""
    crowd = Crowd(ordinary, DOCUMENT, None)
    await crowd.join([(Group({}), 3)])
    yield crowd
    await crowd.close()


@pytest.fixture
async def feed(ordinary: int) -> AsyncIterator[BroadcastFeed]:
    """Tells the ordinary server of events."""
    feed = await BroadcastFeed.open(ordinary)
    yield feed
    await feed.close()


THINGS = [Thing(UUID(int=number), f"t{number}", UUID(int=9), None, 7) for number in range(5)]


def test_a_report_has_the_next_version_and_a_number_of_its_own() -> None:
    thing = Thing(UUID(int=1), "t", UUID(int=9), None, 7)
    events = [thing.change(number) for number in (3, 4)]
    assert [event.version for event in events] == [8, 9]
    assert [event.patch["number"] for event in events] == [3, 4]
    assert events[0].thing == "thing_00000000000000000000000000000001"


def test_things_take_turns_and_none_stands_twice_in_one() -> None:
    turns = rotation(THINGS, 2)
    assert [[thing.name for thing in next(turns)] for _ in range(3)] == [["t0", "t1"], ["t2", "t3"], ["t0", "t1"]]


async def test_what_the_ordinary_server_is_told_arrives(crowd: Crowd, feed: BroadcastFeed) -> None:
    for things in (THINGS[:2], THINGS[1:4], THINGS[:1]):
        await feed.publish(things, crowd.expect)
    await crowd.wait(seconds=20)
    assert crowd.verify() == 18


async def test_an_event_that_was_not_told_is_missed(crowd: Crowd, feed: BroadcastFeed) -> None:
    crowd.expect([THINGS[0].change(99)])
    await feed.publish(THINGS[1:2], crowd.expect)
    with pytest.raises(WrongDelivery, match="3 of 6"):
        await crowd.wait(seconds=0.5)
    with pytest.raises(WrongDelivery, match="event 0 of 2"):
        crowd.verify()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_what_is_written_to_the_database_arrives_as_what_is_reported(
    gateway: Gateway, fleet: Fleet, database_url: str
) -> None:
    port = urlsplit(gateway.url).port
    assert port is not None
    authorization = f"Bearer {fleet.alder.owner.token}"
    mine = {thing.id for thing in fleet.alder.things}
    things = [thing for thing in await draw_things(database_url, 100) if thing.global_id in mine]
    written, reported = await DatabaseFeed.open(database_url), await MutationFeed.open(port)
    reported.headers = {"Authorization": authorization}
    crowd = Crowd(port, DOCUMENT, authorization)
    watched = things[0].global_id
    try:
        # What is published before a subscription is live comes all the same, since it goes on from here.
        await written.publish(things[:1], lambda _: None)
        after = (await gateway.data("{ eventCursor }", token=fleet.alder.owner.token))["eventCursor"]
        narrow = Group({"after": after, "scope": {"thingIds": [watched]}}, frozenset((watched,)))
        await crowd.join([(Group({"after": after}), 2), (narrow, 2)])
        for feed in (written, reported, written):
            await feed.publish(things, crowd.expect)
            await crowd.wait(seconds=20)
        assert crowd.verify() == 6 * len(things) + 6
    finally:
        await crowd.close()
        await written.close()
        await reported.close()
