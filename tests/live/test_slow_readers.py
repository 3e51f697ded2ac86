"""A reader that reads on after a while: states stand for each other, all else is resumed; nothing is lost."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import aiohttp
from sqlalchemy import select

from live.deliveries import Patience
from models.enums import EventKind
from models.tables import EVENT
from services.events import Position
from tests.client import GatewayClient
from tests.fleets import Fleet
from tests.live.conftest import StartProcess, beginning
from tests.live.listening import listening
from tests.live.raw_sockets import RawSocket
from tests.live.reading import WATCH, key, logged
from tests.live.scale import Scale
from tests.live.writing import Things, Writer

COMMITS: Final = 120
COMMITS_TO_BE_SLOW: Final = 8
OF_ONE_COMMIT: Final = 40
TOLD: Final = 2 * Patience().most_events
TOLD_AT_ONCE: Final = 200
NOTE: Final = "x" * 1_000
A_LONG_TIME: Final = 900
TELL: Final = """
subscription ($after: String) {
  thingConnectivityChanged(after: $after) {
    cursor coalesced connected reason kind occurredAt thing { id name type lifecycle organization { id name } }
  }
}
"""


async def test_states_stand_for_each_other_and_the_newest_of_each_thing_arrives(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    things: Things,
    scale: Scale,
) -> None:
    gateway = await start_process(
        socket_send_seconds=A_LONG_TIME, socket_ping_seconds=A_LONG_TIME, subscription_backlog_bytes=0
    )
    start, chance, viewer = await beginning(fleet, writer), scale.chance("slow"), fleet.alder.viewer.token
    everything, client = [*things.shared, *things.own], GatewayClient(gateway.url, session)
    async with RawSocket(gateway.url, viewer) as slow, listening(client, viewer, start) as control:
        slow.subscribe(WATCH, {"after": start})
        await slow.settle()
        # Little by little, until more waits than buffers take: from then on it is known to be slow.
        for _ in range(COMMITS_TO_BE_SLOW):
            *_, last = await writer.report(*chance.choices(everything, k=OF_ONE_COMMIT), note=NOTE)
            await control.has_heard(last)
        for _ in range(COMMITS):
            await writer.report(*chance.choices(everything, k=OF_ONE_COMMIT), note=NOTE)
        await writer.report(*everything)
        (last,) = await writer.report(things.last)
        await control.has_heard(last)
        events: list[dict[str, Any]] = []
        while not (events and events[-1]["cursor"] == last.cursor):
            events.append((await slow.next())["payload"]["data"]["thingStateChanged"])

    cursors = [Position.parse(each["cursor"]) for each in events]
    assert cursors == sorted(set(cursors)), "they come in the order of the log, each once"
    assert sum(each["coalesced"] for each in events) > 0
    written = await logged(writer.store, after=start)
    assert len(events) < len(written)
    known = {each.cursor: each for each in written}
    versions: dict[UUID, int] = {}
    for each in events:
        thing, version = key(each["thing"]["id"]), each["version"]
        assert known[each["cursor"]].version == version
        # What is missing before an event is said by the event.
        if not each["coalesced"]:
            assert version == versions.get(thing, 0) + 1, f"of thing {thing}"
        versions[thing] = version
    assert versions == {each.thing: each.version for each in written}


async def test_what_cannot_stand_for_each_other_is_resumed_and_comes_whole(
    start_process: StartProcess,
    session: aiohttp.ClientSession,
    fleet: Fleet,
    writer: Writer,
    things: Things,
    scale: Scale,
) -> None:
    gateway = await start_process(
        socket_send_seconds=A_LONG_TIME, socket_ping_seconds=A_LONG_TIME, subscription_backlog_bytes=0
    )
    start, chance, viewer = await beginning(fleet, writer), scale.chance("slow"), fleet.alder.viewer.token
    everything = [*things.shared, *things.own]
    written: list[str] = []
    async with RawSocket(gateway.url, viewer) as slow:
        slow.subscribe(TELL, {"after": start})
        await slow.settle()
        for _ in range(TOLD // TOLD_AT_ONCE):
            positions = await writer.tell(*chance.choices(everything, k=TOLD_AT_ONCE))
            written += [each.cursor for each in positions]
        seen, error = await read_to_the_end(slow, "1", len(written))
        # The error ends this subscription, and nothing else of the socket.
        assert error is not None
        assert error["code"] == "RESUME_REQUIRED"
        resumed = 0
        while len(seen) < len(written):
            resumed += 1
            assert error is not None
            slow.subscribe(TELL, {"after": error["cursor"]}, name=f"again {resumed}")
            more, error = await read_to_the_end(slow, f"again {resumed}", len(written) - len(seen))
            seen += more
    assert seen == written
    statement = select(EVENT.c.sequence).where(EVENT.c.kind == EventKind.THING_CONNECTIVITY_CHANGED)
    async with writer.store.read() as connection:
        assert len((await connection.execute(statement)).all()) >= len(written)


async def read_to_the_end(slow: RawSocket, name: str, count: int) -> tuple[list[str], dict[str, Any] | None]:
    """The cursors of the next events, so many at most, and what the error says that came in place of more.

    Nothing may come under another id: what has ended sends no more.
    """
    seen: list[str] = []
    while len(seen) < count:
        message = await slow.next()
        assert message["id"] == name
        if message["type"] == "error":
            extensions: dict[str, Any] = message["payload"][0]["extensions"]
            return seen, extensions
        event = message["payload"]["data"]["thingConnectivityChanged"]
        assert not event["coalesced"]
        seen.append(event["cursor"])
    return seen, None
