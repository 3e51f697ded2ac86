"""Events on their way to subscriptions, and what waits for a client that is slow."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
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


class Backlog:
    """What waits for one slow client: bounded in number and in bytes, one event for each key."""

    __slots__ = ("_bytes", "_waiting")

    def __init__(self) -> None:
        """Nothing waits."""
        self._waiting: dict[Hashable, Delivery] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """How many events wait."""
        return len(self._waiting)

    def add(self, delivery: Delivery, *, events: int, octets: int, merging: bool) -> bool:
        """Let an event wait, with `merging` in place of an older one; False when too many wait, or too many bytes."""
        key = delivery.key
        if key is None or not merging:
            key = delivery.position
        elif key in self._waiting and delivery.merged is not None:
            self._bytes -= len(self._waiting.pop(key).encoded)
            delivery = Delivery(delivery.position, delivery.merged, delivery.key, delivery.merged)
        elif key in self._waiting:
            # It came while nobody was known to be slow, and cannot say that it stands for another.
            key = (key, delivery.position)
        self._bytes += len(delivery.encoded)
        self._waiting[key] = delivery
        return len(self._waiting) <= events and self._bytes <= octets

    def has(self, key: Hashable) -> bool:
        """Whether an event of this key waits."""
        return key in self._waiting

    def take(self, limit: int) -> list[Delivery]:
        """The oldest events, up to a number; they wait no more."""
        taken = []
        for key in list(self._waiting)[:limit]:
            delivery = self._waiting.pop(key)
            self._bytes -= len(delivery.encoded)
            taken.append(delivery)
        return taken

    def clear(self) -> None:
        """Nothing waits any more."""
        self._waiting.clear()
        self._bytes = 0
