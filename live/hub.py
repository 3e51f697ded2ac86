"""The hub: reads the log once for all subscriptions of a process, and gives each class of them its events.

For each batch of events: what the watchers may see is read anew when the access epoch has moved, classes are matched,
each class answers all of its events at once, and the epoch is read again. When it has moved meanwhile, nothing of what
was made is sent and the batch is done anew. So nobody gets an event, or a value read with it, after the event that took
it away from them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol

import structlog
from graphql import GraphQLFormattedError

from engine.errors import Code
from live.deliveries import Delivery, Parcel
from live.index import ClassIndex
from live.log import Log, read_subtree
from live.subscriptions import Subscription, SubscriptionClass, Watcher
from models.enums import EventKind
from models.store import Store
from services.access import Principal, ThingPrincipal, resolve_accesses
from services.events import START, Event, EventScope, Position, latest_position, match_events
from services.tail import Tail

Answer = Callable[[SubscriptionClass, Sequence[Event], bool], Awaitable[list[bytes]]]
"""Answers events of a class, encoded; with True as events that stand for several."""

UNSETTLED_SECONDS: Final = (0.02, 0.1, 0.3)
FLUSH_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 0.5
WRITES_AT_ONCE: Final = 250
CLASSES_AT_ONCE: Final = 8
KEY_CHANGES: Final = frozenset(
    {EventKind.THING_UPDATED, EventKind.THING_DELETED, EventKind.THING_MOVED, EventKind.THING_LIFECYCLE_CHANGED}
)
"""What may end the sign-in of a thing, which no epoch tells."""

log = structlog.get_logger("fleetgraph.live")


class Connection(Protocol):
    """What a principal has signed in on."""

    def sign_out(self) -> None:
        """The principal may not be here any more."""


class Hub:
    """All subscriptions of one process."""

    def __init__(self, store: Store, tail: Tail, answer: Answer) -> None:
        """`answer` executes the selection of a class; nothing runs before somebody watches."""
        self._store = store
        self._tail = tail
        self._answer = answer
        self.log = Log(store)
        self._index = ClassIndex()
        self._classes: dict[Any, SubscriptionClass] = {}
        self._watchers: dict[Principal, Watcher] = {}
        self._slow: dict[Subscription, None] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.Task[None] | None = None
        self._sleeping = True
        self._opening = 0
        self._position = START
        self._epoch = -1
        self._regroup: Callable[[Subscription], SubscriptionClass] | None = None
        self.edge = START
        """The end of what has been read of the log, and sent or about to be: who joins begins behind it."""

    async def start(self, regroup: Callable[[Subscription], SubscriptionClass]) -> None:
        """Begin; `regroup` finds the class that a subscription belongs to under the present access of its watcher."""
        self._regroup = regroup
        self._tasks = [
            asyncio.create_task(self._follow(), name="background: live events"),
            asyncio.create_task(self._flush(), name="background: slow subscriptions"),
        ]

    @property
    def members(self) -> int:
        """How many subscriptions get live events, those that still replay what they missed left out."""
        return sum(len(kind.members) for kind in self._classes.values())

    @property
    def epoch(self) -> int:
        """The access epoch that all watchers' accesses are of."""
        return self._epoch

    async def stop(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @asynccontextmanager
    async def awake(self) -> AsyncIterator[None]:
        """Where a watcher is made: the place in the log is known, and followed until nobody watches any more."""
        self._opening += 1
        try:
            if self._sleeping:
                if self._starting is None:
                    self._starting = asyncio.create_task(self._wake())
                await asyncio.shield(self._starting)
            yield
        finally:
            self._opening -= 1

    def watcher(self, principal: Principal) -> Watcher | None:
        """The watcher that a principal is already."""
        return self._watchers.get(principal)

    def watch(self, watcher: Watcher) -> Watcher:
        """Keep the access of a watcher current from now on; returns the one that is kept for its principal."""
        kept = self._watchers.setdefault(watcher.principal, watcher)
        if kept is watcher and watcher.access.stamp is not None and watcher.access.stamp != self._epoch:
            # It was read at another moment than the others: the next look at the log settles which one is current.
            self._epoch = -1
            self._tail.wake()
        return kept

    def unwatch(self, watcher: Watcher) -> None:
        """Forget a watcher that watches nothing more."""
        if not watcher.subscriptions and not watcher.connections:
            self._watchers.pop(watcher.principal, None)

    def find(self, key: Any) -> SubscriptionClass | None:
        """The class of a key, when there is one."""
        return self._classes.get(key)

    def keep(self, kind: SubscriptionClass) -> SubscriptionClass:
        """Have events found for a class; returns the one that is kept under its key."""
        kept = self._classes.setdefault(kind.key, kind)
        if kept is kind:
            self._index.add(kind)
        return kept

    def drop_if_empty(self, kind: SubscriptionClass) -> None:
        """Forget a class without members."""
        if not kind.members and self._classes.get(kind.key) is kind:
            del self._classes[kind.key]
            self._index.remove(kind)

    def note_slow(self, subscription: Subscription) -> None:
        """Look after a subscription whose client is slow until it has caught up."""
        self._slow[subscription] = None

    def close(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        subscription.close()
        self._forget(subscription)

    def _forget(self, subscription: Subscription) -> None:
        self._slow.pop(subscription, None)
        self.drop_if_empty(subscription.kind)
        self.unwatch(subscription.watcher)

    async def _wake(self) -> None:
        """Find the end of the log."""
        try:
            position = await latest_position(self._store)
            self._epoch = await self.log.read_epoch()
            self._position = self.edge = max(self._position, position)
            self._sleeping = False
            self._tail.wake()
        finally:
            self._starting = None

    async def _follow(self) -> None:
        """Go behind the log, for ever; a database that is away is tried again."""
        looks = 0
        away = False
        while True:
            woken = self._tail.next_wake()
            if not (self._watchers or self._opening):
                self._sleeping = True
            if self._sleeping:
                await woken.wait()
                continue
            try:
                again = await self._look()
            except Exception:
                if not away:
                    log.exception("the event log cannot be read; trying again until it can")
                away = True
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if away:
                log.info("the event log is read again")
                away = False
            if again:
                looks = 0
                continue
            if looks < len(UNSETTLED_SECONDS):
                # What woke us may not be settled yet, because a transaction that began earlier is still open.
                looks += not await self._tail.wait(woken, seconds=UNSETTLED_SECONDS[looks])
            elif await self._tail.wait(woken):
                looks = 0

    async def _look(self) -> bool:
        """Read the log once and send what there is; returns whether there was anything."""
        batch = await self.log.read(self._position)
        if not batch.events:
            if batch.epoch != self._epoch:
                await self._renew(batch.epoch)
            return False
        # Set before anything is made of the batch: a class that has no member yet may have one before it is sent.
        self.edge = batch.events[-1].position
        epoch = batch.epoch
        things = {each.thing_id for each in batch.events if each.kind in KEY_CHANGES}
        await self._renew_things(things)
        while True:
            if epoch != self._epoch:
                await self._renew(epoch)
            made = await self._make(batch.events)
            after = await self.log.read_epoch()
            if after == epoch:
                break
            epoch = after
        self._position = self.edge
        await self._send(made)
        return True

    async def _renew(self, epoch: int) -> None:
        """Read what the watchers may see anew; those who may see nothing any more are signed out."""
        people = [each for each in self._watchers if not isinstance(each, ThingPrincipal)]
        await self._renew_watchers(people)
        await self._renew_organizations()
        self._epoch = epoch

    async def _renew_organizations(self) -> None:
        """Read anew what lies below the organizations of scopes: the epoch moves with their tree, too."""
        wanted = {kind.scope.organization_id for kind in self._classes.values() if kind.organizations is not None}
        for root in wanted:
            inside = await read_subtree(self._store, root)
            for kind in [each for each in self._classes.values() if each.scope.organization_id == root]:
                if kind.organizations != inside:
                    self._index.remove(kind)
                    kind.organizations = inside
                    self._index.add(kind)

    async def _renew_things(self, things: set[Any]) -> None:
        concerned = [each for each in self._watchers if isinstance(each, ThingPrincipal) and each.thing_id in things]
        if concerned:
            await self._renew_watchers(concerned)

    async def _renew_watchers(self, principals: Sequence[Principal]) -> None:
        if not principals:
            return
        accesses = await resolve_accesses(self._store, principals)
        for principal in principals:
            watcher = self._watchers.get(principal)
            if watcher is None:
                continue
            access = accesses.get(principal)
            if access is None:
                self._sign_out(watcher)
                continue
            is_other, watcher.access = access != watcher.access, access
            if is_other:
                self._regroup_all(watcher)

    def _regroup_all(self, watcher: Watcher) -> None:
        regroup = self._regroup
        assert regroup is not None  # noqa: S101 - set by `start`
        for subscription in list(watcher.subscriptions):
            before = subscription.kind
            if subscription in before.members:
                subscription.join(regroup(subscription), subscription.joined_at)
            self.drop_if_empty(before)

    def _sign_out(self, watcher: Watcher) -> None:
        """End all that a principal watches."""
        error: GraphQLFormattedError = {
            "message": "The session has ended; sign in again.",
            "extensions": {"code": Code.UNAUTHENTICATED},
        }
        for subscription in list(watcher.subscriptions):
            subscription.end([error])
            self._forget(subscription)
        for connection in list(watcher.connections):
            connection.sign_out()
        watcher.connections.clear()
        self.unwatch(watcher)

    async def _taken(self, events: Sequence[Event]) -> dict[SubscriptionClass, list[Event]]:
        """The events that each class takes, in their order."""
        taken: defaultdict[SubscriptionClass, list[Event]] = defaultdict(list)
        questions: defaultdict[SubscriptionClass, list[Event]] = defaultdict(list)
        for event in events:
            for kind in self._index.candidates(event):
                if kind.may_take(event):
                    (questions if kind.is_open(event) else taken)[kind].append(event)
        # However many classes have a scope in common, the database is asked about it once.
        scopes: defaultdict[EventScope, dict[Position, Event]] = defaultdict(dict)
        for kind, asked in questions.items():
            scopes[kind.scope] |= {event.position: event for event in asked}
        matching = {
            scope: {event.position for event in await match_events(self._store, scope, list(asked.values()))}
            for scope, asked in scopes.items()
        }
        for kind, asked in questions.items():
            matched = [event for event in asked if event.position in matching[kind.scope]]
            if matched:
                taken[kind] = sorted([*taken[kind], *matched], key=lambda event: event.position)
        return taken

    async def _make(self, events: Sequence[Event]) -> list[tuple[SubscriptionClass, Parcel]]:
        """What each class is to be sent of the events; those that answer alike are answered together."""
        taken = await self._taken(events)
        alike: defaultdict[Hashable, list[SubscriptionClass]] = defaultdict(list)
        for kind in taken:
            if kind.members:
                alike[kind.answer_key].append(kind)
        made: list[tuple[SubscriptionClass, Parcel]] = []
        families = list(alike.values())
        for start in range(0, len(families), CLASSES_AT_ONCE):
            part = families[start : start + CLASSES_AT_ONCE]
            answers = await asyncio.gather(*(self._answered(family, taken) for family in part))
            for family, known in zip(part, answers, strict=True):
                if known:
                    made += [(kind, Parcel([known[event.position] for event in taken[kind]])) for kind in family]
        return made

    async def _answered(
        self, family: Sequence[SubscriptionClass], taken: Mapping[SubscriptionClass, Sequence[Event]]
    ) -> dict[Position, Delivery]:
        """Answer the events of classes that answer alike; when that fails as a whole they are ended, and no others."""
        wanted = {event.position: event for kind in family for event in taken[kind]}
        events = sorted(wanted.values(), key=lambda event: event.position)
        first = family[0]
        merges, tells = first.stream.merges, first.tells_merging
        slow = any(kind.slow for kind in family)
        try:
            plain = await self._answer(first, events, False)
            merged = await self._answer(first, events, True) if merges and slow and tells else plain
        except Exception as error:
            log.exception("events could not be answered", operation=first.prepared.name)
            for kind in family:
                for subscription in list(kind.members):
                    subscription.end([_failure(error, subscription.position)])
                    self._forget(subscription)
            return {}
        told = merges and (slow or not tells)
        return {
            event.position: Delivery(
                event.position,
                encoded,
                (event.kind, event.subject_id) if merges else None,
                other if told else None,
            )
            for event, encoded, other in zip(events, plain, merged, strict=True)
        }

    async def _send(self, made: Iterable[tuple[SubscriptionClass, Parcel]]) -> None:
        """Send to all members, leaving the loop to others now and then; who joins meanwhile begins behind it."""
        snapshot = [(list(kind.members), parcel) for kind, parcel in made]
        written = 0
        for members, parcel in snapshot:
            for subscription in members:
                subscription.take(parcel)
                if subscription.ended:
                    self._forget(subscription)
                elif subscription.backlog is not None:
                    self._slow[subscription] = None
                written += 1
                if written % WRITES_AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _flush(self) -> None:
        """Send slow clients what waits for them, as they take it."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            for subscription in list(self._slow):
                if subscription.catch_up():
                    self._slow.pop(subscription, None)


def _failure(error: Exception, position: Position) -> GraphQLFormattedError:
    code = getattr(error, "code", None) or Code.INTERNAL
    message = getattr(error, "message", None) or "An event could not be read; go on behind the cursor."
    return {"message": str(message), "extensions": {"code": str(code), "cursor": position.cursor}}
