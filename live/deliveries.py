"""Events on their way to subscriptions, and what waits for a client that is slow."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from graphql import GraphQLFormattedError

from services.events import Position


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event as one class of subscriptions gets it, encoded once for all of them.

    `encoded` is the whole answer as JSON. Events of one `key` (a thing, a job) may stand for each other: an unsent
    older one gives way to a newer one, which is then sent as `merged`, the same answer with `coalesced: true`. Without
    a key, or where nobody was slow when the event came, there is no `merged`.
    """

    position: Position
    encoded: bytes
    key: Hashable = None
    merged: bytes | None = None


class Parcel:
    """Deliveries that go together, in their order; at least one.

    `frames` is room for what outlets make of them: whoever frames them alike sends the same bytes.
    """

    __slots__ = ("deliveries", "frames", "last")

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing is framed yet."""
        self.deliveries = deliveries
        self.last = deliveries[-1].position
        self.frames: dict[bytes, bytes] = {}

    def behind(self, position: Position) -> Parcel | None:
        """What of it lies behind a position."""
        if self.deliveries[0].position > position:
            return self
        rest = [each for each in self.deliveries if each.position > position]
        return Parcel(rest) if rest else None


class Outlet(Protocol):
    """Where the answers of one subscription go. Nothing here waits."""

    def has_room(self) -> bool:
        """Whether the client takes what it is sent; False while too much waits for it already."""

    def write(self, parcel: Parcel) -> None:
        """Send answers, in their order."""

    def end(self, errors: list[GraphQLFormattedError] | None) -> None:
        """Send nothing more: the subscription has ended, with errors or by itself."""


@dataclass(slots=True)
class Patience:
    """What may wait for slow clients, in events and in bytes.

    `events` and `octets` are what any subscription may have waiting. A burst may be more than that, so as long as less
    than `together` waits for all of the process, it is `most_events` and `most_octets`.
    """

    events: int = 1_000
    octets: int = 65_536
    most_events: int = 10_000
    most_octets: int = 4_194_304
    together: int = 67_108_864
    waiting: int = 0
    """Bytes that wait for all of the process: events that several wait for are counted for each."""

    def allows(self, events: int, octets: int) -> bool:
        """Whether so much may wait for one subscription."""
        if events <= self.events and octets <= self.octets:
            return True
        return events <= self.most_events and octets <= self.most_octets and self.waiting <= self.together


class Backlog:
    """What waits for one slow client, in order: bounded in number and in bytes, and merged by key."""

    __slots__ = ("_newest", "_octets", "_patience", "_waiting")

    def __init__(self, patience: Patience) -> None:
        """Nothing waits."""
        self._patience = patience
        self._waiting: dict[Position, Delivery] = {}
        self._newest: dict[Hashable, Position] = {}
        """Of each key, the event that gives way to the next one."""
        self._octets = 0

    def __len__(self) -> int:
        """How many events wait."""
        return len(self._waiting)

    def add(self, delivery: Delivery, *, merging: bool) -> bool:
        """Let an event wait, with `merging` in place of an older one; False when too many wait, or too many bytes."""
        encoded, key = delivery.encoded, delivery.key
        if key is not None and merging:
            older = self._newest.get(key)
            # One that came while nobody was known to be slow cannot say that it stands for another.
            if older is not None and delivery.merged is not None:
                encoded = delivery.merged
                self._count(-len(self._waiting.pop(older).encoded))
            self._newest[key] = delivery.position
        self._count(len(encoded))
        # Without its other form, which is of no use any more.
        self._waiting[delivery.position] = Delivery(delivery.position, encoded, key)
        return self._patience.allows(len(self._waiting), self._octets)

    def take(self, limit: int) -> list[Delivery]:
        """The oldest events, up to a number; they wait no more."""
        taken = []
        for position in list(islice(self._waiting, limit)):
            delivery = self._waiting.pop(position)
            if self._newest.get(delivery.key) == position:
                del self._newest[delivery.key]
            self._count(-len(delivery.encoded))
            taken.append(delivery)
        return taken

    def clear(self) -> None:
        """Nothing waits any more."""
        self._waiting.clear()
        self._newest.clear()
        self._count(-self._octets)

    def _count(self, octets: int) -> None:
        self._octets += octets
        self._patience.waiting += octets
