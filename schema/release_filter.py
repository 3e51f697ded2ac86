"""The filter language for releases and artifacts."""

from __future__ import annotations

import strawberry

from engine.filters import DateTimeFilter, FilterInput, StringFilter, compare, equals, where
from models.tables import ARTIFACT, RELEASE
from schema.conditions import any_item, keyed, one_of, present, searched
from schema.enums import ArtifactFormat, ArtifactStatus


@strawberry.input(description="Conditions on artifacts; all that are given must hold.")
class ArtifactFilter(FilterInput):
    """The filter language for artifacts."""

    and_: list[ArtifactFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[ArtifactFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: ArtifactFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )
    ids: list[strawberry.ID] | None = where(keyed(ARTIFACT.c.id, "artifact"), "One of these artifacts, 100 at most.")
    search: str | None = where(
        searched(ARTIFACT.c.name, ARTIFACT.c.description), "The name or the description holds this, in any case."
    )
    name: StringFilter | None = where(compare(ARTIFACT.c.name), "The name: that of its release.")
    model: StringFilter | None = where(compare(ARTIFACT.c.model), "The model.")
    artifact_version: StringFilter | None = where(compare(ARTIFACT.c.artifact_version), "The version.")
    compatible_type: StringFilter | None = where(
        any_item(ARTIFACT.c.compatible_types),
        "A device type that it names meets this; `ne` and `nin`: it names no such type.",
    )
    format: list[ArtifactFormat] | None = where(one_of(ARTIFACT.c.format), "In one of these formats.")
    status: list[ArtifactStatus] | None = where(one_of(ARTIFACT.c.status), "In one of these states.")
    signed: bool | None = where(equals(ARTIFACT.c.signed), "Signed, or (false) not.")
    private: bool | None = where(present(ARTIFACT.c.private_to_id), "Seen by its sender alone, or (false) not.")
    created_at: DateTimeFilter | None = where(compare(ARTIFACT.c.created_at), "When it was declared.")


@strawberry.input(description="Conditions on releases; all that are given must hold.")
class ReleaseFilter(FilterInput):
    """The filter language for releases."""

    and_: list[ReleaseFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[ReleaseFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: ReleaseFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )
    ids: list[strawberry.ID] | None = where(keyed(RELEASE.c.id, "release"), "One of these releases, 100 at most.")
    name: StringFilter | None = where(compare(RELEASE.c.name), "The name.")
    created_at: DateTimeFilter | None = where(compare(RELEASE.c.created_at), "When it was created.")
