"""Subscriptions, and the classes of those that get the same: same document, variables, events and access."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from graphql import GraphQLFormattedError

from engine.documents import PreparedOperation
from engine.errors import Code
from live.deliveries import Backlog, Outlet, Parcel, Patience
from models.enums import EventKind
from resolvers.streams import Stream
from services.access import Access, Principal
from services.events import Event, EventScope, Position, sees

SENT_AT_ONCE: Final = 100
"""Events that are sent to a slow client as soon as it takes some again."""


@dataclass(eq=False, slots=True)
class Watcher:
    """A principal that watches: what it may see now, its subscriptions, and the connections that they came over."""

    principal: Principal
    access: Access
    subscriptions: dict[Subscription, None] = field(default_factory=dict)
    connections: dict[Any, None] = field(default_factory=dict)
    """Those to tell when the principal is signed out: see `Connection`."""


@dataclass(eq=False, slots=True)
class SubscriptionClass:
    """Subscriptions that get the same bytes: one match, one read and one encoding serves them all.

    Classes of one `answer_key` answer an event alike, and differ in the events that they take. `access` is that of any
    of the members. `organizations` are those of the scope, when it names one: itself and all below it.
    """

    key: tuple[Hashable, ...]
    """The scope, and behind it all that the answers depend on."""
    prepared: PreparedOperation
    variables: Mapping[str, Any]
    stream: Stream
    scope: EventScope
    access: Access
    organizations: frozenset[UUID] | None = None
    tells_merging: bool = False
    """Whether `coalesced` is selected, so that an event that stands for several has bytes of its own."""
    members: dict[Subscription, None] = field(default_factory=dict)
    slow: int = 0
    """How many of them are slow."""

    @property
    def answer_key(self) -> Hashable:
        """What classes have in common that answer alike."""
        return self.key[1:]

    def under(self, key: tuple[Hashable, ...], access: Access) -> SubscriptionClass:
        """A class like this one, under another access, without members."""
        return replace(self, key=key, access=access, members={}, slow=0)

    def may_take(self, event: Event) -> bool:
        """Whether an event is in the scope, and seen under the access, as far as Python can tell: see `is_open`."""
        scope = self.scope
        if event.kind not in scope.kinds or not sees(self.access, event):
            return False
        inside = self.organizations
        if inside is not None and not (event.organization_id in inside or event.previous_organization_id in inside):
            return False
        if scope.subject_ids and event.subject_id not in scope.subject_ids:
            return False
        return not scope.thing_ids or event.thing_id in scope.thing_ids or event.thing_id is None

    def is_open(self, event: Event) -> bool:
        """Whether the database has to be asked about an event that `may_take` lets pass."""
        scope = self.scope
        if scope.group_id is not None or scope.things is not None:
            return True
        return bool(scope.thing_ids) and event.thing_id is None


class Subscription:
    """One subscription of one client."""

    __slots__ = (
        "_is_new",
        "backlog",
        "ended",
        "held",
        "joined_at",
        "kind",
        "outlet",
        "patience",
        "position",
        "watcher",
    )

    def __init__(
        self, watcher: Watcher, kind: SubscriptionClass, outlet: Outlet, position: Position, patience: Patience
    ) -> None:
        """Everything up to `position` has been sent, or was not asked for. It is no member before it joins."""
        self.watcher = watcher
        self.kind = kind
        self.outlet = outlet
        self.position = position
        self.joined_at = position
        self._is_new = True
        self.patience = patience
        self.backlog: Backlog | None = None
        self.held = False
        self.ended = False

    def join(self, kind: SubscriptionClass, position: Position) -> None:
        """Be a member of a class, and of no other, for what comes behind a position."""
        self.leave()
        self.joined_at = position
        self._is_new = True
        self.position = max(self.position, position) if self.backlog is None else self.position
        self.kind = kind
        kind.members[self] = None
        kind.slow += self.is_slow

    def serve(self, watcher: Watcher) -> None:
        """Belong to another watcher: the same principal with a fresh token."""
        self.watcher.subscriptions.pop(self, None)
        self.watcher = watcher
        watcher.subscriptions[self] = None

    def leave(self) -> None:
        """Be a member of no class."""
        if self.kind.members.pop(self, self) is None:
            self.kind.slow -= self.is_slow

    def hold(self) -> None:
        """Let events wait until `release`, while older ones are still being sent."""
        self.held = True
        self.backlog = Backlog(self.patience)

    def release(self) -> None:
        """Send what waits."""
        self.held = False
        if self in self.kind.members:
            self.kind.slow += 1
        self.catch_up()

    @property
    def is_slow(self) -> bool:
        """Whether events wait for the client to take what it was sent."""
        return self.backlog is not None and not self.held

    def take(self, parcel: Parcel) -> None:
        """Send events, or let them wait; ends with RESUME_REQUIRED when too much waits."""
        if self.ended:
            return
        if self._is_new:
            rest = parcel.behind(self.joined_at)
            if rest is None:
                return
            self._is_new, parcel = False, rest
        if self.backlog is None:
            if self.outlet.has_room():
                self.outlet.write(parcel)
                self.position = parcel.last
                return
            self.backlog = Backlog(self.patience)
            self.kind.slow += 1
        for delivery in parcel.deliveries:
            # Who is held is not slow, and gets every event.
            if not self.backlog.add(delivery, merging=not self.held):
                self.end([resume_required(self.position)])
                return

    def catch_up(self) -> bool:
        """Send some of what waits, as far as the client takes it; returns whether nothing waits any more."""
        while self.backlog is not None and not self.held and not self.ended and self.outlet.has_room():
            taken = self.backlog.take(SENT_AT_ONCE)
            if not taken:
                self.kind.slow -= self in self.kind.members
                self.backlog = None
                break
            parcel = Parcel(taken)
            self.outlet.write(parcel)
            self.position = max(self.position, parcel.last)
        return self.backlog is None or self.ended

    def end(self, errors: list[GraphQLFormattedError] | None) -> None:
        """Tell the client that this is over; told once."""
        if not self.ended:
            self.close()
            self.outlet.end(errors)

    def close(self) -> None:
        """The client wants no more."""
        self.ended = True
        self.leave()
        if self.backlog is not None:
            self.backlog.clear()
        self.watcher.subscriptions.pop(self, None)


def resume_required(position: Position) -> GraphQLFormattedError:
    """The error that ends a subscription whose client is too slow: where to go on from."""
    return {
        "message": "Too many events wait for this client. Subscribe again with the cursor as `after`: nothing is lost.",
        "extensions": {"code": Code.RESUME_REQUIRED, "cursor": position.cursor},
    }


def personal(kinds: Sequence[EventKind]) -> bool:
    """Whether people see events of these kinds because they are about themselves."""
    return EventKind.MEMBERSHIP_CHANGED in kinds
