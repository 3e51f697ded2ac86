"""The ordinary way to subscribe: Strawberry's own WebSocket handler in aiohttp, fed from memory.

PORT=... python -m bench.live_strawberry

`POST /events` takes a list of events and hands them to all subscriptions of this process: no log, no database, no
access. Parsed and validated documents are cached, JSON is made by orjson, and the loop is uvloop's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import orjson
import strawberry
import uvloop
from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from schema.scalars import MOMENT


@strawberry.type
class Thing:
    """A thing, as far as an event of it tells."""

    id: strawberry.ID
    name: str


@strawberry.type
class ThingStateEvent:
    """A change of the state of a thing."""

    cursor: str
    occurred_at: datetime
    side: str
    patch: JSON
    version: int
    thing: Thing


class Link:
    """An event, and the one after it. What all subscriptions have passed is nobody's any more."""

    __slots__ = ("event", "next")

    def __init__(self, event: ThingStateEvent | None) -> None:
        """Nothing comes after it yet."""
        self.event = event
        self.next: Link | None = None


class Broadcast:
    """Hands events to whoever follows: one chain for all, and one thing to wait for."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self._last = Link(None)
        self._woken = asyncio.Event()

    def send(self, events: list[ThingStateEvent]) -> None:
        """Append to the chain, and wake everybody."""
        for event in events:
            self._last.next = self._last = Link(event)
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    async def follow(self) -> AsyncGenerator[ThingStateEvent, None]:
        """Everything from now on."""
        link = self._last
        while True:
            while link.next is None:
                await self._woken.wait()
            link = link.next
            if link.event is not None:
                yield link.event


@strawberry.input
class EventScopeInput:
    """Taken, as the gateway takes it; every subscription gets all there is."""

    thing_ids: list[strawberry.ID] | None = None


@strawberry.type
class Query:
    """A schema has a query type."""

    ready: bool = True


@strawberry.type
class Subscription:
    """What is measured."""

    @strawberry.subscription
    async def thing_state_changed(
        self, info: Info[Any, None], scope: EventScopeInput | None = None, after: str | None = None
    ) -> AsyncGenerator[ThingStateEvent, None]:
        """Every event."""
        async for event in info.context.follow():
            yield event


SCHEMA = strawberry.Schema(
    query=Query,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map={datetime: MOMENT}),
    extensions=[ParserCache, ValidationCache],
)


def build_application() -> web.Application:
    """`/graphql` for subscriptions, and `/events` for what they are told."""
    broadcast = Broadcast()

    class View(GraphQLView[Broadcast, None]):
        async def get_context(
            self, request: web.Request, response: web.Response | web.WebSocketResponse | web.StreamResponse
        ) -> Broadcast:
            return broadcast

        def encode_json(self, data: object) -> str:
            return orjson.dumps(data).decode()

        def decode_json(self, data: str | bytes) -> object:
            return orjson.loads(data)

    async def take(request: web.Request) -> web.Response:
        broadcast.send([_event(given) for given in orjson.loads(await request.read())])
        return web.Response(body=b"{}")

    application = web.Application()
    application.router.add_route("*", "/graphql", View(SCHEMA))
    application.router.add_post("/events", take)
    return application


def _event(given: dict[str, Any]) -> ThingStateEvent:
    return ThingStateEvent(
        cursor=given["cursor"],
        occurred_at=datetime.fromisoformat(given["occurredAt"]),
        side="REPORTED",
        patch=given["patch"],
        version=given["version"],
        thing=Thing(id=strawberry.ID(given["thing"]["id"]), name=given["thing"]["name"]),
    )


def main() -> None:
    """Serve until SIGTERM."""
    web.run_app(
        build_application(),
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        access_log=None,
        print=None,
        backlog=1024,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
