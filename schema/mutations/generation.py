"""Input and payload of the generation of artifacts."""

from __future__ import annotations

from enum import Enum

import strawberry

from engine.fields import to_one
from engine.records import record
from models import ArtifactRow
from schema.payload import Payload, UserError, user_errors
from schema.release import Artifact


@strawberry.enum(description="What kind of update is generated.")
class GenerationType(Enum):
    """The update modules that files are generated for."""

    SINGLE_FILE = strawberry.enum_value(
        "SINGLE_FILE", description="One file that the update module `single-file` puts in its place on the device."
    )


@strawberry.input(description="Where a single file goes on the device.")
class SingleFileArgs:
    """Arguments of the update module."""

    dest_dir: str = strawberry.field(description="The folder, an absolute path; it is made when it is missing.")
    file_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The name there; that of the raw file when left out."
    )
    permissions: str | None = strawberry.field(
        default=strawberry.UNSET, description="The mode in three or four octal digits; 644 when left out."
    )


@strawberry.input(description="A `.mender` file to be generated from a raw file.")
class GenerateArtifactInput:
    """An artifact to be generated."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    source_artifact_id: strawberry.ID = strawberry.field(
        description="The artifact of the format RAW whose file it is made of; it has to be READY, and stays as it is."
    )
    name: str = strawberry.field(
        description="The name of its release, 1 to 254 characters; the release is created when there is none."
    )
    compatible_types: list[str] = strawberry.field(description="The device types that it fits, 1 to 100.")
    type: GenerationType = strawberry.field(description="What kind of update it is.")
    args: SingleFileArgs = strawberry.field(description="Where the file goes.")
    description: str = strawberry.field(default="", description="What it is, for people.")


@record()
class GenerateArtifactPayload(Payload):
    """The artifact that is being generated."""

    artifact: Artifact | None = to_one(
        "artifact_id", ArtifactRow.id, "The artifact: GENERATING at first, then READY, or FAILED with its `problem`."
    )
    user_errors: list[UserError] = user_errors()
