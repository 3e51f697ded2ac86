"""A subscriber that comes and goes with its last cursor, and what the log says that it must have seen."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any, Final
from uuid import UUID

import aiohttp
from sqlalchemy import select

from engine.ids import split_id
from models.enums import EventKind
from models.store import Store
from models.tables import EVENT
from services.events import Position
from tests.client import GatewayClient, Subscription, SubscriptionEnded, SubscriptionRefused

WATCH: Final = """
subscription ($scope: EventScopeInput, $after: String) {
  thingStateChanged(scope: $scope, after: $after) { cursor coalesced version patch thing { id } }
}
"""
SECONDS_BETWEEN_ATTEMPTS: Final = 0.1
SECONDS_FOR_AN_EVENT: Final = 60.0
SECONDS_WITHOUT_AN_EVENT: Final = 120.0
SHOWN: Final = 5
WITHOUT_DATABASE: Final = "INTERNAL"
CUT: Final = (aiohttp.ClientError, ConnectionError, SubscriptionEnded)
"""What a reader of a gateway that goes away meets."""


@dataclass(frozen=True)
class Seen:
    """An event: its cursor, the key of its thing, and the version of the thing's state after it."""

    cursor: str
    thing: UUID
    version: int


@dataclass
class Reader:
    """A subscriber: what it has handled, over all its connections, until an event of the thing `until`."""

    session: aiohttp.ClientSession
    urls: Sequence[str]
    token: str
    after: str
    until: UUID
    scope: Mapping[str, Any] | None = None
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    _seen_before: int = 0
    _last_gain: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether the last event has been handled."""
        return bool(self.seen) and self.seen[-1].thing == self.until

    async def follow(self, chance: Random, *, at_most: int) -> None:
        """Read to the end over many connections, at any of the gateways.

        After a random number of events, up to `at_most`, the reader leaves, half of the times without a word, and
        comes back with its last cursor. A gateway that goes away is left for another. Raises TimeoutError when no event
        comes for a long time.
        """
        while not self.is_done:
            self._be_patient()
            try:
                async with self.subscribed(chance.choice(self.urls)) as subscription:
                    for _ in range(chance.randint(1, at_most)):
                        if not self.is_done:
                            await self.take(subscription)
                    if chance.random() < 0.5:
                        cut(subscription)
            except CUT:
                await asyncio.sleep(SECONDS_BETWEEN_ATTEMPTS)
            except SubscriptionRefused as refused:
                # A gateway without its database says so; nothing else is an excuse.
                if refused.codes != [WITHOUT_DATABASE]:
                    raise
                await asyncio.sleep(SECONDS_BETWEEN_ATTEMPTS)

    def _be_patient(self) -> None:
        """Raise TimeoutError when many connections in a row have brought nothing."""
        moment = asyncio.get_running_loop().time()
        if len(self.seen) > self._seen_before or self._last_gain is None:
            self._seen_before, self._last_gain = len(self.seen), moment
        elif moment - self._last_gain > SECONDS_WITHOUT_AN_EVENT:
            message = f"nothing has come after {self.seen[-1:]}"
            raise TimeoutError(message)

    async def read_on(self) -> None:
        """Read to the end over one connection."""
        async with self.subscribed(self.urls[0]) as subscription:
            while not self.is_done:
                await self.take(subscription)

    @asynccontextmanager
    async def subscribed(self, url: str) -> AsyncIterator[Subscription]:
        """A connection to the gateway at `url` that goes on behind the last event that was handled."""
        variables = {"scope": self.scope, "after": self.after}
        async with GatewayClient(url, self.session).subscribe(WATCH, variables, token=self.token) as subscription:
            self.connections += 1
            yield subscription

    async def take(self, subscription: Subscription) -> Seen:
        """Handle the next event."""
        (event,) = (await subscription.next(SECONDS_FOR_AN_EVENT)).values()
        assert not event["coalesced"], "an event stands for several, though its reader is not slow"
        seen = Seen(event["cursor"], key(event["thing"]["id"]), event["version"])
        self.seen.append(seen)
        self.after = seen.cursor
        return seen


def key(identity: str) -> UUID:
    """The key in a global id."""
    parts = split_id(identity)
    assert parts is not None, identity
    return parts[1]


def cut(subscription: Subscription) -> None:
    """Let a connection break off, as a lost network does."""
    connection = subscription.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()


async def logged(store: Store, *conditions: Any, after: str | None = None) -> list[Seen]:
    """The changes of state in the log behind a cursor that meet the conditions, in the order of their positions."""
    statement = select(EVENT).where(EVENT.c.kind == EventKind.THING_STATE_CHANGED, *conditions)
    async with store.read() as connection:
        rows = (await connection.execute(statement)).mappings().all()
    start = Position(-1, -1) if after is None else Position.parse(after)
    found = sorted((Position.of(row), row["thing_id"], row["detail"]["version"]) for row in rows)
    return [Seen(position.cursor, thing, version) for position, thing, version in found if position > start]


def check_whole(seen: Sequence[Seen], expected: Sequence[Seen]) -> None:
    """Fail unless exactly the expected was seen, each event once, in order; says what differs."""
    twice = [each for each, count in Counter(seen).items() if count > 1]
    assert twice == [], f"{len(twice)} events came more than once: {twice[:SHOWN]}"
    have, wanted = set(seen), set(expected)
    missing = [each for each in expected if each not in have]
    assert missing == [], f"{len(missing)} of {len(expected)} events are missing: {missing[:SHOWN]}"
    uncalled = [each for each in seen if each not in wanted]
    assert uncalled == [], f"{len(uncalled)} events are not in the log: {uncalled[:SHOWN]}"
    assert list(seen) == list(expected), "the events are not in the order of the log"


def check_order(seen: Sequence[Seen]) -> None:
    """Fail unless the versions of each thing grow by one from event to event: none is missing, none is late."""
    versions: dict[UUID, list[int]] = {}
    for each in seen:
        versions.setdefault(each.thing, []).append(each.version)
    wrong = {thing: steps_back(order) for thing, order in versions.items() if steps_back(order)}
    assert wrong == {}, f"versions that do not follow each other, by thing: {wrong}"


def steps_back(versions: Sequence[int]) -> list[tuple[int, int]]:
    """The neighbours that are not one apart."""
    return [(one, other) for one, other in pairwise(versions) if other != one + 1]
