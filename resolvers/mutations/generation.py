"""Mutations of the generation of artifacts."""

from __future__ import annotations

import strawberry

from models.enums import Permission
from resolvers.arguments import given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.generation import GenerateArtifactInput, GenerateArtifactPayload
from services import generations
from services.generations import Order


@strawberry.type
class GenerationMutations:
    """Artifacts that the gateway makes itself."""

    @mutation(Permission.RELEASE_WRITE)
    async def generate_artifact(self, info: Info, input: GenerateArtifactInput) -> GenerateArtifactPayload:
        """Have a `.mender` file made of a raw file. The artifact is there at once; its file follows."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        order = Order(
            source_id=key("artifact", input.source_artifact_id, ("sourceArtifactId",)),
            name=input.name,
            compatible_types=input.compatible_types,
            destination=input.args.dest_dir,
            file_name=given(input.args.file_name),
            permissions=given(input.args.permissions),
            description=input.description,
        )
        async with info.context.unit_of_work() as work:
            artifact_id = await generations.create(work, organization_id, order)
        return GenerateArtifactPayload.of(artifact_id=artifact_id)
