"""The feed: opens subscriptions for the endpoints, replays what they missed, and lets them join the live events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from graphql import GraphQLFormattedError

from engine.documents import PreparedOperation
from engine.errors import Code, RequestError, fault, format_exception
from engine.execution import Answer, Operations
from live.deliveries import Delivery, Outlet, Parcel, Patience
from live.hub import Connection, Hub
from live.log import read_subtree
from live.selections import selection_of
from live.subscriptions import Subscription, SubscriptionClass, Watcher, personal
from resolvers.context import Context, Parts
from resolvers.watch import Watch
from services.access import Access, Principal, UserPrincipal, resolve_access
from services.errors import Unauthenticated
from services.events import Event, EventScope, Look, Position, check_position, read_events

REQUEST_ID: Final = "live"
ROOM_SECONDS: Final = 0.05
FAULTY_SECONDS: Final = (0.2, 1.0, 0.0)
"""Pauses behind each attempt to answer events."""


class Feed:
    """Subscriptions of one gateway process."""

    def __init__(self, parts: Parts, operations: Operations) -> None:
        """Nothing is followed before somebody subscribes."""
        self._parts = parts
        self._operations = operations
        self._patience = Patience(
            most_octets=parts.settings.subscription_backlog_bytes, together=parts.settings.backlog_bytes
        )
        self.hub = Hub(parts.store, parts.tail, self._answer)

    async def start(self) -> None:
        """Begin."""
        await self.hub.start(self._regrouped)

    async def stop(self) -> None:
        """End."""
        await self.hub.stop()

    async def connect(self, principal: Principal | None, connection: Connection) -> None:
        """Have a connection told when its principal is signed out. Raises RequestError when it is already."""
        if principal is None:
            return
        async with self.hub.awake():
            (await self._watcher(principal)).connections[connection] = None

    def disconnect(self, principal: Principal | None, connection: Connection) -> None:
        """The connection is closed."""
        watcher = None if principal is None else self.hub.watcher(principal)
        if watcher is not None:
            watcher.connections.pop(connection, None)
            self.hub.unwatch(watcher)

    async def open(
        self,
        prepared: PreparedOperation,
        variables: Mapping[str, Any],
        principal: Principal | None,
        request_id: str,
        outlet: Outlet,
    ) -> Subscription:
        """Open a subscription whose answers go to `outlet`: first what was missed, as it takes it, then live.

        Returns when the replay is over; a cancellation closes what was opened. Raises RequestError for a subscription
        that may not be.
        """
        subscription: Subscription | None = None
        try:
            async with self.hub.awake():
                access = await self._access(principal)
                watch = await self._source(prepared, variables, access, request_id)
                cursor = watch.after
                if cursor is not None:
                    await check_position(self._parts.store, cursor)
                watcher = self.hub.watch(Watcher(_somebody(principal), access))
                kind = await self._class(prepared, variables, watch, watcher)
                subscription = Subscription(watcher, kind, outlet, cursor or self.hub.edge, self._patience)
                watcher.subscriptions[subscription] = None
            if cursor is None:
                subscription.join(kind, self.hub.edge)
            else:
                await self._replay(subscription)
        except (RequestError, asyncio.CancelledError):
            self._drop(subscription, principal)
            raise
        except Exception as error:
            self._drop(subscription, principal)
            raise RequestError([format_exception(error, request_id)]) from error
        return subscription

    def close(self, subscription: Subscription) -> None:
        """The client wants no more of it."""
        self.hub.close(subscription)

    def catch_up(self, subscription: Subscription) -> None:
        """Send what waits for a client that takes some again; whoever does not call this is asked now and then."""
        subscription.catch_up()

    async def move(self, subscriptions: Iterable[Subscription], principal: Principal) -> None:
        """Let subscriptions go on under a fresh token. Raises RequestError when it is not good (any more)."""
        async with self.hub.awake():
            watcher = await self._watcher(principal)
            for subscription in list(subscriptions):
                before, kind = subscription.watcher, subscription.kind
                subscription.serve(watcher)
                if subscription in kind.members:
                    subscription.join(self._regrouped(subscription), subscription.joined_at)
                    self.hub.drop_if_empty(kind)
                self.hub.unwatch(before)
            self.hub.unwatch(watcher)

    def _drop(self, subscription: Subscription | None, principal: Principal | None) -> None:
        """Forget a subscription that could not be opened; what it was for may be watched by nobody else."""
        watcher = None if principal is None else self.hub.watcher(principal)
        if subscription is not None:
            self.hub.close(subscription)
        elif watcher is not None:
            self.hub.unwatch(watcher)

    async def _watcher(self, principal: Principal) -> Watcher:
        """The watcher of a principal. Raises RequestError when it is signed out."""
        try:
            access = await self._access(principal)
        except Unauthenticated as error:
            raise RequestError([format_exception(error, REQUEST_ID)]) from None
        return self.hub.watch(Watcher(principal, access))

    async def _access(self, principal: Principal | None) -> Access:
        """What a principal may see: as the hub keeps it current, or read now. Raises Unauthenticated."""
        if principal is not None:
            watcher = self.hub.watcher(principal)
            if watcher is not None:
                return watcher.access
            if isinstance(principal, UserPrincipal):
                kept = self._parts.accesses.get(principal)
                if kept is not None and kept.stamp == self.hub.epoch:
                    return kept
        access = await resolve_access(self._parts.store, principal)
        self._parts.accesses.put(access)
        return access

    async def _source(
        self, prepared: PreparedOperation, variables: Mapping[str, Any], access: Access, request_id: str
    ) -> Watch:
        context = self._context(access, request_id)
        try:
            source: AsyncIterable[Any] = await self._operations.source(prepared, dict(variables), context)
        finally:
            await context.close()
        if not isinstance(source, Watch):
            raise TypeError("a subscription gives what to watch")
        return source

    async def _class(
        self,
        prepared: PreparedOperation,
        variables: Mapping[str, Any],
        watch: Watch,
        watcher: Watcher,
    ) -> SubscriptionClass:
        selection = selection_of(self._operations.schema, prepared)
        # Those that say which events are wanted are in the scope.
        values = {name: value for name, value in variables.items() if name not in selection.choosing}
        written = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)

        def key() -> tuple[Any, ...]:
            return (watch.scope, id(prepared), written, self._reach(watcher.access, prepared, watch.scope))

        while (found := self.hub.find(key())) is None:
            epoch = self.hub.epoch
            organizations = await read_subtree(self._parts.store, watch.scope.organization_id)
            if epoch == self.hub.epoch:
                found = SubscriptionClass(
                    key=key(),
                    prepared=prepared,
                    variables=dict(variables),
                    stream=watch.stream,
                    scope=watch.scope,
                    access=watcher.access,
                    organizations=organizations,
                    tells_merging=selection.tells_merging,
                )
                return self.hub.keep(found)
        return found

    def _regrouped(self, subscription: Subscription) -> SubscriptionClass:
        """The class of a subscription under the present access of its watcher."""
        before, access = subscription.kind, subscription.watcher.access
        key = (*before.key[:-1], self._reach(access, before.prepared, before.scope))
        return self.hub.find(key) or self.hub.keep(before.under(key, access))

    def _reach(self, access: Access, prepared: PreparedOperation, scope: EventScope) -> Hashable:
        """What accesses have in common under which the same is answered."""
        selection = selection_of(self._operations.schema, prepared)
        return access.reach(personal=selection.is_personal or personal(scope.kinds))

    async def _replay(self, subscription: Subscription) -> None:
        """Send what lies between the cursor and now, page by page, and join the live events without a seam."""
        is_whole = False
        while not is_whole:
            is_whole = await self._send_page(subscription, self.hub.edge)
        if subscription.ended:
            return
        # From here on live events wait behind what is still to be replayed, which is what came during the last page.
        # A cursor may also be ahead of this process, which another one has given.
        joined_at = max(self.hub.edge, subscription.position)
        subscription.hold()
        subscription.join(self._regrouped(subscription), joined_at)
        is_whole = subscription.position >= joined_at
        while not is_whole:
            is_whole = await self._send_page(subscription, joined_at)
        subscription.release()
        if subscription.is_slow:
            self.hub.note_slow(subscription)

    async def _send_page(self, subscription: Subscription, upto: Position) -> bool:
        """Replay up to a page of events; returns whether that was all up to the position, or the subscription ended."""
        while not (subscription.ended or subscription.outlet.has_room()):  # noqa: ASYNC110 - transports do not tell
            await asyncio.sleep(ROOM_SECONDS)
        look, deliveries = await self._read_page(subscription, upto)
        if subscription.ended:
            # Too much has come meanwhile, or its principal is signed out. The client has been told, and where to go on.
            return True
        subscription.position = max(subscription.position, look.position)
        if deliveries:
            subscription.outlet.write(Parcel(deliveries))
            # A long replay leaves the loop to others.
            await asyncio.sleep(0)
        return look.is_whole

    async def _read_page(self, subscription: Subscription, upto: Position) -> tuple[Look, list[Delivery]]:
        """Events with their answers, read under an access that was current when the last of it was read."""
        principal, kind = subscription.watcher.principal, subscription.kind
        access = subscription.watcher.access
        while True:
            look = await read_events(self._parts.store, access, kind.scope, subscription.position, upto)
            deliveries = []
            if look.events:
                answers = await self._answers(kind, access, look.events, merged=False)
                deliveries = [
                    Delivery(event.position, answer) for event, answer in zip(look.events, answers, strict=True)
                ]
            if not isinstance(principal, UserPrincipal) or access.stamp == await self.hub.log.read_epoch():
                return look, deliveries
            access = await resolve_access(self._parts.store, principal)

    async def _answer(self, kind: SubscriptionClass, events: Sequence[Event], merged: bool) -> list[bytes]:  # noqa: FBT001
        return await self._answers(kind, kind.access, events, merged=merged)

    async def _answers(
        self, kind: SubscriptionClass, access: Access, events: Sequence[Event], *, merged: bool
    ) -> list[bytes]:
        """The answers to events of a class, as JSON.

        A fault of this side is tried again, since a client would lose the event with it: a database that is away comes
        back. What fails every time is told.
        """
        records = [kind.stream.record(event, merged) for event in events]
        answers: list[Answer] = []
        for seconds in FAULTY_SECONDS:
            context = self._context(access, REQUEST_ID)
            try:
                answers = await self._operations.answer_events(kind.prepared, dict(kind.variables), records, context)
            finally:
                await context.close()
            if not any(_is_fault(error) for answer in answers for error in answer.errors):
                break
            await asyncio.sleep(seconds)
        return [_written(answer) for answer in answers]

    def _context(self, access: Access, request_id: str) -> Context:
        context = Context(self._parts, access.principal, request_id)
        context.assume(access)
        return context


def _somebody(principal: Principal | None) -> Principal:
    if principal is None:
        raise Unauthenticated("sign in first")
    return principal


def _is_fault(error: GraphQLFormattedError) -> bool:
    return error.get("extensions", {}).get("code") == Code.INTERNAL


def _written(answer: Answer) -> bytes:
    if answer.encoded is not None:
        return answer.encoded
    try:
        return orjson.dumps(answer.payload)
    except TypeError:
        # A stored JSON value that cannot be written: nested too deeply, or a number beyond 64 bits.
        return orjson.dumps({"data": None, "errors": [fault(REQUEST_ID)]})
