"""What a deployment would do, before it is made."""

from __future__ import annotations

import strawberry

from engine.fields import to_one, value
from engine.records import Record, record
from models import ArtifactRow
from schema.enums import LeftOutReason
from schema.mutations.deployment import PhaseInput
from schema.mutations.ota_target import OtaTargetInput
from schema.release import Artifact


@strawberry.input(description="A deployment that is thought of.")
class DeploymentPreviewInput:
    """What decides about things in `createDeployment`, in the same words."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it would be.")
    release_id: strawberry.ID = strawberry.field(description="What it would bring: a release of the organization.")
    target: OtaTargetInput = strawberry.field(description="The things that it would be for.")
    phases: list[PhaseInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Its phases, 100 at most; all things at once when left out."
    )


@record()
class PreviewArtifact(Record):
    """The things that would get one artifact."""

    artifact: Artifact | None = to_one(
        "artifact_id", ArtifactRow.id, "What they would get; null when it is picked as they ask and say their type."
    )
    count: int = value("count", "How many things.")


@record()
class PreviewLeftOut(Record):
    """The things that nothing would be done for, for one reason."""

    reason: LeftOutReason = value("reason", "Why.")
    count: int = value("count", "How many things.")


@record()
class DeploymentPreview(Record):
    """What `createDeployment` would do now."""

    thing_count: int = value("thing_count", "How many things the target holds.")
    artifacts: list[PreviewArtifact] = value("artifacts", "How many would get which artifact, most first.")
    left_out: list[PreviewLeftOut] = value("left_out", "How many would not be updated, and why.")
    phases: list[int] = value(
        "phases", "How many things each phase would have, those that nothing fits among them; one phase without any."
    )
