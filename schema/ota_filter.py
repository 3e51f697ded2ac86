"""The filter languages for OTA jobs and their executions."""

from __future__ import annotations

import strawberry

from engine.filters import DateTimeFilter, FilterInput, StringFilter, compare, equals, where
from models.tables import OTA_EXECUTION, OTA_JOB
from schema.conditions import keyed, one_of, present, searched
from schema.enums import OtaExecutionStatus, OtaJobStatus


@strawberry.input(description="Conditions on OTA jobs; all that are given must hold.")
class OtaJobFilter(FilterInput):
    """The filter language for OTA jobs."""

    and_: list[OtaJobFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[OtaJobFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: OtaJobFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )
    ids: list[strawberry.ID] | None = where(keyed(OTA_JOB.c.id, "otajob"), "One of these OTA jobs, 100 at most.")
    search: str | None = where(
        searched(OTA_JOB.c.name, OTA_JOB.c.description), "The name or the description holds this, in any case."
    )
    name: StringFilter | None = where(compare(OTA_JOB.c.name), "The name.")
    status: list[OtaJobStatus] | None = where(one_of(OTA_JOB.c.status), "In one of these states.")
    dynamic: bool | None = where(equals(OTA_JOB.c.dynamic), "Joined by things later, or (false) not.")
    phase_of_deployment: bool | None = where(
        present(OTA_JOB.c.deployment_id), "A phase of a deployment, or (false) a job of its own."
    )
    deployment_ids: list[strawberry.ID] | None = where(
        keyed(OTA_JOB.c.deployment_id, "deployment"), "A phase of one of these deployments, 100 at most."
    )
    artifact_ids: list[strawberry.ID] | None = where(
        keyed(OTA_JOB.c.artifact_id, "artifact"), "Made for one of these artifacts, 100 at most."
    )
    created_at: DateTimeFilter | None = where(compare(OTA_JOB.c.created_at), "When it was created.")
    finished_at: DateTimeFilter | None = where(compare(OTA_JOB.c.finished_at), "When its last update ended.")


@strawberry.input(description="Conditions on updates of things; all that are given must hold.")
class OtaExecutionFilter(FilterInput):
    """The filter language for executions."""

    and_: list[OtaExecutionFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[OtaExecutionFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: OtaExecutionFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )
    ids: list[strawberry.ID] | None = where(keyed(OTA_EXECUTION.c.id, "otaexec"), "One of these updates, 100 at most.")
    status: list[OtaExecutionStatus] | None = where(one_of(OTA_EXECUTION.c.status), "In one of these states.")
    thing_ids: list[strawberry.ID] | None = where(
        keyed(OTA_EXECUTION.c.thing_id, "thing"), "Of one of these things, 100 at most."
    )
    job_ids: list[strawberry.ID] | None = where(
        keyed(OTA_EXECUTION.c.job_id, "otajob"), "In one of these OTA jobs, 100 at most."
    )
    deployment_ids: list[strawberry.ID] | None = where(
        keyed(OTA_EXECUTION.c.deployment_id, "deployment"), "In one of these deployments, 100 at most."
    )
    has_log: bool | None = where(
        present(OTA_EXECUTION.c.log_uploaded_at), "With a log that the thing has sent, or (false) without."
    )
    created_at: DateTimeFilter | None = where(compare(OTA_EXECUTION.c.created_at), "When it was created.")
    updated_at: DateTimeFilter | None = where(compare(OTA_EXECUTION.c.updated_at), "When it last changed.")
    finished_at: DateTimeFilter | None = where(compare(OTA_EXECUTION.c.finished_at), "When it ended.")
