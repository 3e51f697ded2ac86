"""Subscriptions: events of the log, replayed from a cursor and then as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final, cast

import strawberry

from engine.errors import BadUserInput
from resolvers.context import Info
from resolvers.streams import STREAMS, request
from resolvers.watch import Watch
from schema.enums import EventKind
from schema.event_scope import EventScopeInput
from schema.events import (
    DeploymentEvent,
    FleetEvent,
    MembershipEvent,
    OtaExecutionEvent,
    OtaJobEvent,
    OtaUpdateOfferedEvent,
    ThingConnectivityEvent,
    ThingEvent,
    ThingStateEvent,
)
from services.errors import InvalidInput
from services.events import Position

_GOES_ON: Final = (
    " Every event has a cursor; `after` replays what was missed, then goes on live, with no gap and no double between "
    "the two."
)

Scope = Annotated[
    EventScopeInput | None, strawberry.argument(description="Which events; all that you may see when left out.")
]
After = Annotated[
    str | None, strawberry.argument(description="Replay the events behind the one with this cursor first.")
]


@strawberry.type(description="What happens, as it happens.")
class Subscription:
    """The root of subscriptions."""

    @strawberry.subscription(description=f"Changes of the state of things.{_GOES_ON}")
    def thing_state_changed(
        self, info: Info, scope: Scope = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> AsyncGenerator[ThingStateEvent, None]:
        """Changes of state."""
        return _watch(info, scope=scope, after=after)

    @strawberry.subscription(description=f"Things that come online or go offline.{_GOES_ON}")
    def thing_connectivity_changed(
        self, info: Info, scope: Scope = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> AsyncGenerator[ThingConnectivityEvent, None]:
        """Changes of connectivity."""
        return _watch(info, scope=scope, after=after)

    @strawberry.subscription(
        description=f"Things that are created, edited, moved or deleted, or go a step further in their life.{_GOES_ON}"
    )
    def thing_changed(
        self, info: Info, scope: Scope = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> AsyncGenerator[ThingEvent, None]:
        """Changes of things."""
        return _watch(info, scope=scope, after=after)

    @strawberry.subscription(description=f"Updates of single things that begin, go on, or end.{_GOES_ON}")
    def ota_execution_changed(
        self, info: Info, scope: Scope = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> AsyncGenerator[OtaExecutionEvent, None]:
        """Moves of executions."""
        return _watch(info, scope=scope, after=after)

    @strawberry.subscription(
        description="Updates that wait for the consent of a person, where whoever made them wants people to be told: "
        f"one for each thing, when its OTA job starts.{_GOES_ON}"
    )
    def ota_update_offered(
        self, info: Info, scope: Scope = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> AsyncGenerator[OtaUpdateOfferedEvent, None]:
        """Updates that wait for consent."""
        return _watch(info, scope=scope, after=after)

    @strawberry.subscription(description=f"The progress of deployments.{_GOES_ON}")
    def deployment_progress(
        self,
        info: Info,
        scope: Scope = strawberry.UNSET,
        deployment_ids: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Of these deployments alone, 100 at most.")
        ] = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> AsyncGenerator[DeploymentEvent, None]:
        """The progress of deployments."""
        return _watch(info, scope=scope, deployment_ids=deployment_ids, after=after)

    @strawberry.subscription(description=f"The progress of OTA jobs.{_GOES_ON}")
    def ota_job_progress(
        self,
        info: Info,
        scope: Scope = strawberry.UNSET,
        ota_job_ids: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Of these OTA jobs alone, 100 at most.")
        ] = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> AsyncGenerator[OtaJobEvent, None]:
        """The progress of jobs."""
        return _watch(info, scope=scope, ota_job_ids=ota_job_ids, after=after)

    @strawberry.subscription(
        description="Members that come, go, or get another role. What concerns yourself you see in any organization; "
        f"a scope that asks for things leaves all of it out.{_GOES_ON}"
    )
    def membership_changed(
        self, info: Info, scope: Scope = strawberry.UNSET, after: After = strawberry.UNSET
    ) -> AsyncGenerator[MembershipEvent, None]:
        """Changes of memberships."""
        return _watch(info, scope=scope, after=after)

    @strawberry.subscription(description=f"Events of all kinds, in the order in which they happened.{_GOES_ON}")
    def events(
        self,
        info: Info,
        scope: Scope = strawberry.UNSET,
        kinds: Annotated[
            list[EventKind] | None, strawberry.argument(description="Of these kinds alone; of all when left out.")
        ] = strawberry.UNSET,
        after: After = strawberry.UNSET,
    ) -> AsyncGenerator[FleetEvent, None]:
        """Whatever happens."""
        return _watch(info, scope=scope, kinds=kinds, after=after)


def _watch(info: Info, **arguments: Any) -> AsyncGenerator[Any, None]:
    """What the field watches: an `AsyncIterable`, which is all that executors ask for."""
    stream = STREAMS[info.field_name]
    scope, after = request(stream, arguments)
    watch = Watch(info.context, stream, scope, None if after is None else _position(after))
    return cast("AsyncGenerator[Any, None]", watch)


def _position(cursor: str) -> Position:
    try:
        return Position.parse(cursor)
    except InvalidInput as error:
        raise BadUserInput(error.message) from error
