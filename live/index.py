"""Which classes of subscriptions an event may concern, found without looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from live.subscriptions import SubscriptionClass
from models.enums import EventKind
from services.events import Event, organizations_seen

WITHOUT_THING: Final = frozenset(
    {EventKind.OTA_JOB_CHANGED, EventKind.DEPLOYMENT_CHANGED, EventKind.MEMBERSHIP_CHANGED}
)
Shelf = dict[UUID, dict[SubscriptionClass, None]]


class ClassIndex:
    """Classes by the narrowest thing that their events have in common: things, subjects, organizations, or none."""

    def __init__(self) -> None:
        """No class yet."""
        self._things: Shelf = {}
        self._subjects: Shelf = {}
        self._organizations: Shelf = {}
        self._people: Shelf = {}
        self._everywhere: dict[SubscriptionClass, None] = {}

    def add(self, kind: SubscriptionClass) -> None:
        """Put a class where its events will find it."""
        for shelf, keys in self._places(kind):
            for key in keys:
                shelf.setdefault(key, {})[kind] = None
        if self._is_everywhere(kind):
            self._everywhere[kind] = None

    def remove(self, kind: SubscriptionClass) -> None:
        """Take a class out again."""
        for shelf, keys in self._places(kind):
            for key in keys:
                kept = shelf.get(key)
                if kept is not None:
                    kept.pop(kind, None)
                    if not kept:
                        del shelf[key]
        self._everywhere.pop(kind, None)

    def candidates(self, event: Event) -> Iterable[SubscriptionClass]:
        """Every class that may take the event, once, and few others."""
        found: dict[SubscriptionClass, None] = dict(self._everywhere)
        for shelf, key in (
            (self._things, event.thing_id),
            (self._subjects, event.subject_id),
            (self._organizations, event.organization_id),
            (self._organizations, event.previous_organization_id),
            (self._people, event.user_id),
        ):
            if key is not None:
                kept = shelf.get(key)
                if kept is not None:
                    found |= kept
        return found

    def _places(self, kind: SubscriptionClass) -> Iterator[tuple[Shelf, Iterable[UUID]]]:
        scope = kind.scope
        if scope.subject_ids:
            yield self._subjects, scope.subject_ids
        elif scope.thing_ids and not _lack_things(scope.kinds):
            yield self._things, scope.thing_ids
        elif kind.access.thing is not None:
            yield self._things, (kind.access.thing.thing_id,)
        elif kind.access.is_platform_admin:
            if kind.organizations is not None:
                yield self._organizations, kind.organizations
        else:
            # Of an event that concerns two organizations, one may be seen and the other one be in the scope.
            seen = organizations_seen(kind.access, scope.kinds) or frozenset()
            yield self._organizations, seen if kind.organizations is None else kind.organizations
            if kind.access.user_id is not None and EventKind.MEMBERSHIP_CHANGED in scope.kinds:
                yield self._people, (kind.access.user_id,)

    @staticmethod
    def _is_everywhere(kind: SubscriptionClass) -> bool:
        scope = kind.scope
        if scope.subject_ids or not kind.access.is_platform_admin or kind.organizations is not None:
            return False
        return not scope.thing_ids or _lack_things(scope.kinds)


def _lack_things(kinds: Iterable[EventKind]) -> bool:
    """Whether events of some of these kinds name no thing, though they may concern one."""
    return not WITHOUT_THING.isdisjoint(kinds)
