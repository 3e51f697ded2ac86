"""Looks at the log: what one gives, how far it goes, and which cursors are still good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from models.columns import now
from models.enums import EventKind
from models.ids import new_id
from models.store import Store, StoreSettings, open_store
from models.tables import EVENT
from services import events
from services.access import Access
from services.errors import CursorExpired
from services.event_scope import EventScope
from services.events import START, Position, check_position, latest_position, purge_events, read_events

ALL = Access(None, is_platform_admin=True)
STATES = EventScope((EventKind.THING_STATE_CHANGED,))
RARE = EventScope((EventKind.THING_DELETED,))
HOUR = 3_600


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(StoreSettings(database_url))
    yield opened
    await opened.close()


async def write(store: Store, *kinds: EventKind, old: int = 0) -> list[Position]:
    """Events in transactions that ended long ago; the first `old` of them are two hours old."""
    places = [Position(0, number) for number in range(1, len(kinds) + 1)]
    rows = [
        {
            "transaction": place.transaction,
            "sequence": place.sequence,
            "kind": kind,
            "organization_id": new_id(),
            "subject_id": new_id(),
            "detail": {},
            "occurred_at": now() - timedelta(hours=2 if number < old else 0),
        }
        for number, (place, kind) in enumerate(zip(places, kinds, strict=True))
    ]
    async with store.write() as session:
        await session.execute(insert(EVENT), rows)
    return places


async def follow(store: Store, scope: EventScope, after: Position) -> tuple[list[Position], int]:
    """The places of all events behind `after`, and how many looks it took to see them."""
    found, looks = [], 0
    while True:
        look = await read_events(store, ALL, scope, after)
        found += [event.position for event in look.events]
        after, looks = look.position, looks + 1
        if look.is_whole:
            return found, looks


async def test_a_look_is_bounded_by_what_it_gives(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BATCH", 3)
    places = await write(store, *[EventKind.THING_STATE_CHANGED] * 8)
    look = await read_events(store, ALL, STATES, START)
    assert [each.position for each in look.events] == places[:3]
    assert (look.position, look.is_whole) == (places[2], False)
    assert await follow(store, STATES, START) == (places, 3)
    assert await follow(store, STATES, places[4]) == (places[5:], 1)


async def test_a_look_is_bounded_by_what_it_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rare match far away takes several looks; each says how far it went, though it found nothing."""
    monkeypatch.setattr(events, "SPAN", 4)
    many = [EventKind.THING_STATE_CHANGED] * 10
    places = await write(store, *many, EventKind.THING_DELETED)
    look = await read_events(store, ALL, RARE, START)
    assert (look.events, look.position, look.is_whole) == ([], places[3], False)
    assert await follow(store, RARE, START) == ([places[-1]], 3)


async def test_a_look_ends_where_it_is_told_to(store: Store) -> None:
    places = await write(store, *[EventKind.THING_STATE_CHANGED] * 4)
    look = await read_events(store, ALL, STATES, places[0], places[2])
    assert [each.position for each in look.events] == places[1:3]
    assert (look.position, look.is_whole) == (places[2], True)
    nothing = await read_events(store, ALL, STATES, places[2], places[2])
    assert (nothing.events, nothing.position, nothing.is_whole) == ((), places[2], True)


async def test_a_cursor_is_good_while_an_event_at_it_or_before_it_is_kept(store: Store) -> None:
    places = await write(store, *[EventKind.THING_STATE_CHANGED] * 6, old=3)
    assert await latest_position(store) == places[-1]
    for place in places:
        await check_position(store, place)
    assert await purge_events(store, HOUR) == 3
    for place in places[3:]:
        await check_position(store, place)
    for place in (*places[:3], START, Position(0, 7), Position(3, 1)):
        with pytest.raises(CursorExpired):
            await check_position(store, place)


async def test_who_is_left_behind_by_the_purge_is_told(store: Store) -> None:
    places = await write(store, *[EventKind.THING_STATE_CHANGED] * 6, old=3)
    await purge_events(store, HOUR)
    with pytest.raises(CursorExpired):
        await read_events(store, ALL, RARE, places[0])
    assert (await follow(store, STATES, places[3]))[0] == places[4:]


async def test_the_log_is_purged_in_parts_and_never_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PURGE_BATCH", 2)
    places = await write(store, *[EventKind.THING_STATE_CHANGED] * 7, old=5)
    assert await purge_events(store, 3 * HOUR) == 0
    assert await purge_events(store, HOUR) == 5
    assert (await follow(store, STATES, START))[0] == places[5:]
    assert await purge_events(store, -HOUR) == 1
    assert (await follow(store, STATES, START))[0] == places[6:]


async def test_the_log_is_purged_from_its_old_end(store: Store) -> None:
    """An old event behind a younger one stays: no cursor between the two may lead into a gap."""
    places = await write(store, *[EventKind.THING_STATE_CHANGED] * 5, old=4)
    younger = update(EVENT).where(EVENT.c.sequence == places[1].sequence).values(occurred_at=now())
    async with store.write() as session:
        await session.execute(younger)
    assert await purge_events(store, HOUR) == 1
    assert (await follow(store, STATES, START))[0] == places[1:]


async def test_an_empty_log_has_no_place(store: Store) -> None:
    assert await latest_position(store) == START
    assert await follow(store, STATES, START) == ([], 1)
    assert await purge_events(store, HOUR) == 0
    with pytest.raises(CursorExpired):
        await check_position(store, Position(0, 1))
