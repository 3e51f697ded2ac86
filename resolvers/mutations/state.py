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
    ReportThingStatesInput,
    ReportThingStatesPayload,
    SetDesiredThingStateInput,
    SetDesiredThingStatePayload,
    ThingReportInput,
    ThingReportResult,
)
from schema.thing import ThingState
from services import states
from services.errors import FleetError, InvalidInput
from services.reports import MAX_REPORTS
from services.submissions import Outcome, Report


@strawberry.type
class StateMutations:
    """What things report, and what is wanted of them."""

    @mutation(Permission.STATE_REPORT)
    async def report_thing_state(self, info: Info, input: ReportThingStateInput) -> ReportThingStatePayload:
        """Report the state of a thing: by the thing itself, or by a person on its behalf."""
        (outcome,) = await info.context.report([_report(input)])
        if isinstance(outcome, FleetError):
            raise outcome
        return ReportThingStatePayload.of(thing_id=outcome.thing_id, state=ThingState.over(outcome.state))

    @mutation(Permission.STATE_REPORT)
    async def report_thing_states(self, info: Info, input: ReportThingStatesInput) -> ReportThingStatesPayload:
        """Report the states of many things: each report is taken, or fails, by itself."""
        if not 1 <= len(input.reports) <= MAX_REPORTS:
            await info.context.resolve_access()
            raise InvalidInput(f"from 1 to {MAX_REPORTS} reports are taken at once", ("reports",))
        outcomes = await info.context.report([_report(each) for each in input.reports])
        return ReportThingStatesPayload.of(
            taken=sum(not isinstance(each, FleetError) for each in outcomes),
            results=[_result(index, outcome) for index, outcome in enumerate(outcomes)],
        )

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


def _report(input: ReportThingStateInput | ThingReportInput) -> Report | FleetError:
    """The report, or what is wrong with the id in it."""
    try:
        named = optional_key("thing", input.thing_id, ("thingId",))
    except FleetError as error:
        return error
    return Report(named, input.reported, replace=input.replace)


def _result(index: int, outcome: Outcome) -> ThingReportResult:
    if isinstance(outcome, FleetError):
        outcome.path = ("reports", str(index), *outcome.path)
        return ThingReportResult.failed([outcome], index=index)
    state = ThingState.over(outcome.state)
    return ThingReportResult.of(index=index, thing_id=outcome.thing_id, version=outcome.version, state=state)
