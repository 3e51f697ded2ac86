"""The live path as the endpoints see it, and the outlet of those that pull: streams over HTTP."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from graphql import GraphQLFormattedError

from endpoints.principal import Principal
from engine.documents import PreparedOperation
from engine.errors import RequestError
from engine.execution import Answer, refused

WAITING_ANSWERS: Final = 500
"""Answers that wait for one stream before its events wait elsewhere."""


class Cursor(Protocol):
    """A place in the log of events."""

    @property
    def cursor(self) -> str:
        """What clients keep of it."""


class Delivery(Protocol):
    """One answer to one event, shared by all who get the same."""

    @property
    def position(self) -> Cursor:
        """The place of the event."""

    @property
    def encoded(self) -> bytes:
        """The whole answer as JSON."""


class Parcel(Protocol):
    """Answers that go together; `frames` is room for what outlets make of them."""

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """The answers in their order."""

    @property
    def frames(self) -> dict[bytes, bytes]:
        """Who frames them alike sends the same bytes."""


class Outlet(Protocol):
    """Where the answers of one subscription go. Nothing here waits."""

    def has_room(self) -> bool:
        """Whether the client takes what it is sent; False while too much waits for it already."""

    def write(self, parcel: Parcel) -> None:
        """Send answers, in their order."""

    def end(self, errors: list[GraphQLFormattedError] | None) -> None:
        """Send nothing more: the subscription has ended, with errors or by itself."""


class Connection(Protocol):
    """What a principal has signed in on."""

    def sign_out(self) -> None:
        """The principal may not be here any more."""


class Live(Protocol):
    """Subscriptions of the process: see `live.feed.Feed`."""

    async def connect(self, principal: Any, connection: Any) -> None:
        """Have a connection told when its principal is signed out. Raises RequestError when it is already."""

    def disconnect(self, principal: Any, connection: Any) -> None:
        """The connection is closed."""

    async def open(
        self,
        prepared: PreparedOperation,
        variables: Mapping[str, Any],
        principal: Any,
        request_id: str,
        outlet: Any,
    ) -> Any:
        """Open a subscription; returns when what was missed has been sent. Raises RequestError."""

    def catch_up(self, subscription: Any) -> None:
        """Send what waits for a client that takes some again."""

    async def move(self, subscriptions: Iterable[Any], principal: Any) -> None:
        """Let subscriptions go on under a fresh token. Raises RequestError when it is not good (any more)."""

    def close(self, subscription: Any) -> None:
        """The client wants no more of it."""


class Queue:
    """An outlet that holds answers until somebody asks for them."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._waiting: deque[Answer] = deque()
        self._filled = asyncio.Event()
        self._ended = False

    def has_room(self) -> bool:
        """Whether fewer answers wait than may."""
        return len(self._waiting) < WAITING_ANSWERS

    def write(self, parcel: Parcel) -> None:
        """Let answers wait."""
        for delivery in parcel.deliveries:
            self._waiting.append(Answer(encoded=delivery.encoded, cursor=delivery.position.cursor))
        self._filled.set()

    def end(self, errors: list[GraphQLFormattedError] | None) -> None:
        """Nothing comes behind what waits, but the errors."""
        if errors is not None:
            self._waiting.append(refused(RequestError(errors)))
        self._ended = True
        self._filled.set()

    async def answers(self) -> AsyncGenerator[Answer, None]:
        """What was written, as it comes, to the end."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._ended:
                return
            self._filled.clear()
            await self._filled.wait()


async def stream(
    live: Live,
    prepared: PreparedOperation,
    variables: Mapping[str, Any],
    principal: Principal | None,
    request_id: str,
) -> AsyncGenerator[Answer, None]:
    """The answers of a subscription, for who pulls them; one that cannot start or fails yields its errors last."""
    queue = Queue()
    opening = asyncio.create_task(live.open(prepared, variables, principal, request_id, queue))

    def opened(task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, RequestError):
            queue.end(error.errors)

    opening.add_done_callback(opened)
    try:
        async for answer in queue.answers():
            yield answer
    finally:
        if opening.done() and not opening.cancelled() and opening.exception() is None:
            live.close(opening.result())
        else:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
