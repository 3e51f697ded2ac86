"""Mutations of the state of things."""

from __future__ import annotations

import strawberry

from models.enums import Permission
from resolvers.arguments import given, key, optional_key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.state import (
    ReportThingStateInput,
    ReportThingStatePayload,
    SetDesiredThingStateInput,
    SetDesiredThingStatePayload,
)
from services import states


@strawberry.type
class StateMutations:
    """What things report, and what is wanted of them."""

    @mutation(Permission.STATE_REPORT)
    async def report_thing_state(self, info: Info, input: ReportThingStateInput) -> ReportThingStatePayload:
        """Report the state of a thing: by the thing itself, or by a person on its behalf."""
        named = optional_key("thing", input.thing_id, ("thingId",))
        async with info.context.unit_of_work() as work:
            thing_id = await states.report(work, named, input.reported, replace=input.replace)
        return ReportThingStatePayload.of(thing_id=thing_id)

    @mutation(Permission.STATE_DESIRE)
    async def set_desired_thing_state(
        self, info: Info, input: SetDesiredThingStateInput
    ) -> SetDesiredThingStatePayload:
        """Say what is wanted of a thing; the difference to what it reports is its `delta`."""
        named = key("thing", input.thing_id, ("thingId",))
        version = given(input.expected_version)
        async with info.context.unit_of_work() as work:
            thing_id = await states.desire(work, named, input.desired, replace=input.replace, expected_version=version)
        return SetDesiredThingStatePayload.of(thing_id=thing_id)
