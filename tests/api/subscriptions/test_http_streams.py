"""Subscriptions over HTTP of a whole gateway: their cursors, where they go on, and how they end."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

import endpoints.live
from endpoints.application import METRICS
from gateway import FEED
from live.deliveries import Patience
from tests.endpoints.streaming import COMPLETE, EVENT_STREAM, Events, Parts, events, parts, unread, until
from tests.fleets import Fleet
from tests.gateways import Gateway, StartGateway

WATCH = """
subscription Watch($scope: EventScopeInput, $after: String) {
  thingStateChanged(scope: $scope, after: $after) { cursor version patch thing { name } }
}
"""
SECONDS = 20.0


class Open(Protocol):
    """Opens a stream."""

    def __call__(
        self, gateway: Any, query: str, *, token: str, variables: Any, headers: Any = None
    ) -> AbstractAsyncContextManager[Events | Parts]: ...


both = pytest.mark.parametrize("watch", [events, parts])


async def next_event(stream: Events | Parts) -> dict[str, Any]:
    """The next event of a stream; where it has an id, that is the cursor."""
    if isinstance(stream, Events):
        event = await stream.event()
        data: dict[str, Any] = event.data["data"]["thingStateChanged"]
        assert event.id == data["cursor"]
        return data
    part: dict[str, Any] = (await stream.part())["payload"]["data"]["thingStateChanged"]
    return part


async def last_errors(stream: Events | Parts) -> list[dict[str, Any]]:
    """The errors that a stream ends with."""
    if isinstance(stream, Events):
        first, last = await stream.rest()
        assert last == COMPLETE
        assert first.id is None
        told: list[dict[str, Any]] = first.data["errors"]
        return told
    [part] = await stream.rest()
    holder: dict[str, list[dict[str, Any]]] = part if part["payload"] is None else part["payload"]
    return holder["errors"]


class Pump:
    """A thing that reports, and how to watch it."""

    def __init__(self, gateway: Gateway, fleet: Fleet) -> None:
        self.gateway = gateway
        self.token = f"Bearer {fleet.alder.owner.token}"
        self.scope = {"scope": {"thingIds": [fleet.alder.pump.id]}}
        self._id = fleet.alder.pump.id

    async def report(self, number: int, **more: Any) -> None:
        new = {"thingId": self._id, "reported": {"number": number, **more}}
        await self.gateway.change("reportThingState", new, select="state { version }", token=self.token)

    async def listening(self, subscriptions: int = 1) -> None:
        """Return when so many subscriptions listen."""
        await until(lambda: self.gateway.running_subscriptions >= subscriptions and self.gateway.all_listen)

    async def left(self) -> None:
        """Return when nobody watches any more, and nothing is kept of those who did."""
        hub = self.gateway.application[FEED].hub
        await until(lambda: not (self.gateway.running_subscriptions or hub.members or hub._watchers or hub._classes))


@pytest.fixture
def pump(gateway: Gateway, fleet: Fleet) -> Pump:
    return Pump(gateway, fleet)


@both
async def test_a_stream_goes_on_behind_the_last_event_that_its_client_names(watch: Open, pump: Pump) -> None:
    async with watch(pump.gateway, WATCH, token=pump.token, variables=pump.scope) as stream:
        await pump.listening()
        for number in range(3):
            await pump.report(number)
        seen = [await next_event(stream) for _ in range(3)]
    assert [event["patch"] for event in seen] == [{"number": 0}, {"number": 1}, {"number": 2}]
    await pump.left()
    for number in (3, 4):
        await pump.report(number)

    # The document says where the client began; the header says where it was.
    began = {**pump.scope, "after": seen[0]["cursor"]}
    headers = {"Last-Event-ID": seen[1]["cursor"]}
    async with watch(pump.gateway, WATCH, token=pump.token, variables=began, headers=headers) as stream:
        missed = [await next_event(stream) for _ in range(3)]
        await pump.listening()
        await pump.report(5)
        live = await next_event(stream)
    assert [event["patch"]["number"] for event in [*missed, live]] == [2, 3, 4, 5]
    assert [event["version"] for event in [*missed, live]] == [seen[2]["version"] + ahead for ahead in range(4)]
    async with watch(pump.gateway, WATCH, token=pump.token, variables=began) as stream:
        assert (await next_event(stream))["patch"] == {"number": 1}
    await pump.left()


@both
async def test_what_is_no_cursor_is_told_in_the_stream(watch: Open, pump: Pump) -> None:
    headers = {"Last-Event-ID": "no cursor"}
    async with watch(pump.gateway, WATCH, token=pump.token, variables=pump.scope, headers=headers) as stream:
        assert [error["extensions"]["code"] for error in await last_errors(stream)] == ["BAD_USER_INPUT"]
    await pump.left()


@both
async def test_signing_out_ends_the_stream(watch: Open, pump: Pump, fleet: Fleet) -> None:
    viewer = fleet.alder.viewer
    signed_in = await pump.gateway.sign_in(viewer.email, viewer.password)
    async with watch(pump.gateway, WATCH, token=f"Bearer {signed_in.access_token}", variables=pump.scope) as stream:
        await pump.listening()
        await pump.gateway.mutate("logout", {}, token=signed_in.access_token)
        assert [error["extensions"]["code"] for error in await last_errors(stream)] == ["UNAUTHENTICATED"]
    await pump.left()


@both
async def test_a_client_that_leaves_during_the_replay_leaves_nothing_behind(watch: Open, pump: Pump) -> None:
    for number in range(3):
        await pump.report(number)
    headers = {"Last-Event-ID": "MC4x"}
    for _ in range(5):
        async with watch(pump.gateway, WATCH, token=pump.token, variables=pump.scope, headers=headers):
            pass
    await pump.left()


async def test_a_stop_says_where_to_go_on(pump: Pump) -> None:
    async with parts(pump.gateway, WATCH, token=pump.token, variables=pump.scope) as stream:
        await pump.listening()
        await pump.report(1)
        event = await next_event(stream)
        _, errors = await asyncio.gather(pump.gateway.application.shutdown(), last_errors(stream))
    assert errors[0]["extensions"] == {"code": "RESUME_REQUIRED", "cursor": event["cursor"]}


async def test_a_thing_is_connected_while_it_keeps_a_stream(pump: Pump, fleet: Fleet) -> None:
    thing = fleet.alder.meter
    presence = "query ($id: ID!) { thing(id: $id) { connected } }"

    async def becomes(expected: dict[str, bool]) -> None:
        async with asyncio.timeout(SECONDS):
            seen = None
            while seen != expected:
                seen = (await pump.gateway.data(presence, {"id": thing.id}, token=pump.token))["thing"]
                await asyncio.sleep(0.05)

    await becomes({"connected": False})
    async with events(pump.gateway, WATCH, token=thing.token, variables={}):
        await becomes({"connected": True})
    await becomes({"connected": False})


async def test_a_client_that_does_not_read_is_cut_and_everybody_else_goes_on(
    start_gateway: StartGateway, fleet: Fleet
) -> None:
    pump = Pump(await start_gateway(socket_send_seconds=0.5, cost_per_minute=0), fleet)
    registry = pump.gateway.application[METRICS].registry
    async with events(pump.gateway, WATCH, token=pump.token, variables=pump.scope) as stream:
        async with unread(pump.gateway, "subscription { thingStateChanged { patch } }", EVENT_STREAM, pump.token):
            await pump.listening(2)
            number = 0
            async with asyncio.timeout(60):
                while registry.get_sample_value("fleetgraph_http_streams") == 2:
                    number += 1
                    await pump.report(number, text="x" * 30_000)
                    assert (await next_event(stream))["patch"]["number"] == number
        await pump.report(0)
        assert (await next_event(stream))["patch"] == {"number": 0}
    await pump.left()


async def test_too_much_for_a_slow_client_ends_with_where_to_go_on(pump: Pump, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken for the client before that is sent still; behind it nothing is lost."""
    monkeypatch.setattr(endpoints.live, "WAITING_ANSWERS", 5)
    feed = pump.gateway.application[FEED]
    monkeypatch.setattr(feed, "_patience", Patience(events=5))
    query = "subscription { events(kinds: [THING_STATE_CHANGED]) { ... on ThingStateEvent { cursor patch } } }"
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", urlsplit(pump.gateway.url).port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4096)
    body = json.dumps({"query": query}).encode()
    head = (
        f"POST /graphql HTTP/1.0\r\nHost: x\r\nAccept: {EVENT_STREAM}\r\nAuthorization: {pump.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await pump.listening()
    number = 0
    async with asyncio.timeout(60):
        while feed.hub.members:
            number += 1
            await pump.report(number, text="x" * 30_000)
    seen = (await asyncio.wait_for(reader.read(), SECONDS)).split(b"\n\n")
    writer.close()
    *told, refused, complete, nothing = [each.split(b"data:")[1] if b"data:" in each else b"" for each in seen]
    assert (complete, nothing) == (b"", b"")
    answers = [json.loads(each)["data"]["events"] for each in told if each]
    assert [answer["patch"]["number"] for answer in answers] == list(range(1, len(answers) + 1))
    extensions = json.loads(refused)["errors"][0]["extensions"]
    assert extensions == {"code": "RESUME_REQUIRED", "cursor": answers[-1]["cursor"]}
    assert len(answers) < number

    headers = {"Last-Event-ID": extensions["cursor"]}
    async with events(pump.gateway, query, token=pump.token, headers=headers) as stream:
        for expected in range(len(answers) + 1, number + 1):
            event = await stream.event()
            assert event.data["data"]["events"]["patch"]["number"] == expected
    await pump.left()
