"""Inputs and payloads of the mutations of state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one, value
from engine.inputs import read_by
from engine.records import record
from models import ThingRow, ThingStateRow
from schema.payload import Payload, UserError, user_errors
from schema.thing import Thing, ThingState


@strawberry.input(description="What a thing reports of itself.")
class ReportThingStateInput:
    """A report."""

    thing_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The thing; a thing that reports for itself leaves it out."
    )
    reported: JSON = strawberry.field(
        description="An object: merged into the last report key by key, null takes a key away (RFC 7396)."
    )
    replace: bool = strawberry.field(default=False, description="Let the report stand alone instead of merging it.")


def _read_report(kind: type[Any], value: Mapping[str, Any]) -> Any:
    return kind(
        thing_id=value.get("thingId", strawberry.UNSET), reported=value["reported"], replace=value.get("replace", False)
    )


def _read_reports(kind: type[Any], value: Mapping[str, Any]) -> Any:
    return kind(reports=[_read_report(ThingReportInput, each) for each in value["reports"]])


@strawberry.input(description="What one of several things reports.")
class ThingReportInput:
    """One report of many."""

    thing_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The thing; a thing that reports for itself leaves it out."
    )
    reported: JSON = strawberry.field(
        description="An object: merged into the last report key by key, null takes a key away (RFC 7396)."
    )
    replace: bool = strawberry.field(default=False, description="Let the report stand alone instead of merging it.")


@strawberry.input(description="Reports of many things, or several of one; those of one thing are taken in order.")
class ReportThingStatesInput:
    """Many reports."""

    reports: list[ThingReportInput] = strawberry.field(description="The reports, 1 to 1,000.")


read_by(ReportThingStateInput, _read_report)
read_by(ThingReportInput, _read_report)
read_by(ReportThingStatesInput, _read_reports)


@strawberry.input(description="What is wanted of a thing.")
class SetDesiredThingStateInput:
    """A wish."""

    thing_id: strawberry.ID = strawberry.field(description="The thing.")
    desired: JSON = strawberry.field(
        description="An object: merged into the present wish key by key, null takes a key away (RFC 7396)."
    )
    replace: bool = strawberry.field(default=False, description="Let the wish stand alone instead of merging it.")
    expected_version: int | None = strawberry.field(
        default=strawberry.UNSET, description="Refuse with CONFLICT when the version of the state is another."
    )


@record()
class ReportThingStatePayload(Payload):
    """The state after the report."""

    state: ThingState | None = value("state", "The state as it was committed.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")
    user_errors: list[UserError] = user_errors()


@record()
class ThingReportResult(Payload):
    """What became of one of many reports."""

    index: int = value("index", "The place of the report in the input, from 0.")
    version: int | None = value("version", "The version of the state that the report made; null when it was not taken.")
    state: ThingState | None = value("state", "The state as it was committed, with later reports of the same batch.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing; null when the report was not taken.")
    user_errors: list[UserError] = user_errors()


@record()
class ReportThingStatesPayload(Payload):
    """What became of many reports: each stands for itself."""

    taken: int | None = value("taken", "How many were taken.")
    results: list[ThingReportResult] | None = value("results", "One for each report, in the order of the input.")
    user_errors: list[UserError] = user_errors()


@record()
class SetDesiredThingStatePayload(Payload):
    """The state with the wish."""

    state: ThingState | None = to_one("thing_id", ThingStateRow.thing_id, "The state as it is now.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing.")
    user_errors: list[UserError] = user_errors()
