"""Inputs and payloads of the mutations of signing."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_one
from engine.records import record
from models import SigningKeyRow, SigningRequestRow
from schema.enums import KeySpec
from schema.payload import Payload, UserError, user_errors
from schema.signing import SigningKey, SigningRequest


@strawberry.input(description="A key pair to be made; its private part never leaves the gateway.")
class CreateSigningKeyInput:
    """A new key."""

    organization_id: strawberry.ID = strawberry.field(description="Whose it will be.")
    name: str = strawberry.field(
        description="1 to 256 letters, digits, slashes, underscores and dashes, unique in the organization."
    )
    spec: KeySpec = strawberry.field(description="What kind of key it is.")
    description: str = strawberry.field(default="", description="What it is for, for people.")
    tags: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="Free tags: an object of texts, 50 at most."
    )


@strawberry.input(description="An artifact to be signed with all of some keys, which gives one signed file.")
class SignArtifactInput:
    """A signing request; either `keyIds` or `keyDigests`."""

    artifact_id: strawberry.ID = strawberry.field(
        description="Which: a `.mender` file (one key), an ESP image or a package (up to three keys of one kind)."
    )
    key_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Keys of the artifact's organization."
    )
    key_digests: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The same, by the digests of their public parts."
    )
    sign_bootloader: bool = strawberry.field(
        default=False,
        description="Sign the boot loader, too: that of the package, or else the newest attached as BOOTLOADER.",
    )


@record()
class CreateSigningKeyPayload(Payload):
    """The key that was made."""

    signing_key: SigningKey | None = to_one("signing_key_id", SigningKeyRow.id, "The key.")
    user_errors: list[UserError] = user_errors()


@record()
class SignArtifactPayload(Payload):
    """The request, which is worked on in the background."""

    signing_request: SigningRequest | None = to_one(
        "signing_request_id", SigningRequestRow.id, "The request; ask for its `status` until it has ended."
    )
    user_errors: list[UserError] = user_errors()
