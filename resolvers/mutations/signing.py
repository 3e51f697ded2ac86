"""Mutations of signing."""

from __future__ import annotations

import asyncio

import strawberry

from engine.cost import Weight
from models.enums import Permission
from resolvers.arguments import given, key, keys
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.signing import (
    CreateSigningKeyInput,
    CreateSigningKeyPayload,
    SignArtifactInput,
    SignArtifactPayload,
)
from services import signing_keys, signing_requests


@strawberry.type
class SigningMutations:
    """Making keys, and having artifacts signed with them."""

    @mutation(Permission.SIGNING_WRITE, weight=Weight(500))
    async def create_signing_key(self, info: Info, input: CreateSigningKeyInput) -> CreateSigningKeyPayload:
        """Make a key pair. Its private part is kept encrypted, signs here, and is never given out."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        said = signing_keys.check_key(input.name, input.description, given(input.tags))
        async with info.context.unit_of_work() as work:
            await signing_keys.admit(work, organization_id, said["name"])
        pair = await asyncio.to_thread(signing_keys.make_pair, info.context.parts.vault, input.spec)
        async with info.context.unit_of_work() as work:
            key_id = await signing_keys.create(work, organization_id, said, pair)
        return CreateSigningKeyPayload.of(signing_key_id=key_id)

    @mutation(Permission.SIGNING_WRITE)
    async def sign_artifact(self, info: Info, input: SignArtifactInput) -> SignArtifactPayload:
        """Have the file of an artifact signed with all of some keys; the signed form is an artifact of its own."""
        artifact_id = key("artifact", input.artifact_id, ("artifactId",))
        ids = given(input.key_ids)
        async with info.context.unit_of_work() as work:
            request_id = await signing_requests.create(
                work,
                artifact_id,
                key_ids=None if ids is None else keys("signingkey", ids, ("keyIds",)),
                key_digests=given(input.key_digests),
                sign_bootloader=input.sign_bootloader,
            )
        return SignArtifactPayload.of(signing_request_id=request_id)
