"""Inputs and payloads of the mutations of releases."""

from __future__ import annotations

import strawberry

from engine.fields import to_one, value
from engine.records import record
from models import ReleaseRow
from schema.mutations.versions import expected_version
from schema.payload import Payload, UserError, user_errors
from schema.release import Release


@strawberry.input(description="Changes of a release: what is left out stays, null clears.")
class UpdateReleaseInput:
    """A release's changes."""

    id: strawberry.ID = strawberry.field(description="Which.")
    expected_version: int | None = expected_version()
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The new name, unique in the organization; its artifacts get it too."
    )
    notes: str | None = strawberry.field(default=strawberry.UNSET, description="What is new, for people.")


@strawberry.input(description="A release to be deleted, with its artifacts and their files.")
class DeleteReleaseInput:
    """A deletion."""

    id: strawberry.ID = strawberry.field(description="Which; a release that a deployment brings is kept.")


@record()
class UpdateReleasePayload(Payload):
    """The release that was changed."""

    release: Release | None = to_one("release_id", ReleaseRow.id, "The release, as it is now.")
    user_errors: list[UserError] = user_errors()


@record()
class DeleteReleasePayload(Payload):
    """What was deleted."""

    deleted_id: strawberry.ID | None = value("deleted_id", "The id of the release that is gone.")
    deleted_artifact_ids: list[strawberry.ID] | None = value("deleted_artifact_ids", "The ids of its artifacts.")
    user_errors: list[UserError] = user_errors()
