"""A socket lives as long as the sign-in that opened it, and goes on when that is renewed in time."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import aiohttp
import orjson
import pytest

from gateway import PARTS
from services.tokens import Audience
from tests.fleets import Fleet, Person
from tests.gateways import Gateway

WATCH = "subscription { thingStateChanged { patch } }"
FORBIDDEN = 4403
SECONDS = 20


def claims(token: str) -> dict[str, Any]:
    """What a token says of its owner."""
    body = token.split(".")[1]
    read: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return {name: read[name] for name in ("sub", "sid")}


def short_token(gateway: Gateway, person: Person, seconds: float = 3.0) -> str:
    """A token of the same session that ends soon."""
    return gateway.application[PARTS].keys.sign(Audience.ACCESS, claims(person.token), seconds=seconds)


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> tuple[list[dict[str, Any]], int | None]:
    """What comes before the end, and the code of it."""
    heard = []
    while (message := await socket.receive(SECONDS)).type is aiohttp.WSMsgType.TEXT:
        heard.append(orjson.loads(message.data))
    return heard, socket.close_code


async def ping(socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
    """Renew the sign-in of a socket."""
    await socket.send_json({"type": "ping", "payload": {"authorization": f"Bearer {token}"}})


async def report(gateway: Gateway, fleet: Fleet, **reported: Any) -> None:
    given = {"thingId": fleet.alder.pump.id, "reported": reported}
    await gateway.change("reportThingState", given, select="state { version }", token=fleet.alder.owner.token)


async def test_a_socket_ends_with_its_token(gateway: Gateway, fleet: Fleet) -> None:
    async with gateway.socket(short_token(gateway, fleet.alder.viewer)) as socket:
        assert await end_of(socket) == ([], FORBIDDEN)


async def test_a_ping_with_a_fresh_token_keeps_a_socket_and_its_subscriptions(gateway: Gateway, fleet: Fleet) -> None:
    viewer = fleet.alder.viewer
    async with gateway.subscribe(WATCH, token=short_token(gateway, viewer)) as events:
        await ping(events.socket, viewer.token)
        assert (await events.socket.receive_json(timeout=SECONDS))["type"] == "pong"
        await asyncio.sleep(4)
        await report(gateway, fleet, value=1)
        assert (await events.next())["thingStateChanged"]["patch"] == {"value": 1}


@pytest.mark.parametrize("whose", ["nobody", "another"])
async def test_a_ping_with_a_token_of_anybody_else_ends_the_socket(gateway: Gateway, fleet: Fleet, whose: str) -> None:
    async with gateway.socket(fleet.alder.viewer.token) as socket:
        await ping(socket, {"nobody": "x.y.z", "another": fleet.alder.owner.token}[whose])
        assert await end_of(socket) == ([], FORBIDDEN)


async def test_a_ping_renews_nothing_before_somebody_has_signed_in(gateway: Gateway, fleet: Fleet) -> None:
    async with gateway.session.ws_connect(f"{gateway.url}/graphql", protocols=("graphql-transport-ws",)) as socket:
        await ping(socket, fleet.alder.viewer.token)
        assert await end_of(socket) == ([], 4401)


async def test_a_session_that_ends_ends_its_sockets_and_no_others(gateway: Gateway, fleet: Fleet) -> None:
    """With subscriptions or without: each is told why, and the socket is closed with 4403."""
    viewer = fleet.alder.viewer
    signed_in = await gateway.sign_in(viewer.email, viewer.password)
    async with (
        gateway.socket(signed_in.access_token) as idle,
        gateway.subscribe(WATCH, token=signed_in.access_token) as watching,
        gateway.subscribe(WATCH, token=viewer.token) as other,
    ):
        await gateway.mutate("logout", {}, token=signed_in.access_token)
        assert await end_of(idle) == ([], FORBIDDEN)
        heard, code = await end_of(watching.socket)
        assert ([each["type"] for each in heard], code) == (["error"], FORBIDDEN)
        assert heard[0]["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        await report(gateway, fleet, value=2)
        assert (await other.next())["thingStateChanged"]["patch"] == {"value": 2}


async def test_a_thing_whose_key_is_replaced_loses_its_sockets(gateway: Gateway, fleet: Fleet) -> None:
    tenant = fleet.alder
    async with gateway.subscribe(WATCH, token=tenant.pump.token) as watching:
        await gateway.change("replaceThingKey", {"id": tenant.pump.id}, select="key { key }", token=tenant.owner.token)
        heard, code = await end_of(watching.socket)
    assert ([each["type"] for each in heard], code) == (["error"], FORBIDDEN)
